/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* How much is told: the first of a kind whole, then some, and the number of all. Whoever can make a process die can make ten
 * thousand a second die, and must neither push out what is told of others nor keep the agent busy. */
#ifndef CRYPTNONO_TALLY_BPF_H
#define CRYPTNONO_TALLY_BPF_H

#include "event.bpf.h"

#define NS_PER_S 1000000000ULL

/* Keys of told_groups that are no group. Groups that were quiet share a bound of their own: a user with hundreds of cgroups
 * can use up the others' and does not hide what dies in one of which nothing was told yet. */
#define TOLD_BUSY (~0ULL)
#define TOLD_QUIET (~0ULL - 1)

/* What becomes of one verdict that was tallied. */
struct telling {
	struct tally *tally; /* NULL: there was no room for one */
	__u32 args_bytes; /* most that its record may carry */
};

static __always_inline __u64 group_of(struct cgroup *cgroup)
{
	return BPF_CORE_READ(cgroup, kn, id) | 1ULL << GROUP_DEFAULT_HIERARCHY;
}

/* The cgroup that a flood is counted for. */
static __always_inline __u64 tally_group(struct event_buffer *b, struct task_struct *task)
{
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct cgroup *dfl = BPF_CORE_READ(set, dfl_cgrp), *v1 = v1_cgroup(set);
	struct kernfs_node *node = v1 ? BPF_CORE_READ(v1, kn) : NULL;
	struct cgroup_walk walk = { .b = b };
	__u32 at;

	/* At the root of that hierarchy the other one may still tell. */
	if (!node || !kernfs_parent(node))
		return group_of(dfl);
	walk.node = node;
	LOOP(cgroup_up, MAX_TURNS, &walk);
	at = walk.seen > TALLY_DEPTH ? walk.seen - TALLY_DEPTH : 0;
	node = (void *)b->cgroups[at & (MAX_CGROUP_LEVELS - 1)];
	return BPF_CORE_READ(node, id);
}

/* Tokens that come evenly, one each `every_ns`, `burst` of them at most, as the time at which the next one is due. Two
 * processors may both take the last one: one too many. */
static __always_inline bool is_due(__u64 due, __u64 now, __u64 every_ns, __u64 burst)
{
	return due <= now + burst * every_ns;
}

static __always_inline void take_token(__u64 *due, __u64 key, __u64 now, __u64 every_ns)
{
	__u64 next = (due && *due > now ? *due : now) + every_ns;

	if (due)
		*due = next;
	else
		bpf_map_update_elem(&told_groups, &key, &next, BPF_ANY);
}

/* Quarters of the ring that wait to be read. */
static __always_inline __u32 ring_quarters(bool is_kill)
{
	__u64 filled, size;

	if (is_kill) {
		filled = bpf_ringbuf_query(&kill_events, BPF_RB_AVAIL_DATA);
		size = bpf_ringbuf_query(&kill_events, BPF_RB_RING_SIZE);
	} else {
		filled = bpf_ringbuf_query(&other_events, BPF_RB_AVAIL_DATA);
		size = bpf_ringbuf_query(&other_events, BPF_RB_RING_SIZE);
	}
	return size ? filled * 4 / size : 0;
}

/* Whether one more record of the group is told, which is then on its account. The ring's last quarter is for quiet groups. */
static __always_inline bool may_tell(__u64 group, __u64 now, __u32 quarters)
{
	__u64 *due = bpf_map_lookup_elem(&told_groups, &group);
	bool is_quiet = !due || *due + TELL_QUIET_S * NS_PER_S < now;
	__u64 all = is_quiet ? TOLD_QUIET : TOLD_BUSY, every_ns = NS_PER_S / TELL_RATE;
	__u64 *all_due = bpf_map_lookup_elem(&told_groups, &all);

	if (due && !is_due(*due, now, NS_PER_S, TELL_GROUP_BURST))
		return false;
	if (all_due && !is_due(*all_due, now, every_ns, TELL_BURST))
		return false;
	if (quarters >= 3 && !is_quiet)
		return false;
	take_token(all_due, all, now, every_ns);
	take_token(due, group, now, NS_PER_S);
	return true;
}

static __always_inline struct tally *find_tally(struct tally_key *key, __u64 now)
{
	struct tally *t = bpf_map_lookup_elem(&tallies, key), begun = { .first_ns = now };

	if (t)
		return t;
	bpf_map_update_elem(&tallies, key, &begun, BPF_NOEXIST);
	return bpf_map_lookup_elem(&tallies, key);
}

/* Count one verdict. Whether it is to be told whole. */
static __always_inline bool tally_verdict(struct tally_key *key, struct policy *policy, struct task_struct *task,
					  struct telling *telling)
{
	bool is_spare = key->verdict >= VERDICT_SPARED_SUBSTRING && key->verdict <= VERDICT_SPARED_SCOPE;
	bool is_kill = key->verdict == VERDICT_KILLED || key->verdict == VERDICT_KILL_FAILED;
	__u32 first = is_spare ? policy->tell_spares : policy->tell_kills, quarters;
	__u64 now = bpf_ktime_get_boot_ns();
	struct tally *t = find_tally(key, now);

	telling->tally = t;
	if (!t)
		return true;
	__sync_fetch_and_add(&t->total, 1);
	t->last_ns = now;
	t->cgroup_id = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
	t->pid = BPF_CORE_READ(task, tgid);
	t->uid = (__u32)bpf_get_current_uid_gid();
	if (!first)
		return true;
	if (t->told >= first && now < t->told_ns + TELL_EVERY_S * NS_PER_S)
		return false;
	quarters = ring_quarters(is_kill);
	if (!may_tell(key->group, now, quarters))
		return false;
	t->told_ns = now;
	if (quarters || t->told >= TELL_LONG)
		telling->args_bytes = EVENT_SMALL_ARGS_BYTES;
	return true;
}

/* One was told whole. */
static __always_inline void count_told(__u32 verdict, struct telling *telling)
{
	if (verdict < VERDICT_KILLED || verdict > VERDICT_CANDIDATE)
		return;
	count(COUNTER_TOLD_KILLED + verdict - VERDICT_KILLED);
	if (telling->tally)
		__sync_fetch_and_add(&telling->tally->told, 1);
}

#endif
