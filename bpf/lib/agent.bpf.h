/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The agent, seen from a program: its controls, the counters it reads, whom it judges, its self-test and its end. Included behind
 * the detector's own header, whose `enum counter` numbers the counters. */
#ifndef CRYPTNONO_AGENT_BPF_H
#define CRYPTNONO_AGENT_BPF_H

#include "kernel.bpf.h"
#include "agent.h"
#include "loop.bpf.h"

/* enum control -> u32. Written by user space (and the exit program: CONTROL_AGENT_AWAY), read by the programs. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CONTROL_COUNT);
	__type(key, __u32);
	__type(value, __u32);
} control SEC(".maps");

/* enum counter -> count, per CPU. Written by the programs, summed by user space. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, COUNTER_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

static __always_inline __u32 control_get(__u32 key)
{
	__u32 *value = bpf_map_lookup_elem(&control, &key);

	return value ? *value : 0;
}

static __always_inline void count(__u32 key)
{
	__u64 *value = bpf_map_lookup_elem(&counters, &key);

	if (value)
		*value += 1;
}

struct ancestry {
	__u32 turns;
	__u32 wanted;
	__u32 found;
	__u32 reserved;
	struct task_struct *task;
};

LOOP_BODY(is_ancestor, struct ancestry)
{
	struct task_struct *task = ctx->task; /* CO-RE would relocate our own struct otherwise */
	__u32 tgid = BPF_CORE_READ(task, tgid);

	if (tgid == ctx->wanted) {
		ctx->found = 1;
		return 1;
	}
	ctx->task = BPF_CORE_READ(task, real_parent);
	return tgid <= 1;
}

static __always_inline bool in_scope(struct task_struct *task)
{
	struct ancestry walk = { .wanted = control_get(CONTROL_SCOPE_TGID), .task = task };

	if (!walk.wanted)
		return true;
	LOOP(is_ancestor, 64, &walk);
	return walk.found;
}

/* The agent executes nothing but its self-test. Counted apart here, as the agent that takes over these counters cannot tell
 * how many of the kills were that. */
static __always_inline bool is_self_test(struct task_struct *task)
{
	return BPF_CORE_READ(task, real_parent, tgid) == control_get(CONTROL_AGENT_TGID) && !control_get(CONTROL_AGENT_AWAY);
}

/* The agent's end, however it comes: from here on nobody looks after what is attached. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(agent_exit, struct task_struct *task)
{
	__u32 key = CONTROL_AGENT_AWAY, away = 1;

	if (BPF_CORE_READ(task, tgid) != control_get(CONTROL_AGENT_TGID))
		return 0;
	if (BPF_CORE_READ(task, signal, live.counter) == 0)
		bpf_map_update_elem(&control, &key, &away, BPF_ANY);
	return 0;
}

#endif
