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
	__u32 slot;
	__u32 hook; /* enum flow_hook */
	__u32 type;
	__u32 protocol;
	__u32 port;
	__u32 address[4]; /* unwrapped; network order */
	__u32 given[4];
};

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
static __always_inline bool tally_flow(struct flow *f, __u32 kind, __u32 entry, struct tally **tallied)
{
	struct tally_key key = { .group = f->group, .kind = kind, .entry = entry };
	__u64 now = bpf_ktime_get_boot_ns();
	__u32 first = f->settings->whole_lines;
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

static __always_inline struct flow_event *begin_event(struct flow *f, bool is_kill)
{
	struct flow_event *e;

	if (is_kill)
		e = bpf_ringbuf_reserve(&kill_events, sizeof(*e), 0);
	else
		e = bpf_ringbuf_reserve(&other_events, sizeof(*e), 0);
	if (!e) {
		count(is_kill ? COUNTER_KILL_EVENTS_LOST : COUNTER_OTHER_EVENTS_LOST);
		return NULL;
	}
	e->time_ns = bpf_ktime_get_boot_ns();
	e->netns_cookie = f->netns_cookie;
	e->group = f->group;
	e->hook = f->hook;
	e->generation = f->settings->generation;
	e->protocol = f->protocol;
	e->type = f->type;
	e->port = f->port;
	__builtin_memcpy(e->address, f->address, sizeof(e->address));
	__builtin_memcpy(e->given, f->given, sizeof(e->given));
	fill_identity(&e->who, f->task);
	return e;
}

/* `must`: the agent has to do something about it. */
static __always_inline void tell(struct flow *f, __u32 kind, __u32 entry, long signal_result, bool must)
{
	bool is_kill = kind == FLOW_KILLED;
	struct flow_event *e;
	struct tally *t;

	if (!tally_flow(f, kind, entry, &t) && !must)
		return;
	e = begin_event(f, is_kill);
	if (!e)
		return;
	e->kind = kind;
	e->entry = entry;
	e->signal_result = signal_result;
	bpf_ringbuf_submit(e, 0);
	if (t)
		__sync_fetch_and_add(&t->told, 1);
}

#endif
