/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What is told, and how much of it: the first of a kind whole, then some; the counters know of all. */
#ifndef CRYPTNONO_NAMES_EVENT_BPF_H
#define CRYPTNONO_NAMES_EVENT_BPF_H

#include "../lib/identity.bpf.h"

#define NS_PER_S 1000000000ULL

/* What is to be told. */
struct finding {
	__u32 evidence;
	__u32 outcome;
	__u32 entry;
	__u32 flags; /* enum names_event_flags */
	__s32 signal_result;
	__u32 packets;
	__u32 answers;
	__u32 asked_by;
	__u32 apart; /* destinations that are counted by themselves; 0: by the entry */
	struct owner *owner;
	struct names_settings *settings;
	struct flow *flow; /* its name and its login; or NULL */
	struct learnt *learnt; /* its name; or NULL */
	bool tells; /* there is something to tell */
	bool must; /* the agent has to do something about it */
};

/* It is to be told, by the program's end. */
static __always_inline void find(struct finding *f, __u32 evidence, __u32 outcome)
{
	f->evidence = evidence;
	f->outcome = outcome;
	f->tells = true;
}

/* Tokens that come evenly, as the time at which the next one is due. Two processors may both take the last one: one too many. */
static __always_inline bool take_turn(__u64 now)
{
	__u64 every_ns = NS_PER_S / TELL_RATE, *due;
	__u32 zero = 0;

	due = bpf_map_lookup_elem(&told, &zero);
	if (!due || *due > now + TELL_BURST * every_ns)
		return false;
	*due = (*due > now ? *due : now) + every_ns;
	return true;
}

/* A name's end, if it is longer than what is kept of it; the rest is left as it is. */
static __always_inline void keep_end(__u8 *kept, struct name *n)
{
	__u32 bytes = n->bytes, from;

	from = bytes > NAME_TOLD_BYTES ? bytes - NAME_TOLD_BYTES : 0;
	barrier_var(from);
	from &= NAME_BYTES / 2 - 1;
	bytes -= from;
	barrier_var(bytes);
	bytes = bytes > NAME_TOLD_BYTES ? NAME_TOLD_BYTES : bytes;
	bpf_probe_read_kernel(kept, ((bytes - 1) & (NAME_TOLD_BYTES - 1)) + 1, n->text + from);
}

/* Whoever makes a tally writes what it is of: no two write a name. */
static __always_inline struct tally *find_tally(struct finding *f, struct tally_key *key, __u64 now)
{
	struct tally *t = bpf_map_lookup_elem(&name_tallies, key), *empty;
	__u32 zero = 0;
	bool is_first;

	if (t)
		return t;
	empty = bpf_map_lookup_elem(&no_tally, &zero);
	if (!empty)
		return NULL;
	is_first = !bpf_map_update_elem(&name_tallies, key, empty, BPF_NOEXIST);
	t = bpf_map_lookup_elem(&name_tallies, key);
	if (!t || !is_first)
		return t;
	if (f->learnt)
		__builtin_memcpy(t->name, f->learnt->name, NAME_TOLD_BYTES);
	else if (f->flow && f->evidence != EVIDENCE_STRATUM && f->flow->name.bytes)
		keep_end(t->name, &f->flow->name);
	t->first_ns = now;
	return t;
}

/* Count one of a kind; whether it is told. */
static __always_inline bool tally_finding(struct finding *f, struct tally **tallied)
{
	struct tally_key key = {
		.group = f->owner->group,
		.evidence = f->evidence,
		.entry = f->apart ? f->apart : f->entry,
		.outcome = f->outcome,
		.generation = f->settings->generation,
	};
	__u64 now = bpf_ktime_get_boot_ns();
	struct tally *t = find_tally(f, &key, now);

	*tallied = t;
	if (!t)
		return true;
	__sync_fetch_and_add(&t->total, 1);
	t->last_ns = now;
	t->pid = f->owner->pid;
	t->uid = f->owner->uid;
	t->port = f->owner->port;
	__builtin_memcpy(t->address, f->owner->address, sizeof(t->address));
	if (!f->settings->whole_lines)
		return true;
	if (t->told >= f->settings->whole_lines && now < t->told_ns + TELL_EVERY_S * NS_PER_S)
		return false;
	if (!take_turn(now))
		return false;
	t->told_ns = now;
	return true;
}

/* The current process opened the socket: a packet may leave in anyone's context. */
static __always_inline bool is_owner(struct owner *o, struct task_struct *task)
{
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);

	return BPF_CORE_READ(task, tgid) == o->pid && BPF_CORE_READ(leader, start_boottime) == o->start_time_ns;
}

/* Not static, so that it is verified once and by itself; as the next one. */
__noinline int fill_current(struct identity *who)
{
	if (who)
		fill_identity(who, (void *)bpf_get_current_task());
	return 0;
}

/* What of a socket's owner the current process tells; the rest is left as it is. */
__noinline int own_by_current(struct owner *o)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct cgroup *dfl = BPF_CORE_READ(set, dfl_cgrp);

	if (!o)
		return 0;
	o->start_time_ns = BPF_CORE_READ(leader, start_boottime);
	o->cgroup_id = BPF_CORE_READ(dfl, kn, id);
	o->group = identity_group(task);
	o->pid = BPF_CORE_READ(task, tgid);
	o->uid = BPF_CORE_READ(task, cred, uid.val);
	BPF_CORE_READ_INTO(&o->comm, task, comm);
	return 0;
}

static __always_inline void fill_names(struct names_event *e, struct finding *f)
{
	e->name_bytes = 0;
	e->wallet_bytes = 0;
	e->method = 0;
	if (f->learnt) {
		/* Ended by NUL if it is shorter. */
		__builtin_memcpy(e->name, f->learnt->name, NAME_TOLD_BYTES);
		e->name_bytes = NAME_TOLD_BYTES;
		return;
	}
	if (!f->flow)
		return;
	if (f->evidence == EVIDENCE_STRATUM) {
		e->method = f->flow->json.flags;
		e->wallet_bytes = f->flow->json.wallet_bytes;
		__builtin_memcpy(e->wallet, f->flow->json.wallet, WALLET_BYTES);
		return;
	}
	e->name_bytes = f->flow->name.bytes;
	__builtin_memcpy(e->name, f->flow->name.text, NAME_BYTES);
}

static __always_inline void tell(struct finding *f)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	bool is_kill = f->outcome == OUTCOME_KILLED;
	struct names_event *e;
	struct tally *t;

	count(COUNTER_HIT_QUESTION + f->evidence);
	if (!tally_finding(f, &t) && !f->must)
		return;
	if (is_kill)
		e = bpf_ringbuf_reserve(&name_kill_events, sizeof(*e), 0);
	else
		e = bpf_ringbuf_reserve(&name_events, sizeof(*e), 0);
	if (!e) {
		count(is_kill ? COUNTER_KILL_EVENTS_LOST : COUNTER_OTHER_EVENTS_LOST);
		return;
	}
	e->time_ns = bpf_ktime_get_boot_ns();
	e->evidence = f->evidence;
	e->outcome = f->outcome;
	e->flags = f->flags;
	e->entry = f->entry;
	e->generation = f->settings->generation;
	e->signal_result = f->signal_result;
	e->packets = f->packets;
	e->answers = f->answers;
	e->asked_by = f->asked_by;
	e->apart = f->apart;
	fill_names(e, f);
	__builtin_memcpy(&e->owner, f->owner, sizeof(e->owner));
	if (is_owner(f->owner, task)) {
		e->flags |= NAMES_EVENT_OWNER;
		fill_current(&e->who);
	}
	bpf_ringbuf_submit(e, 0);
	if (t)
		__sync_fetch_and_add(&t->told, 1);
}

#endif
