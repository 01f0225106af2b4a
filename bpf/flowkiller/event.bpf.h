/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What is told, and how much of it: the first of a kind whole, then some, and the number of all. */
#ifndef CRYPTNONO_FLOWKILLER_EVENT_BPF_H
#define CRYPTNONO_FLOWKILLER_EVENT_BPF_H

#include "../lib/identity.bpf.h"

#define NS_PER_S 1000000000ULL

/* One connect or send on its way to a destination. */
struct flow {
	struct task_struct *task;
	struct settings *settings;
	__u64 netns_cookie;
	__u64 group;
	__u64 window; /* FLOW_SCAN, FLOW_SCAN_KILLED: where it lies */
	__u32 generation; /* of the settings, as the next */
	__u32 whole_lines;
	__u32 slot;
	__u32 hook; /* enum flow_hook */
	__u32 type;
	__u32 protocol;
	__u32 port;
	__u32 address[4]; /* unwrapped; network order */
	__u32 given[4];
	/* What is told of it, once it is judged. */
	__u32 kind; /* enum flow_event_kind */
	__u32 entry;
	__s32 signal_result;
	__u32 must; /* the agent has to do something about it */
	__u32 most;
	struct window_key key;
};

/* The last word counts: what is refused is no connect. */
static __always_inline void will_tell(struct flow *f, __u32 kind, __u32 entry, long signal_result, bool must)
{
	f->kind = kind;
	f->entry = entry;
	f->signal_result = signal_result;
	f->must |= must;
}

static __always_inline struct tally *find_tally(struct tally_key *key, __u64 now)
{
	struct tally *t = bpf_map_lookup_elem(&tallies, key), begun = { .first_ns = now };

	if (t)
		return t;
	bpf_map_update_elem(&tallies, key, &begun, BPF_NOEXIST);
	return bpf_map_lookup_elem(&tallies, key);
}

/* Tokens that come evenly, as the time at which the next one is due. Two processors may both take the last one: one too many. */
static __always_inline bool take_turn(__u64 now)
{
	__u64 every_ns = NS_PER_S / TELL_RATE, *due;
	__u32 zero = 0;

	due = bpf_map_lookup_elem(&told, &zero);
	if (!due)
		return false;
	if (*due > now + TELL_BURST * every_ns)
		return false;
	*due = (*due > now ? *due : now) + every_ns;
	return true;
}

/* Count one of a kind; whether it is told whole. */
static __always_inline bool tally_flow(struct flow *f, struct tally **tallied)
{
	struct tally_key key = { .group = f->group, .kind = f->kind, .entry = f->entry };
	__u64 now = bpf_ktime_get_boot_ns();
	__u32 first = f->whole_lines;
	struct task_struct *task = f->task; /* CO-RE would relocate our own struct otherwise */
	struct tally *t = find_tally(&key, now);

	*tallied = t;
	if (!t)
		return true;
	__sync_fetch_and_add(&t->total, 1);
	t->last_ns = now;
	t->pid = BPF_CORE_READ(task, tgid);
	t->uid = (__u32)bpf_get_current_uid_gid();
	t->port = f->port;
	__builtin_memcpy(t->address, f->address, sizeof(t->address));
	if (!first)
		return true;
	if (t->told >= first && now < t->told_ns + TELL_EVERY_S * NS_PER_S)
		return false;
	if (!take_turn(now))
		return false;
	t->told_ns = now;
	return true;
}

static __always_inline void fill_event(struct flow_event *e, struct flow *f)
{
	e->time_ns = bpf_ktime_get_boot_ns();
	e->netns_cookie = f->netns_cookie;
	e->group = f->group;
	e->kind = f->kind;
	e->hook = f->hook;
	e->entry = f->entry;
	e->generation = f->generation;
	e->signal_result = f->signal_result;
	e->protocol = f->protocol;
	e->type = f->type;
	e->port = f->port;
	__builtin_memcpy(e->address, f->address, sizeof(e->address));
	__builtin_memcpy(e->given, f->given, sizeof(e->given));
	e->key = f->key;
	e->most = f->most;
	e->reserved = 0;
	if (f->window)
		bpf_probe_read_kernel(e->slots, sizeof(e->slots), (void *)f->window);
	else
		__builtin_memset(e->slots, 0, sizeof(e->slots));
	fill_identity(&e->who, f->task);
}

/* The one place that sends. A global function, which the verifier looks at by itself: `f` is any memory there, and what it points to is
 * no map's any more. */
__attribute__((noinline)) int tell(struct flow *f)
{
	struct flow_event *e;
	struct tally *t;
	bool is_kill;

	if (!f || f->kind == FLOW_NOTHING || (!tally_flow(f, &t) && !f->must))
		return 0;
	is_kill = f->kind == FLOW_KILLED || f->kind == FLOW_SCAN || f->kind == FLOW_SCAN_KILLED;
	if (is_kill)
		e = bpf_ringbuf_reserve(&kill_events, sizeof(*e), 0);
	else
		e = bpf_ringbuf_reserve(&other_events, sizeof(*e), 0);
	if (!e) {
		count(is_kill ? COUNTER_KILL_EVENTS_LOST : COUNTER_OTHER_EVENTS_LOST);
		return 0;
	}
	fill_event(e, f);
	bpf_ringbuf_submit(e, 0);
	if (t)
		__sync_fetch_and_add(&t->told, 1);
	return 0;
}

#endif
