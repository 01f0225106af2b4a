/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Narrow scopes: by namespace, pod and labels, which only the agent knows. It writes down which of them hold in a container's cgroup;
 * where nothing is written the kernel lets go what else would die, and asks. */
#ifndef CRYPTNONO_NARROW_BPF_H
#define CRYPTNONO_NARROW_BPF_H

#include "search.bpf.h"

#define NARROW_SCOPES (((1U << NARROW_MOST) - 1) << NARROW_FIRST)

/* The process's own cgroup, in the hierarchy that tells containers apart: the first one's if it is a hierarchy by itself. */
static __always_inline __u64 narrow_key(struct task_struct *task)
{
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct cgroup *dfl = BPF_CORE_READ(set, dfl_cgrp), *v1 = v1_cgroup(set);
	struct kernfs_node *node = v1 && BPF_CORE_READ(v1, root) != BPF_CORE_READ(dfl, root) ? BPF_CORE_READ(v1, kn) : NULL;

	if (node && kernfs_parent(node))
		return BPF_CORE_READ(node, id);
	return BPF_CORE_READ(dfl, kn, id) | 1ULL << GROUP_DEFAULT_HIERARCHY;
}

/* Which narrow scopes hold for the current process, or that nobody knows yet. Asked where a string may have been found: most execs
 * have no need of it. A global function: verified once, by itself. */
__attribute__((noinline)) int find_narrow(__u32 copy)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct search *s = search_state(copy);
	struct filters *f = s ? search_filters(s->slot) : NULL;
	struct narrow_cgroup *known;
	__u64 key;

	if (!s || !f || s->narrow_seen)
		return 0;
	s->narrow_seen = 1;
	/* The host's own processes are in none. */
	if (!(f->policy.flags & POLICY_NARROW) || !is_in_container(task))
		return 0;
	key = s->narrow_cgroup = narrow_key(task);
	known = bpf_map_lookup_elem(&narrow_cgroups, &key);
	if (!known || known->generation != f->policy.generation) {
		s->unknown_scopes = NARROW_SCOPES;
		return 0;
	}
	s->scopes |= known->scopes & NARROW_SCOPES;
	if (known->scopes & NARROW_UNJUDGED)
		s->flags |= EVENT_UNJUDGED;
	return 0;
}

#endif
