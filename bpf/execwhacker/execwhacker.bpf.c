// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The guard at exec. It decides here, before the new program runs one instruction; user space is only told. */
#include "../lib/kernel.bpf.h"
#include "execwhacker.h"
#include "../lib/border.bpf.h"
#include "../lib/agent.bpf.h"
#include "maps.bpf.h"
#include "scope.bpf.h"
#include "search.bpf.h"
#include "narrow.bpf.h"
#include "allow.bpf.h"
#include "event.bpf.h"
#include "copied.bpf.h"
#include "true-path.bpf.h"
#include "tally.bpf.h"
#include "wallets.bpf.h"
#include "environment.bpf.h"

/* bpf_send_signal and the ring buffer's helpers are for GPL-compatible programs. */
char LICENSE[] SEC("license") = "Dual BSD/GPL";

BORDER(struct border)

#define SIGKILL 9

/* Set before load: report every exec (--debug). */
const volatile bool report_all = false;
/* Set before load: the programs that take a hash of the arguments as they are copied run. */
const volatile bool check_copied = false;

/* ---- what the search says becomes a verdict ---- */

struct same {
	__u32 turns;
	__u32 length;
	__u32 differ;
	struct search *s;
};

/* Whether the argument in the upper part of the buffer is the path in its lower part. */
LOOP_BODY(same_word, struct same)
{
	__u32 at = turn * 8, left = ctx->length - at;
	__u64 a, b;

	barrier_var(at);
	if (at > MAX_PATH_BYTES - 8)
		return 1;
	a = *(any_u64 *)(ctx->s->buffer + at);
	b = *(any_u64 *)(ctx->s->buffer + PATH_ROOM + at);
	ctx->differ = ((a ^ b) & low_bytes(left)) != 0;
	return ctx->differ;
}

struct skip {
	__u32 turns;
	__u32 offset;
	__u32 path_bytes;
	__u32 found;
	struct search *s;
};

/* One argument of a script's: is it the path? */
LOOP_BODY(skip_argument, struct skip)
{
	struct search *s = ctx->s;
	struct same same = { .s = s };
	long n;

	if (ctx->offset >= s->args_bytes)
		return 1;
	n = read_text_string(s, s->buffer + PATH_ROOM, MAX_PATH_BYTES, ctx->offset);
	if (n <= 0)
		return 1;
	ctx->offset += n - 1;
	if (turn > 0 && n - 1 == ctx->path_bytes) {
		same.length = ctx->path_bytes;
		LOOP(same_word, (ctx->path_bytes + 7) / 8, &same);
		if (!same.differ) {
			ctx->found = 1;
			return 1;
		}
	}
	ctx->offset += 1;
	return 0;
}

/* On to the end of the argument that begins at the offset, which may be longer than one look. */
LOOP_BODY(skip_piece, struct skip)
{
	struct search *s = ctx->s;
	long n;

	if (ctx->offset >= s->args_bytes)
		return 1;
	n = read_text_string(s, s->buffer + PATH_ROOM, MAX_PATH_BYTES, ctx->offset);
	if (n <= 0)
		return 1;
	ctx->offset += n - 1; /* the last byte read is a NUL, the argument's own or the helper's */
	return n < MAX_PATH_BYTES;
}

/* Interpreter, then an option and a name for each of up to five levels (the kernel's own limit), and a little more;
 * agent/src/report/command-line.ts looks as far. */
#define MAX_SCRIPT_ARGUMENTS 13

/* Where the contract's line goes on after the path: behind argv[0], or behind the script's name among the arguments. */
static __always_inline __u32 find_rest(struct search *s, __u32 path_bytes)
{
	if (s->flags & EVENT_SCRIPT) {
		struct skip skip = { .s = s, .path_bytes = path_bytes };

		LOOP(skip_argument, MAX_SCRIPT_ARGUMENTS, &skip);
		if (skip.found && s->flags & EVENT_ARGV0_KEPT) {
			skip.offset++;
			LOOP(skip_piece, MAX_TURNS, &skip);
		}
		if (skip.found)
			return skip.offset < s->args_bytes ? skip.offset : s->args_bytes;
	}
	find_argv0_end(s);
	return s->argv0_bytes;
}

/* Read the path to the start of the buffer; its length without the NUL. */
static __always_inline __u32 read_path(struct search *s, const char *path)
{
	long n = bpf_probe_read_kernel_str(s->buffer, MAX_PATH_BYTES, path);

	return n > 0 ? n - 1 : 0;
}

/* The path to the start of the buffer, and where the line goes on. A global function, as what follows: verified once. */
__attribute__((noinline)) int begin_line(__u32 copy)
{
	struct search *s = search_state(copy);

	if (!s)
		return 0;
	s->allow.path_bytes = read_path(s, (const char *)s->filename);
	s->allow.rest = find_rest(s, s->allow.path_bytes);
	return 0;
}

/* Strings of one action and allow set that stand in the quoted line alone: where the piece of one was found, the line is walked
 * over for it. */
__attribute__((noinline)) int find_quoted_set(__u32 copy, __u32 action, __u32 set)
{
	struct search *s = search_state(copy);
	__u32 host;
	int result;

	if (!s)
		return 0;
	barrier_var(action); /* or clang masks one copy of it and uses another */
	action &= 1;
	set &= MAX_ALLOW_SETS - 1;
	if (!((s->found_sets[action + ACTION_QUOTED_ENFORCE] >> set) & 1) || (s->found_sets[action] >> set) & 1)
		return 0;
	host = !((s->scopes >> SCOPE_CONTAINERS) & 1);
	result = quoted_search(copy, (host * 2 + action) * MAX_ALLOW_SETS + set);
	if (result == ALLOW_OVER && !((s->candidate_sets >> set) & 1))
		s->flags |= EVENT_OVER_LONG;
	if (result != ALLOW_SPARED)
		return 0;
	s->found[action][set] = s->found[action + ACTION_QUOTED_ENFORCE][set];
	s->found[action][set].string_id = s->allow.pattern;
	s->found_sets[action] |= 1U << set;
	return 0;
}

/* In the line whose path lies at the buffer's start. No loop of a callback: the walks need the call stack. */
static __always_inline void find_quoted_under(struct search *s, __u32 path_bytes)
{
	__u32 copy = s->copy;

	s->allow.path_bytes = path_bytes;
	if (!path_bytes)
		return;
#pragma clang loop unroll(disable)
	for (__u64 i = 0; i < 2 * MAX_ALLOW_SETS; i++) {
		barrier_var(i); /* 64 bits wide, and kept so: search.bpf.h, filter_some_chunks */
		find_quoted_set(copy, i / MAX_ALLOW_SETS, i);
	}
}

/* Strings of the quoted line: under the path that was given, and, where that does not say which file runs, under the file's own. */
static __always_inline void find_quoted(struct search *s)
{
	if (!(s->found_sets[ACTION_QUOTED_ENFORCE] | s->found_sets[ACTION_QUOTED_AUDIT]) || s->found_sets[ACTION_ENFORCE] & 1)
		return;
	begin_line(s->copy);
	find_quoted_under(s, s->allow.path_bytes);
	if (!s->is_plain)
		find_quoted_under(s, take_true_path(s));
}

/* Which allow sets with a find a pattern spares under the path of this length. No loop of a callback: the walks need the call
 * stack. */
__attribute__((noinline)) int try_sets(__u32 copy, __u32 path_bytes)
{
	struct search *s = search_state(copy);
	__u32 sets;

	if (!s || !path_bytes)
		return 0;
	sets = (s->found_sets[ACTION_ENFORCE] | s->found_sets[ACTION_AUDIT]) & ~s->allow.spared_sets;
	s->allow.path_bytes = path_bytes;
#pragma clang loop unroll(disable)
	for (__u64 set = 1; set < MAX_ALLOW_SETS; set++) {
		barrier_var(set); /* 64 bits wide, and kept so: search.bpf.h, filter_some_chunks */
		if ((sets >> set) & 1 && allow_search(copy, set) != ALLOW_SPARED)
			nfa_search(copy, set);
	}
	return 0;
}

/* Patterns see the line under each name that the process truly has: the path that was given, if it is plain, and the path of
 * the file that runs. */
static __always_inline void find_spared(struct search *s)
{
	begin_line(s->copy);
	if (s->is_plain)
		try_sets(s->copy, s->allow.path_bytes);
	try_sets(s->copy, take_true_path(s));
}

struct set_walk {
	__u32 turns;
	__u32 sets; /* with a find, and not spared yet */
	__u32 action;
	__u32 found;
	struct search *s;
};

/* The first of `sets` is what the verdict tells. */
LOOP_BODY(tell_set, struct set_walk)
{
	__u32 set = turn & (MAX_ALLOW_SETS - 1);

	if (!((ctx->sets >> set) & 1))
		return 0;
	ctx->s->told = ctx->s->found[ctx->action & 1][set];
	ctx->s->has_told = 1;
	ctx->s->allow.told_pattern = ctx->s->allow.patterns[set];
	ctx->found = 1;
	return 1;
}

static __always_inline bool tell_first(struct search *s, __u32 action, __u32 sets)
{
	struct set_walk walk = { .s = s, .action = action, .sets = sets & s->found_sets[action] };

	if (walk.sets)
		LOOP(tell_set, MAX_ALLOW_SETS, &walk);
	return walk.found;
}

static __always_inline __u32 by_way(struct filters *f, __u32 way, __u32 scopes)
{
	return way == WAY_LET_GO ? VERDICT_LET_GO : may_kill(f, scopes) ? VERDICT_KILLED : VERDICT_WOULD_KILL;
}

static __always_inline __u32 settle_known(struct search *s, struct filters *f)
{
	__u32 unsearched, spared, in_force;

	in_force = ~s->candidate_sets;
	unsearched = s->flags & (EVENT_UNREADABLE | EVENT_OVER_LONG);
	spared = s->allow.spared_sets;
	if (tell_first(s, ACTION_ENFORCE, ~spared))
		return VERDICT_KILLED;
	if (s->flags & EVENT_CHANGED)
		return may_kill(f, s->scopes) ? VERDICT_KILLED : VERDICT_WOULD_KILL;
	if (unsearched)
		return by_way(f, unsearched & EVENT_UNREADABLE ? f->policy.way_unreadable : f->policy.way_over_long, s->scopes);
	if (tell_first(s, ACTION_AUDIT, ~spared & in_force))
		return VERDICT_WOULD_KILL;
	if (tell_first(s, ACTION_ENFORCE, spared) || tell_first(s, ACTION_AUDIT, spared & in_force))
		return VERDICT_SPARED_PATTERN;
	if (s->has_out_of_scope) {
		s->told = s->out_of_scope;
		s->has_told = 1;
		return VERDICT_SPARED_SCOPE;
	}
	return s->has_told ? VERDICT_SPARED_SUBSTRING : VERDICT_PASS;
}

/* What was found, and what of it is spared, becomes a verdict; where a string stands of which nobody knows whether it counts here,
 * and nothing else kills, a question. */
__attribute__((noinline)) int settle(__u32 copy)
{
	struct search *s = search_state(copy);
	struct filters *f = s ? search_filters(s->slot) : NULL;
	__u32 verdict;

	if (!s || !f)
		return VERDICT_PASS;
	if (s->flags & (EVENT_UNREADABLE | EVENT_OVER_LONG | EVENT_CHANGED))
		find_narrow(copy);
	verdict = settle_known(s, f);
	if (verdict == VERDICT_KILLED || !s->asked)
		return verdict;
	s->told = s->out_of_scope;
	s->has_told = 1;
	return VERDICT_ASKED;
}

/* What a candidate list alone would kill becomes what is told, beside a verdict that finds nothing to kill. */
__attribute__((noinline)) int settle_candidate(__u32 copy, __u32 verdict)
{
	struct search *s = search_state(copy);

	if (!s || verdict == VERDICT_KILLED || verdict == VERDICT_KILL_FAILED || verdict == VERDICT_WOULD_KILL)
		return 0;
	return tell_first(s, ACTION_AUDIT, s->candidate_sets & ~s->allow.spared_sets);
}

/* KILLED says what is to be done; the caller does it. */
static __always_inline __u32 judge(struct search *s)
{
	s->allow.spared_sets = s->allow.told_pattern = 0;
	if (!any_found(s) && !s->has_told && !s->has_out_of_scope && !(s->flags & (EVENT_UNREADABLE | EVENT_OVER_LONG | EVENT_CHANGED)))
		return VERDICT_PASS;
	/* Set 0 alone needs no line. */
	if (!(s->found_sets[ACTION_ENFORCE] & 1) && (s->found_sets[ACTION_ENFORCE] || s->found_sets[ACTION_AUDIT] > 1))
		find_spared(s);
	return settle(s->copy);
}

/* ---- the exec ---- */

static __always_inline void count_by(__u32 verdict)
{
	if (verdict == VERDICT_KILLED)
		count(COUNTER_KILLED);
	else if (verdict == VERDICT_KILL_FAILED)
		count(COUNTER_KILL_FAILED);
	else if (verdict == VERDICT_WOULD_KILL)
		count(COUNTER_WOULD_KILL);
	else if (verdict == VERDICT_SPARED_SUBSTRING)
		count(COUNTER_SPARED_SUBSTRING);
	else if (verdict == VERDICT_SPARED_PATTERN)
		count(COUNTER_SPARED_PATTERN);
	else if (verdict == VERDICT_SPARED_SCOPE)
		count(COUNTER_SPARED_SCOPE);
	else if (verdict == VERDICT_LET_GO)
		count(COUNTER_LET_GO);
	else if (verdict == VERDICT_CANDIDATE)
		count(COUNTER_CANDIDATE);
	else if (verdict == VERDICT_ASKED)
		count(COUNTER_ASKED);
}

static __always_inline void count_verdict(__u32 verdict, struct search *s, struct task_struct *task)
{
	/* The verdict in force has counted them. */
	__u32 flags = verdict == VERDICT_CANDIDATE ? 0 : s->flags;

	if (flags & EVENT_UNREADABLE)
		count(COUNTER_UNREADABLE);
	if (flags & EVENT_OVER_LONG)
		count(COUNTER_OVER_LONG);
	if (flags & EVENT_CHANGED)
		count(COUNTER_CHANGED);
	if (verdict == VERDICT_KILLED && is_self_test(task))
		count(COUNTER_SELF_TEST);
	else
		count_by(verdict);
}

/* Everything that is needed to search, into the state of this copy on this CPU. An exec has it to itself: no other one gets
 * this copy of the program on this CPU before it ends. */
static __always_inline struct filters *begin(struct search *s, __u32 copy, __u64 args, __u32 args_bytes, __u32 flags)
{
	__u32 slot = control_get(CONTROL_SLOT) & 1;
	struct filters *f;

	s->copy = copy;
	s->slot = slot;
	s->args = args;
	s->args_bytes = args_bytes ? args_bytes - 1 : 0;
	s->flags = flags;
	s->work = s->look_again = s->has_true_path = 0;
	s->text = args;
	s->text_kept = s->reread = 0;
	s->hash_keys[0] = s->copied_bytes = 0;
	s->unknown_scopes = s->narrow_seen = s->asked = 0;
	s->narrow_cgroup = 0;
	f = search_filters(slot);
	s->candidate_sets = f ? f->policy.candidate_sets : 0;
	return f;
}

/* a46023d5616e "tracing: Guard __DECLARE_TRACE() use of __DO_TRACE_CALL() with SRCU-fast" and f7d327654b88 "bpf: Have
 * __bpf_trace_run() use rcu_read_lock_dont_migrate()", v7.0, let a tracing program be preempted. The kernel then does not
 * run it for another exec on the same CPU meanwhile. */
extern int LINUX_KERNEL_VERSION __kconfig;

static __always_inline bool may_be_skipped(void)
{
	return LINUX_KERNEL_VERSION >= (7 << 16);
}

/* Whether this exec has been seen, by its number within the process; and that it has been now. */
static __always_inline bool seen_before(struct task_struct *task, __u32 tgid)
{
	__u64 exec = BPF_CORE_READ(task, self_exec_id), *last = bpf_map_lookup_elem(&last_exec, &tgid);

	if (last && *last == exec)
		return true;
	bpf_map_update_elem(&last_exec, &tgid, &exec, BPF_ANY);
	return false;
}

/* 5fdfc1b14a8c "tracing: Add sched_prepare_exec tracepoint", v6.10: the exec's record, before its arguments can be reached. */
SEC("tp_btf/sched_prepare_exec")
int BPF_PROG(args_prepared, struct task_struct *task, struct linux_binprm *bprm)
{
	struct copied *c = bpf_task_storage_get(&copied_arguments, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (c) {
		c->bprm = (__u64)bprm;
		c->bytes = 0;
	}
	return 0;
}

/* begin_new_exec gives the task its new name when it has the new memory and before anybody else can reach that. */
SEC("tp_btf/task_rename")
int BPF_PROG(args_copied, struct task_struct *task)
{
	struct copied *c;

	if (task != bpf_get_current_task_btf())
		return 0;
	c = bpf_task_storage_get(&copied_arguments, task, NULL, 0);
	if (!c || !c->bprm)
		return 0;
	take_copied(c, (struct linux_binprm *)c->bprm);
	c->bprm = 0;
	return 0;
}

/* Before 6.10: the same place by the security hook's function, where the kernel lets functions be traced. */
SEC("fentry/security_bprm_committing_creds")
int BPF_PROG(args_committing, struct linux_binprm *bprm)
{
	struct copied *c = bpf_task_storage_get(&copied_arguments, bpf_get_current_task_btf(), NULL,
						BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (c)
		take_copied(c, bprm);
	return 0;
}

/* linux include/linux/binfmts.h: binfmt_misc's flag P, for emulators of other processors above all. The interpreter gets its
 * own name, the program's path, and then all that was given, argv[0] included. */
#define BINPRM_FLAGS_PRESERVE_ARGV0 (1 << 3)

static __always_inline __u32 script_flags(struct linux_binprm *bprm)
{
	if (bprm->filename == bprm->interp)
		return 0;
	return EVENT_SCRIPT | (bprm->interp_flags & BINPRM_FLAGS_PRESERVE_ARGV0 ? EVENT_ARGV0_KEPT : 0);
}

/* Where the path that was given does not say which file runs, strings are looked for in the file's own. A script's file is not
 * at hand any more: what runs is its interpreter. */
static __always_inline void see_true_path(struct search *s, struct filters *f)
{
	__u32 bytes;

	if (s->flags & EVENT_SCRIPT || (s->is_plain && !any_found(s) && !s->asked))
		return;
	read_true_path(s->copy);
	s->has_true_path = 1;
	if (s->is_plain || s->stop)
		return;
	bytes = take_true_path(s);
	if (bytes)
		search_true_path(s, f, bytes);
}

/* A scan sees the process otherwise than exec did: under another path, with a title of its own. What was spared here is told
 * to it. */
static __always_inline void remember_spared(struct search *s, struct filters *f, struct task_struct *task)
{
	__u32 tgid = BPF_CORE_READ(task, tgid);
	struct spared_buffer *b = bpf_map_lookup_elem(&spared_buffers, &s->copy);
	long n;

	if (!b)
		return;
	b->entry.start_time_ns = BPF_CORE_READ(task, start_boottime);
	b->entry.args_address = s->args;
	b->entry.keys[0] = s->hash_keys[0];
	b->entry.keys[1] = s->hash_keys[1];
	b->entry.hash = s->hash;
	b->entry.bytes = s->hash_keys[0] ? s->args_bytes + 1 : 0;
	b->entry.string_id = s->told.string_id;
	b->entry.pattern_id = s->allow.told_pattern;
	b->entry.generation = f->policy.generation;
	n = bpf_probe_read_kernel_str(b->entry.path, MAX_SPARED_PATH_BYTES, (const char *)s->filename);
	b->entry.path_bytes = n > 0 && n < MAX_SPARED_PATH_BYTES ? n - 1 : MAX_SPARED_PATH_BYTES;
	/* Without a hash it is the search for wallets that says so: what the guard said of this exec says more. */
	bpf_map_update_elem(&spared, &tgid, &b->entry, s->hash_keys[0] ? BPF_ANY : BPF_NOEXIST);
}

/* What the process executes now is not what was spared. */
static __always_inline void forget_spared(struct task_struct *task)
{
	__u32 tgid = BPF_CORE_READ(task, tgid);

	if (bpf_map_lookup_elem(&spared, &tgid))
		bpf_map_delete_elem(&spared, &tgid);
}

/* A child has its parent's arguments, and the verdict on them. */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(spared_forked, struct task_struct *parent, struct task_struct *child)
{
	__u32 tgid = BPF_CORE_READ(parent, tgid), child_tgid = BPF_CORE_READ(child, tgid), zero = 0;
	struct spared *entry = bpf_map_lookup_elem(&spared, &tgid);
	struct spared_buffer *b;

	if (!entry || child_tgid == tgid)
		return 0;
	b = bpf_map_lookup_elem(&forked_buffers, &zero);
	if (!b)
		return 0;
	b->entry = *entry;
	b->entry.start_time_ns = BPF_CORE_READ(child, start_boottime);
	bpf_map_update_elem(&spared, &child_tgid, &b->entry, BPF_ANY);
	return 0;
}

/* Who may fork often must not push out what is known of others. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(spared_exited, struct task_struct *task)
{
	__u32 tgid = BPF_CORE_READ(task, tgid);

	if (BPF_CORE_READ(task, signal, live.counter) == 0)
		bpf_map_delete_elem(&spared, &tgid);
	return 0;
}

static __always_inline int tell_of(__u32 copy, bool in_environment)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct search *s = search_state(copy);
	struct filters *f = s ? search_filters(s->slot) : NULL;
	struct telling telling = {};
	struct tally_key key = {};
	struct event_buffer *b;
	__u32 verdict;
	bool counted;

	if (!s || !f)
		return 0;
	verdict = s->verdict;
	count_verdict(verdict, s, task);
	if (verdict == VERDICT_SPARED_PATTERN)
		remember_spared(s, f, task);

	b = event_buffer(copy);
	if (!b)
		return 0;
	counted = verdict != VERDICT_OBSERVED && verdict != VERDICT_ASKED && !is_self_test(task);
	key.group = tally_group(b, task);
	key.string_id = s->has_told ? s->told.string_id : NO_STRING;
	key.pattern_id = s->allow.told_pattern;
	key.generation = f->policy.generation;
	key.verdict = verdict;
	telling.args_bytes = EVENT_ARGS_BYTES;
	if (counted && !tally_verdict(&key, &f->policy, task, &telling))
		return 0;
	b->event.latency_ns = bpf_ktime_get_ns() - s->entered_ns;
	b->event.group = key.group;
	b->event.narrow_cgroup = s->narrow_cgroup;
	b->event.verdict = verdict;
	b->event.flags = s->flags | (s->has_told ? 0 : EVENT_NO_STRING);
	b->event.string_id = s->told.string_id;
	b->event.string_bytes = s->told.string_bytes;
	b->event.pattern_id = s->allow.told_pattern;
	b->event.generation = f->policy.generation;
	b->event.signal_result = s->signal_result;
	b->event.match_offset = s->told.match_offset;
	b->event.match_in_path = s->told.match_in_path;
	add_identity(copy);
	add_line(copy, telling.args_bytes);
	if (in_environment)
		add_variable(copy);
	if (send_event(b) && counted)
		count_told(verdict, &telling);
	return 0;
}

/* Count the verdict that has taken effect, and tell of it. A global function, which the verifier looks at by itself: where
 * the verdict is one of any. */
__attribute__((noinline)) int tell(__u32 copy)
{
	return tell_of(copy, false);
}

/* The same of what stands in the environment. */
__attribute__((noinline)) int tell_environment(__u32 copy)
{
	return tell_of(copy, true);
}

/* Search and judge. */
static __always_inline __u32 look(struct search *s, struct filters *f)
{
	const char *path = (const char *)s->filename;
	__u32 verdict;

	s->path_bytes = read_path(s, path);
	s->is_plain = is_plain_path(s);
	s->scopes = find_scopes(f->policy.flags);
	search(s, f);
	if (is_changed(s))
		s->flags |= EVENT_CHANGED;
	if (any_found(s) || s->asked || !s->is_plain)
		keep_text(s);
	see_true_path(s, f);
	find_quoted(s);
	verdict = judge(s);
	if (verdict != VERDICT_KILLED && is_changed_since(s->copy)) {
		s->flags |= EVENT_CHANGED;
		verdict = settle(s->copy);
	}
	return verdict;
}

/* @return the verdict as it is told */
static __always_inline __u32 take_effect(struct search *s, __u32 verdict)
{
	long failed = 0;

	if (verdict == VERDICT_KILLED && (failed = bpf_send_signal(SIGKILL)) != 0)
		verdict = VERDICT_KILL_FAILED;
	s->signal_result = failed;
	return verdict;
}

/* The verdict takes effect, and only then is it told, and then what a candidate list would do. */
static __always_inline void conclude(struct search *s, __u32 verdict)
{
	__u32 would_find = s->candidate_sets & s->found_sets[ACTION_AUDIT];

	if (verdict == VERDICT_PASS && !report_all && !would_find)
		return;
	verdict = take_effect(s, verdict);
	s->verdict = verdict == VERDICT_PASS && report_all ? VERDICT_OBSERVED : verdict;
	if (s->verdict != VERDICT_PASS)
		tell(s->copy);
	if (would_find && settle_candidate(s->copy, verdict)) {
		s->verdict = VERDICT_CANDIDATE;
		tell(s->copy);
	}
}

/* ---- what cannot be searched here and now ---- */

/* An exec whose line has a page that is not in memory, or is too long to be searched while nothing else may run on the CPU. Later
 * still is before the new program's first instruction: in the task's own context, on its way to user mode, where a page can be
 * waited for and others get their turn.
 *
 * 38aa7003e369 "bpf: task work scheduling kfuncs", v6.18; ea0714d61dea "bpf:add _impl suffix for bpf_task_work_schedule* kfuncs",
 * v6.18 too; 6e663ffdf760 "bpf: Migrate bpf_task_work_schedule_* kfuncs to KF_IMPLICIT_ARGS", v7.0, takes it away again. */
struct bpf_task_work {
	__u64 __opaque;
} __attribute__((aligned(8)));

struct later {
	struct bpf_task_work work;
	__u64 args;
	__u32 args_bytes; /* with the last NUL */
	__u32 flags;
	__u32 argc;
	__u32 reserved;
	__u64 hash_keys[2]; /* as in struct search */
	__u64 copied_hash;
	__u64 copied_bytes;
	__u8 path[MAX_PATH_BYTES];
	__u8 interp[EVENT_EXE_BYTES];
};

/* Thread group -> what its exec was. Made by the exec program, taken away by the second look. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct later);
} later SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct later);
} later_buffers SEC(".maps");

/* Set before load: which state the second look takes. */
const volatile __u32 later_copy = 0;

struct bpf_map {
	__u32 id;
} __attribute__((preserve_access_index));

typedef int (*later_callback)(struct bpf_map *map, void *key, void *value);
extern int bpf_task_work_schedule_signal_impl(struct task_struct *task, struct bpf_task_work *work, void *map,
					      later_callback callback, void *aux) __ksym __weak;
extern int bpf_task_work_schedule_signal(struct task_struct *task, struct bpf_task_work *work, void *map,
					 later_callback callback) __ksym __weak;

/* How much more a second look may cost than the first: others get their turn meanwhile. */
#define LATER_WORK 16

struct touch_walk {
	__u32 turns;
	__u32 bytes;
	__u64 args;
};

/* Have a page read in. */
LOOP_BODY(touch_page, struct touch_walk)
{
	__u32 at = turn * 4096;
	__u8 byte;

	if (at >= ctx->bytes)
		at = ctx->bytes - 1;
	return bpf_copy_from_user(&byte, 1, (void *)(ctx->args + at)) != 0;
}

/* Not inlined: the walks behind the caller need what the stack has. */
static __attribute__((noinline)) int touch_pages(struct later *l)
{
	struct touch_walk touch = { .bytes = l->args_bytes, .args = l->args };

	if (touch.bytes)
		LOOP(touch_page, touch.bytes / 4096 + 2, &touch);
	return 0;
}

/* A second look may be preempted by another one on the same CPU, which then finds the state taken. */
static __always_inline bool take_state(struct search *s)
{
	return __sync_val_compare_and_swap(&s->taken, 0, 1) == 0;
}

static int look_later(struct bpf_map *map, void *key, void *value)
{
	struct later *l = value;
	struct filters *f;
	struct search *s;
	__u32 verdict, copy = later_copy;

	touch_pages(l);
	s = search_state(copy);
	if (!s)
		return 0;
	if (!take_state(s)) {
		f = search_filters(control_get(CONTROL_SLOT) & 1);
		count(COUNTER_LATER_BUSY);
		if (f && by_way(f, f->policy.way_unreadable, find_scopes(f->policy.flags)) == VERDICT_KILLED)
			bpf_send_signal(SIGKILL);
		bpf_map_delete_elem(&later, key);
		return 0;
	}
	f = begin(s, copy, l->args, l->args_bytes, l->flags);
	if (f) {
		s->work_factor = LATER_WORK;
		s->argc = l->argc;
		s->filename = (__u64)l->path;
		s->interp = (__u64)l->interp;
		s->entered_ns = bpf_ktime_get_ns();
		s->hash_keys[0] = l->hash_keys[0];
		s->hash_keys[1] = l->hash_keys[1];
		s->copied_hash = l->copied_hash;
		s->copied_bytes = l->copied_bytes;
		verdict = look(s, f);
		conclude(s, verdict);
	}
	s->taken = 0;
	bpf_map_delete_elem(&later, key);
	return 0;
}

/* Have this exec looked at once more, on its way to user mode. */
static __always_inline bool put_off(struct search *s, struct task_struct *task)
{
	__u32 zero = 0, tgid = BPF_CORE_READ(task, tgid);
	struct later *l = bpf_map_lookup_elem(&later_buffers, &zero);
	long failed;

	if (!l)
		return false;
	l->args = s->args;
	l->args_bytes = s->args_bytes + 1;
	l->flags = s->flags & ~(EVENT_UNREADABLE | EVENT_OVER_LONG | EVENT_ALLOW_CUT);
	l->argc = s->argc;
	l->hash_keys[0] = s->hash_keys[0];
	l->hash_keys[1] = s->hash_keys[1];
	l->copied_hash = s->copied_hash;
	l->copied_bytes = s->copied_bytes;
	bpf_probe_read_kernel_str(l->path, MAX_PATH_BYTES, (void *)s->filename);
	bpf_probe_read_kernel_str(l->interp, EVENT_EXE_BYTES, (void *)s->interp);
	if (bpf_map_update_elem(&later, &tgid, l, BPF_ANY))
		return false;
	l = bpf_map_lookup_elem(&later, &tgid);
	if (!l)
		return false;
	if (&bpf_task_work_schedule_signal_impl)
		failed = bpf_task_work_schedule_signal_impl(task, &l->work, &later, look_later, NULL);
	else if (&bpf_task_work_schedule_signal)
		failed = bpf_task_work_schedule_signal(task, &l->work, &later, look_later);
	else
		return false;
	if (failed)
		bpf_map_delete_elem(&later, &tgid);
	return !failed;
}

static __always_inline int guard(struct task_struct *task, struct linux_binprm *bprm, __u32 copy, bool has_second_look)
{
	__u64 entered = bpf_ktime_get_ns();
	unsigned long args, args_end;
	struct filters *f;
	__u32 verdict;
	struct search *s;

	if (control_get(CONTROL_RETIRED_BY))
		return 0;
	if (may_be_skipped() && seen_before(task, BPF_CORE_READ(task, tgid)))
		return 0;
	count(COUNTER_CHECKED);
	if (!in_scope(task))
		return 0;
	s = search_state(copy);
	if (!s)
		return 0;
	args = BPF_CORE_READ(task, mm, arg_start);
	args_end = BPF_CORE_READ(task, mm, arg_end);
	f = begin(s, copy, args, args_end > args ? args_end - args : 0, script_flags(bprm));
	if (!f) {
		count(COUNTER_NO_TABLES);
		return 0;
	}
	s->work_factor = 1;
	s->argc = bprm->argc;
	s->filename = (__u64)bprm->filename;
	s->interp = (__u64)bprm->interp;
	s->entered_ns = entered;
	forget_spared(task);
	if (!expect_copied(task, s) && check_copied)
		count(COUNTER_UNCHECKED);
	verdict = look(s, f);
	if (has_second_look && (s->flags & (EVENT_UNREADABLE | EVENT_OVER_LONG) || s->look_again) &&
	    !(s->found_sets[ACTION_ENFORCE] & 1) && put_off(s, task)) {
		count(COUNTER_PUT_OFF);
		return 0;
	}
	conclude(s, verdict);
	return 0;
}

/* In the order of running. Only the first is loaded where no exec can be skipped; elsewhere each of the others stands in for
 * those before it, with a state of its own. */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(guard_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	return guard(task, bprm, 0, true);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(guard_exec_2, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	return guard(task, bprm, 1, true);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(guard_exec_3, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	return guard(task, bprm, 2, true);
}

/* Instead of the first, before 6.18: a verifier that knows no second look counts its calls as if they were made in place, and
 * finds the call stack too deep. */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(guard_exec_once, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	return guard(task, bprm, 0, false);
}

/* The last one, and short: an exec that none of the copies took goes the way of one that cannot be read. Nothing is used
 * here that a preempted copy may have in hand. */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(guard_skipped, struct task_struct *task)
{
	__u32 tgid = BPF_CORE_READ(task, tgid), verdict;
	struct tally_key key = { .string_id = NO_STRING };
	struct telling telling = {};
	struct exec_event event = {};
	struct filters *f;

	if (!may_be_skipped() || control_get(CONTROL_RETIRED_BY) || seen_before(task, tgid))
		return 0;
	count(COUNTER_SKIPPED);
	f = search_filters(control_get(CONTROL_SLOT) & 1);
	if (!f || !in_scope(task))
		return 0;
	/* An agent that dies closes its links one after the other: what stands alone then must kill no one. */
	verdict = control_get(CONTROL_AGENT_AWAY) ? VERDICT_LET_GO
						  : by_way(f, f->policy.way_unreadable, find_scopes(f->policy.flags));
	if (verdict == VERDICT_KILLED && (event.signal_result = bpf_send_signal(SIGKILL)) != 0)
		verdict = VERDICT_KILL_FAILED;
	count_by(verdict);
	key.group = event.group = group_of(BPF_CORE_READ(task, cgroups, dfl_cgrp));
	key.generation = f->policy.generation;
	key.verdict = verdict;
	if (!tally_verdict(&key, &f->policy, task, &telling))
		return 0;
	event.verdict = verdict;
	event.flags = EVENT_UNREADABLE | EVENT_NO_STRING;
	event.pid = tgid;
	event.ppid = BPF_CORE_READ(task, real_parent, tgid);
	event.uid = (__u32)bpf_get_current_uid_gid();
	event.start_time_ns = BPF_CORE_READ(task, start_boottime);
	event.generation = f->policy.generation;
	BPF_CORE_READ_INTO(&event.comm, task, comm);
	if (bpf_ringbuf_output(&kill_events, &event, sizeof(event), 0))
		count(COUNTER_KILL_EVENTS_LOST);
	else
		count_told(verdict, &telling);
	return 0;
}

/* ---- wallets ---- */

/* Set before load: which state the search for wallets takes. */
const volatile __u32 wallets_copy = 0;

/* What was found of wallets, and which patterns spare it: under the same names as strings. */
static __always_inline __u32 look_for_wallets(struct search *s, bool at_exec)
{
	__u32 ends_badly;

	s->has_told = s->has_out_of_scope = s->stop = s->in_true_path = 0;
	s->found_sets[ACTION_ENFORCE] = s->found_sets[ACTION_AUDIT] = 0;
	s->found_sets[ACTION_QUOTED_ENFORCE] = s->found_sets[ACTION_QUOTED_AUDIT] = 0;
	ends_badly = search_wallets(s->copy);
	if (s->flags & EVENT_UNREADABLE)
		count(COUNTER_WALLETS_UNREADABLE);
	if (s->work > s->max_work)
		count(COUNTER_WALLETS_OVER_LONG);
	/* What cannot be read is the guard's business, and the scan's; what is built to be slow goes the way of such lines. */
	s->flags &= ~EVENT_UNREADABLE;
	if (s->work > s->max_work && ends_badly)
		s->flags |= EVENT_OVER_LONG;
	if (!any_found(s) && !s->asked && !(s->flags & EVENT_OVER_LONG))
		return VERDICT_PASS;
	keep_text(s);
	s->path_bytes = read_path(s, (const char *)s->filename);
	s->is_plain = is_plain_path(s);
	if (at_exec && !(s->flags & EVENT_SCRIPT)) {
		read_true_path(s->copy);
		s->has_true_path = 1;
	}
	return judge(s);
}

/* Someone has killed it already. */
static __always_inline bool is_dying(struct task_struct *task)
{
	return (BPF_CORE_READ(task, pending.signal.sig[0]) >> (SIGKILL - 1)) & 1;
}

/* What looks beside the guard begins, if there is something to look at. */
static __always_inline struct search *begin_beside(struct task_struct *task, struct linux_binprm *bprm, __u32 copy)
{
	__u64 entered = bpf_ktime_get_ns();
	unsigned long args, args_end;
	struct filters *f;
	struct search *s;

	if (control_get(CONTROL_RETIRED_BY) || is_dying(task) || !in_scope(task))
		return NULL;
	s = search_state(copy);
	if (!s)
		return NULL;
	args = BPF_CORE_READ(task, mm, arg_start);
	args_end = BPF_CORE_READ(task, mm, arg_end);
	f = begin(s, copy, args, args_end > args ? args_end - args : 0, script_flags(bprm));
	if (!f)
		return NULL;
	s->max_work = f->policy.max_work;
	s->argc = bprm->argc;
	s->filename = (__u64)bprm->filename;
	s->interp = (__u64)bprm->interp;
	s->entered_ns = entered;
	return s;
}

/* Behind the guard, and only where wallets are looked for. */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(guard_wallets, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	struct search *s = begin_beside(task, bprm, wallets_copy);
	__u32 verdict;

	if (!s)
		return 0;
	s->scopes = find_scopes(wallets_policy_flags(s->slot));
	verdict = look_for_wallets(s, true);
	if (verdict != VERDICT_PASS)
		conclude(s, verdict);
	return 0;
}

/* ---- the environment ---- */

/* Set before load: which state the search of the environment takes. */
const volatile __u32 environment_copy = 0;

/* What was found in it, and which patterns spare it: under the same names as strings. */
static __always_inline __u32 look_at_environment(struct search *s, __u32 bytes, bool at_exec)
{
	__u32 slot = s->slot, args_bytes = s->args_bytes, verdict;
	__u64 args = s->args;

	s->slot = slot + ENVIRONMENT_SLOTS;
	s->args = s->text = s->environment;
	s->args_bytes = bytes - 1;
	search_environment(s->copy);
	s->slot = slot;
	s->args = s->text = args;
	s->args_bytes = args_bytes;
	/* The patterns' walks have all of it. */
	s->work = 0;
	/* The agent looks at what is not searched here: no one is killed for the length of an environment. */
	s->flags &= ~(EVENT_UNREADABLE | EVENT_OVER_LONG);
	if (!any_found(s) && !s->has_told && !s->has_out_of_scope)
		return VERDICT_PASS;
	s->path_bytes = read_path(s, (const char *)s->filename);
	s->is_plain = is_plain_path(s);
	if (at_exec && !(s->flags & EVENT_SCRIPT)) {
		read_true_path(s->copy);
		s->has_true_path = 1;
	}
	verdict = judge(s);
	s->told.match_in_path = MATCH_IN_ENVIRONMENT;
	return verdict;
}

/* Behind the others, and only where something is looked for in the environment. */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(guard_environment, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	unsigned long from = BPF_CORE_READ(task, mm, env_start), end = BPF_CORE_READ(task, mm, env_end);
	struct search *s;
	__u32 verdict;

	if (end <= from)
		return 0;
	s = begin_beside(task, bprm, environment_copy);
	if (!s)
		return 0;
	s->environment = from;
	s->scopes = find_scopes(environment_policy_flags(s->slot));
	verdict = look_at_environment(s, end - from, true);
	if (verdict == VERDICT_PASS)
		return 0;
	s->verdict = take_effect(s, verdict);
	tell_environment(s->copy);
	return 0;
}

/* ---- the same search and verdict on a caller's buffer: for tests and benchmarks ---- */

SEC("syscall")
int judge_buffer(struct judge_args *in)
{
	struct event_buffer *b = event_buffer(0);
	struct search *s = search_state(0);
	const char *path;
	struct filters *f;
	__u64 entered;

	if (!s || !b)
		return 1;
	f = begin(s, 0, in->args, in->args_bytes, in->script_interpreter ? EVENT_SCRIPT : 0);
	if (!f)
		return 1;
	s->work_factor = 1;
	/* An exec's path is in the kernel's memory. */
	path = (const char *)b->data;
	bpf_probe_read_user_str(b->data, MAX_PATH_BYTES, (void *)in->path);
	entered = bpf_ktime_get_ns();
	s->path_bytes = read_path(s, path);
	s->is_plain = is_plain_path(s);
	s->scopes = in->scopes ? in->scopes : ALL_SCOPES;
	s->unknown_scopes = in->unknown_scopes;
	s->narrow_seen = 1;
	search(s, f);
	s->filename = (__u64)path;
	if (any_found(s))
		keep_text(s);
	find_quoted(s);
	in->verdict = judge(s);
	in->elapsed_ns = bpf_ktime_get_ns() - entered;
	in->string_id = s->told.string_id;
	in->pattern_id = s->allow.told_pattern;
	in->flags = s->flags;
	in->match_offset = s->told.match_offset;
	in->match_in_path = s->told.match_in_path;
	in->work = s->work;
	in->candidate_id = settle_candidate(s->copy, in->verdict) ? s->told.string_id : NO_STRING;
	return 0;
}

/* The line, for those that look beside the guard. */
static __always_inline struct search *begin_judging(struct judge_args *in)
{
	struct event_buffer *b = event_buffer(0);
	struct search *s = search_state(0);
	struct filters *f;

	if (!s || !b)
		return NULL;
	f = begin(s, 0, in->args, in->args_bytes, in->script_interpreter ? EVENT_SCRIPT : 0);
	if (!f)
		return NULL;
	s->max_work = f->policy.max_work;
	bpf_probe_read_user_str(b->data, MAX_PATH_BYTES, (void *)in->path);
	s->filename = (__u64)b->data;
	s->scopes = in->scopes ? in->scopes : ALL_SCOPES;
	s->unknown_scopes = in->unknown_scopes;
	s->narrow_seen = 1;
	return s;
}

static __always_inline void end_judging(struct judge_args *in, struct search *s)
{
	in->string_id = s->told.string_id;
	in->pattern_id = s->allow.told_pattern;
	in->flags = s->flags;
	in->match_offset = s->told.match_offset;
	in->match_in_path = s->told.match_in_path;
	in->work = s->work;
}

SEC("syscall")
int judge_wallets(struct judge_args *in)
{
	struct search *s = begin_judging(in);
	__u64 entered;

	if (!s)
		return 1;
	entered = bpf_ktime_get_ns();
	in->verdict = look_for_wallets(s, false);
	in->elapsed_ns = bpf_ktime_get_ns() - entered;
	end_judging(in, s);
	return 0;
}

SEC("syscall")
int judge_environment(struct judge_args *in)
{
	struct search *s = begin_judging(in);
	__u64 entered;

	if (!s || !in->environment_bytes)
		return 1;
	s->environment = in->environment;
	entered = bpf_ktime_get_ns();
	in->verdict = look_at_environment(s, in->environment_bytes, false);
	in->elapsed_ns = bpf_ktime_get_ns() - entered;
	end_judging(in, s);
	return 0;
}
