// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Counts execs by cgroup, and tells of each cgroup's first. */
#include "../../bpf/lib/kernel.bpf.h"
#include "exec-counter.h"
#include "../../bpf/lib/border.bpf.h"
#include "../../bpf/lib/agent.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

BORDER(struct border)

/* Cgroup id -> execs. Written here, read by the agent. The oldest go. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, __u64);
} execs SEC(".maps");

/* struct first_exec. Written here, read by the agent. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);
} first_execs SEC(".maps");

SEC("tp_btf/sched_process_exec")
int BPF_PROG(count_exec, struct task_struct *task)
{
	__u64 id = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id), one = 1, *known;
	struct first_exec first = { .cgroup_id = id, .pid = BPF_CORE_READ(task, tgid) };

	if (control_get(CONTROL_RETIRED_BY) || !in_scope(task))
		return 0;
	count(COUNTER_EXECS);
	known = bpf_map_lookup_elem(&execs, &id);
	if (known) {
		__sync_fetch_and_add(known, 1);
		return 0;
	}
	bpf_map_update_elem(&execs, &id, &one, BPF_ANY);
	bpf_ringbuf_output(&first_execs, &first, sizeof(first), 0);
	return 0;
}
