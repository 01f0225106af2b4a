/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Fills a struct identity, which lies in a record that is not sent yet, and finds the cgroup that a process is counted for. */
#ifndef CRYPTNONO_IDENTITY_BPF_H
#define CRYPTNONO_IDENTITY_BPF_H

#include "identity.h"
#include "loop.bpf.h"

struct identity_walk {
	__u32 turns;
	__u32 bytes;
	__u32 seen; /* from the leaf up, without the root */
	__u32 is_v1;
	struct kernfs_node *node; /* NULL when the root was reached */
	struct identity *who;
};

LOOP_BODY(identity_up, struct identity_walk)
{
	struct kernfs_node *parent = kernfs_parent(ctx->node);

	if (!parent) {
		ctx->node = NULL;
		return 1;
	}
	/* By the turn, not by a count of our own: the verifier would follow the count through each of its values. */
	ctx->who->nodes[turn & (IDENTITY_LEVELS - 1)] = (__u64)ctx->node;
	ctx->seen = turn + 1;
	ctx->node = parent;
	return 0;
}

LOOP_BODY(identity_down, struct identity_walk)
{
	__u32 at = ctx->bytes;
	struct kernfs_node *node;
	const char *name;
	__u8 *to;
	long n;

	if (turn >= ctx->seen || at >= IDENTITY_CGROUP_BYTES)
		return 1;
	node = (void *)ctx->who->nodes[(ctx->seen - 1 - turn) & (IDENTITY_LEVELS - 1)];
	name = BPF_CORE_READ(node, name);
	to = ctx->is_v1 ? ctx->who->cgroup_v1 : ctx->who->cgroup;
	n = bpf_probe_read_kernel_str(to + (at & (IDENTITY_CGROUP_BYTES - 1)), IDENTITY_NAME_BYTES, name);
	if (n > 0)
		ctx->bytes += n;
	return 0;
}

/* Names from the root down: whoever may make cgroups below a container's chooses their names and depth, and must not push out
 * the container's own. The way up remembers the last that it saw, which are the outermost. */
static __always_inline __u32 identity_cgroup(struct identity *who, struct cgroup *cgroup, __u32 is_v1)
{
	struct identity_walk walk = { .who = who, .is_v1 = is_v1 };

	if (!cgroup)
		return 0;
	walk.node = BPF_CORE_READ(cgroup, kn);
	if (!walk.node)
		return 0;
	LOOP(identity_up, MAX_TURNS, &walk);
	if (walk.node) {
		if (is_v1)
			who->cgroup_v1[0] = 0;
		else
			who->cgroup[0] = 0;
		walk.bytes = 1;
	}
	forget(&walk.bytes, sizeof(walk.bytes));
	LOOP(identity_down, IDENTITY_LEVELS, &walk);
	return walk.bytes;
}

/* `task` is the current one: its memory is read. */
static __always_inline void fill_identity(struct identity *who, struct task_struct *task)
{
	struct task_struct *leader = BPF_CORE_READ(task, group_leader), *parent = BPF_CORE_READ(task, real_parent);
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct cgroup *dfl = BPF_CORE_READ(set, dfl_cgrp), *v1;
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	__u64 start = 0, end = 0;
	__u32 bytes;

	who->start_time_ns = BPF_CORE_READ(leader, start_boottime);
	who->pid = BPF_CORE_READ(task, tgid);
	who->ppid = BPF_CORE_READ(parent, tgid);
	/* Not by the helper: programs of packets have none before Linux 6.16. */
	who->uid = BPF_CORE_READ(task, cred, uid.val);
	who->pid_namespace = pid_namespace_of(task);
	who->cgroup_id = BPF_CORE_READ(dfl, kn, id);
	BPF_CORE_READ_INTO(&who->comm, task, comm);
	BPF_CORE_READ_INTO(&who->parent_comm, parent, comm);
	who->cgroup_bytes = identity_cgroup(who, dfl, 0);
	v1 = v1_cgroup(set);
	who->cgroup_v1_bytes = v1 == dfl ? 0 : identity_cgroup(who, v1, 1);
	__builtin_memset(who->nodes, 0, sizeof(who->nodes));
	__builtin_memset(who->reserved, 0, sizeof(who->reserved));

	if (mm) {
		start = BPF_CORE_READ(mm, arg_start);
		end = BPF_CORE_READ(mm, arg_end);
	}
	who->args_total_bytes = end > start ? end - start - 1 : 0;
	who->args_bytes = 0;
	bytes = who->args_total_bytes < IDENTITY_ARGS_BYTES ? who->args_total_bytes : IDENTITY_ARGS_BYTES - 1;
	barrier_var(bytes);
	bytes &= IDENTITY_ARGS_BYTES - 1;
	if (bytes && !bpf_probe_read_user(who->args, bytes, (void *)start))
		who->args_bytes = bytes;
}

/* ---- groups ---- */

/* Hierarchies number their cgroups each by itself: which one an id is from. */
#define IDENTITY_DEFAULT_HIERARCHY (1ULL << 62)

struct group_walk {
	__u32 turns;
	__u32 reserved;
	struct kernfs_node *node;
	__u64 outermost[3]; /* from below the root down */
};

LOOP_BODY(group_up, struct group_walk)
{
	struct kernfs_node *parent = kernfs_parent(ctx->node);

	if (!parent)
		return 1;
	ctx->outermost[2] = ctx->outermost[1];
	ctx->outermost[1] = ctx->outermost[0];
	ctx->outermost[0] = (__u64)ctx->node;
	ctx->node = parent;
	return 0;
}

/* Eight bytes of a cgroup's name, as a number. */
static __always_inline __u64 name_part(struct kernfs_node *node, __u32 offset)
{
	const char *name = BPF_CORE_READ(node, name);
	__u64 part = 0;

	bpf_probe_read_kernel(&part, sizeof(part), name + offset);
	return part;
}

#define PART(a, b, c, d, e, f, g, h)                                                                                   \
	((__u64)a | (__u64)b << 8 | (__u64)c << 16 | (__u64)d << 24 | (__u64)e << 32 | (__u64)f << 40 | (__u64)g << 48 |  \
	 (__u64)h << 56)
#define KUBEPODS PART('k', 'u', 'b', 'e', 'p', 'o', 'd', 's')
#define BESTEFFO PART('b', 'e', 's', 't', 'e', 'f', 'f', 'o')
#define BURSTABL PART('b', 'u', 'r', 's', 't', 'a', 'b', 'l')

/* A kubelet's cgroups from the root down: kubepods, quality of service (but for pods that have guarantees), pod, container. With
 * systemd the second one is kubepods-burstable.slice, without burstable. */
static __always_inline bool is_quality(struct kernfs_node *first, struct kernfs_node *second)
{
	__u64 part;

	if (name_part(first, 0) != KUBEPODS)
		return false;
	part = name_part(second, 0);
	if (part == KUBEPODS)
		part = name_part(second, 9);
	return part == BESTEFFO || part == BURSTABL;
}

/* The pod, or what comes nearest: the second cgroup below the root. Whoever is in a container cannot choose it. 0: the root. */
static __always_inline __u64 group_of_node(struct kernfs_node *leaf)
{
	struct group_walk walk = { .node = leaf };
	struct kernfs_node *node;

	forget(walk.outermost, sizeof(walk.outermost));
	LOOP(group_up, MAX_TURNS, &walk);
	node = (void *)walk.outermost[0];
	if (walk.outermost[1]) {
		node = (void *)walk.outermost[1];
		if (walk.outermost[2] && is_quality((void *)walk.outermost[0], node))
			node = (void *)walk.outermost[2];
	}
	return node ? BPF_CORE_READ(node, id) : 0;
}

static __always_inline __u64 identity_group(struct task_struct *task)
{
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct cgroup *dfl = BPF_CORE_READ(set, dfl_cgrp), *v1;
	struct kernfs_node *node = BPF_CORE_READ(dfl, kn);
	__u64 id = group_of_node(node);

	if (id)
		return id | IDENTITY_DEFAULT_HIERARCHY;
	/* At the root of that hierarchy the other one may still tell. */
	v1 = v1_cgroup(set);
	node = v1 && v1 != dfl ? BPF_CORE_READ(v1, kn) : NULL;
	return node ? group_of_node(node) : 0;
}

#endif
