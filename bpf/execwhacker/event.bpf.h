/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What is told: who the process is and where it stood, taken now, as it may be gone when anyone looks. */
#ifndef CRYPTNONO_EVENT_BPF_H
#define CRYPTNONO_EVENT_BPF_H

#include "true-path.bpf.h"

#define EVENT_EXE_BYTES 256
/* A power of two above what an event can hold, and room for one more read so that the verifier needs but one mask. */
#define EVENT_DATA_BYTES 16384
#define EVENT_DATA_ROOM (EVENT_DATA_BYTES + EVENT_ARGS_BYTES)

struct event_buffer {
	struct exec_event event;
	__u8 data[EVENT_DATA_ROOM];
	__u32 used;
	__u64 cgroups[MAX_CGROUP_LEVELS]; /* kernfs nodes on the way up, the last ones */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct event_buffer);
} event_buffers SEC(".maps");

static __always_inline struct event_buffer *event_buffer(__u32 copy)
{
	return bpf_map_lookup_elem(&event_buffers, &copy);
}

static __always_inline __u8 *event_room(struct event_buffer *b)
{
	__u32 used = b->used;

	barrier_var(used);
	return b->data + (used & (EVENT_DATA_BYTES - 1));
}

struct cgroup_walk {
	__u32 turns;
	__u32 bytes;
	__u32 seen; /* from the leaf up, without the root */
	struct kernfs_node *node; /* NULL when the root was reached */
	struct event_buffer *b;
};

LOOP_BODY(cgroup_up, struct cgroup_walk)
{
	struct kernfs_node *parent = kernfs_parent(ctx->node);

	if (!parent) {
		ctx->node = NULL; /* the root, which has no name */
		return 1;
	}
	/* By the turn, not by a count of our own: the verifier would follow the count through each of its values. */
	ctx->b->cgroups[turn & (MAX_CGROUP_LEVELS - 1)] = (__u64)ctx->node;
	ctx->seen = turn + 1;
	ctx->node = parent;
	return 0;
}

LOOP_BODY(cgroup_down, struct cgroup_walk)
{
	struct kernfs_node *node;
	const char *name;
	long n;

	if (turn >= ctx->seen || ctx->bytes > EVENT_CGROUP_BYTES - 256)
		return 1;
	node = (void *)ctx->b->cgroups[(ctx->seen - 1 - turn) & (MAX_CGROUP_LEVELS - 1)];
	name = BPF_CORE_READ(node, name);
	n = bpf_probe_read_kernel_str(event_room(ctx->b), 256, name);
	if (n > 0) {
		ctx->bytes += n;
		ctx->b->used += n;
	}
	return 0;
}

/* Names from the root down: whoever may make cgroups below a container's chooses their names and depth, and must not push
 * out the container's own. The way up remembers the last that it saw, which are the outermost. */
static __always_inline __u32 add_cgroup(struct event_buffer *b, struct cgroup *cgroup)
{
	struct cgroup_walk walk = { .b = b };

	if (!cgroup)
		return 0;
	walk.node = BPF_CORE_READ(cgroup, kn);
	if (!walk.node)
		return 0;
	LOOP(cgroup_up, MAX_TURNS, &walk);
	if (walk.node) {
		*event_room(b) = 0; /* an empty name: the root was not reached */
		b->used++;
		walk.bytes++;
	}
	forget(&walk.bytes, sizeof(walk.bytes));
	LOOP(cgroup_down, MAX_CGROUP_LEVELS, &walk);
	return walk.bytes;
}

/* A global function, as the next one: verified once. */
__attribute__((noinline)) int add_identity(__u32 copy)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct event_buffer *b = event_buffer(copy);
	struct task_struct *parent = BPF_CORE_READ(task, real_parent);
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct cgroup *dfl = BPF_CORE_READ(set, dfl_cgrp), *v1;
	struct exec_event *e;

	if (!b)
		return 0;
	e = &b->event;
	e->pid = BPF_CORE_READ(task, tgid);
	e->ppid = BPF_CORE_READ(parent, tgid);
	e->uid = (__u32)bpf_get_current_uid_gid();
	e->start_time_ns = BPF_CORE_READ(task, start_boottime);
	BPF_CORE_READ_INTO(&e->comm, task, comm);
	BPF_CORE_READ_INTO(&e->parent_comm, parent, comm);
	e->cgroup_id = BPF_CORE_READ(dfl, kn, id);
	e->pid_namespace = pid_namespace_of(task);
	b->used = 0;
	e->cgroup_bytes = add_cgroup(b, dfl);
	v1 = v1_cgroup(set);
	e->cgroup_v1_bytes = v1 == dfl ? 0 : add_cgroup(b, v1);
	return 0;
}

static __always_inline __u32 add_kernel_string(struct event_buffer *b, __u32 room, const char *string)
{
	long n = bpf_probe_read_kernel_str(event_room(b), room, string);

	if (n <= 1)
		return 0;
	b->used += n - 1;
	return n - 1;
}

static __always_inline __u32 add_text(struct event_buffer *b, struct search *s, __u32 n, __u32 from)
{
	barrier_var(n);
	if (n == 0 || n > EVENT_ARGS_BYTES)
		return 0;
	if (read_text(s, event_room(b), n, from))
		return 0;
	b->used += n;
	return n;
}

__attribute__((noinline)) int add_line(__u32 copy, __u32 most)
{
	struct event_buffer *b = event_buffer(copy);
	struct search *s = search_state(copy);
	struct exec_event *e;
	struct true_path *t;
	__u32 n, from;

	if (!b || !s)
		return 0;
	e = &b->event;
	n = s->args_bytes < most ? s->args_bytes : most;
	e->path_bytes = add_kernel_string(b, MAX_PATH_BYTES, (const char *)s->filename);
	t = s->has_true_path ? bpf_map_lookup_elem(&true_paths, &copy) : NULL;
	if (s->flags & EVENT_SCRIPT)
		e->exe_bytes = add_kernel_string(b, EVENT_EXE_BYTES, (const char *)s->interp);
	else
		e->exe_bytes = t && t->bytes ? add_kernel_string(b, EVENT_EXE_BYTES, (const char *)t->path) : 0;
	e->args_bytes = add_text(b, s, n, 0);
	e->args_total_bytes = s->args_bytes;
	e->context_bytes = 0;
	e->context_offset = 0;
	if (!s->has_told || s->told.match_in_path || s->told.match_offset + MAX_STRING_BYTES <= e->args_bytes)
		return 0;
	from = s->told.match_offset;
	from = from > EVENT_CONTEXT_BYTES / 4 ? from - EVENT_CONTEXT_BYTES / 4 : 0;
	n = s->args_bytes > from ? s->args_bytes - from : 0;
	if (n > EVENT_CONTEXT_BYTES + MAX_STRING_BYTES)
		n = EVENT_CONTEXT_BYTES + MAX_STRING_BYTES;
	e->context_offset = from;
	e->context_bytes = add_text(b, s, n, from);
	return 0;
}

/* Whether there was room. */
static __always_inline bool send_event(struct event_buffer *b)
{
	__u32 used = b->used;
	/* What the agent is asked for may be a kill. */
	__u32 verdict = b->event.verdict;
	bool is_kill = verdict == VERDICT_KILLED || verdict == VERDICT_KILL_FAILED || verdict == VERDICT_ASKED;
	long failed;

	barrier_var(used);
	if (used > EVENT_DATA_BYTES)
		used = EVENT_DATA_BYTES;
	if (is_kill)
		failed = bpf_ringbuf_output(&kill_events, &b->event, sizeof(b->event) + used, 0);
	else
		failed = bpf_ringbuf_output(&other_events, &b->event, sizeof(b->event) + used, 0);
	if (failed)
		count(is_kill ? COUNTER_KILL_EVENTS_LOST : COUNTER_OTHER_EVENTS_LOST);
	return !failed;
}

#endif
