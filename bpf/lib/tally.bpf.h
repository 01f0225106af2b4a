/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* How much is told: the first of a kind whole, then some, and the number of all. Whoever can make a process die can make ten
 * thousand a second die, and must neither push out what is told of others nor keep the agent busy. */
#ifndef CRYPTNONO_TALLY_BPF_H
#define CRYPTNONO_TALLY_BPF_H

#include "event.bpf.h"

#define NS_PER_S 1000000000ULL

/* The cgroup that a flood is counted for. */
static __always_inline __u64 tally_group(struct event_buffer *b, struct task_struct *task)
{
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct cgroup *dfl = BPF_CORE_READ(set, dfl_cgrp), *v1 = v1_cgroup(set);
	struct cgroup_walk walk = { .b = b };
	struct kernfs_node *node;
	__u32 seen, at;

	walk.node = v1 ? BPF_CORE_READ(v1, kn) : BPF_CORE_READ(dfl, kn);
	if (!walk.node)
		return 0;
	LOOP(cgroup_up, MAX_TURNS, &walk);
	seen = walk.seen;
	if (!seen)
		return 0;
	at = seen > TALLY_DEPTH ? seen - TALLY_DEPTH : 0;
	node = (void *)b->cgroups[at & (MAX_CGROUP_LEVELS - 1)];
	return BPF_CORE_READ(node, id);
}

/* Evenly, one each `every_ns`, and `burst` of them at once. Two processors may both take the last one: one too many. */
static __always_inline bool is_due(__u64 group, __u64 now, __u64 every_ns, __u64 burst)
{
	__u64 *due = bpf_map_lookup_elem(&told_groups, &group), next = now + every_ns;

	if (!due) {
		bpf_map_update_elem(&told_groups, &group, &next, BPF_ANY);
		return true;
	}
	if (*due > now + burst * every_ns)
		return false;
	*due = (*due > now ? *due : now) + every_ns;
	return true;
}

/* Count one verdict. The tally, if this one is to be told whole; NULL if the count is enough. */
static __always_inline bool tally_verdict(struct tally_key *key, __u32 first, __u64 cgroup_id, struct task_struct *task,
					  struct tally **counted)
{
	__u64 now = bpf_ktime_get_boot_ns();
	struct tally *t = bpf_map_lookup_elem(&tallies, key);

	if (!t) {
		struct tally begun = { .first_ns = now };

		bpf_map_update_elem(&tallies, key, &begun, BPF_NOEXIST);
		t = bpf_map_lookup_elem(&tallies, key);
	}
	*counted = t;
	if (!t)
		return true;
	__sync_fetch_and_add(&t->total, 1);
	t->last_ns = now;
	t->cgroup_id = cgroup_id;
	t->pid = BPF_CORE_READ(task, tgid);
	t->uid = (__u32)bpf_get_current_uid_gid();
	if (!first)
		return true;
	if (t->told >= first && now < t->told_ns + TELL_EVERY_S * NS_PER_S)
		return false;
	if (!is_due(key->group, now, NS_PER_S, TELL_GROUP_BURST) || !is_due(0, now, NS_PER_S / TELL_RATE, TELL_BURST))
		return false;
	t->told_ns = now;
	return true;
}

#endif
