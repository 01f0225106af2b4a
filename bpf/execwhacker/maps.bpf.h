/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The maps. Each says what it holds, who writes and who reads it. */
#ifndef CRYPTNONO_MAPS_BPF_H
#define CRYPTNONO_MAPS_BPF_H

#include "execwhacker.h"
#include "../lib/agent.bpf.h"

/* Table slots: one list's tables lie in one slot, CONTROL_SLOT says which slot an exec takes. User space fills the other
 * one and turns the switch, so an exec meets one whole list, whichever. What it has for the environment lies ENVIRONMENT_SLOTS
 * further on, and is there only once a list has any. Sizes, not types: clang prunes the types that only an inner map's definition
 * names. */
struct filters_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct filters));
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2 + ENVIRONMENT_SLOTS);
	__type(key, __u32);
	__array(values, struct filters_map);
} filters_slots SEC(".maps");

struct cells_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE | BPF_F_INNER_MAP);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct cell));
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2 + ENVIRONMENT_SLOTS);
	__type(key, __u32);
	__array(values, struct cells_map);
} cells_slots SEC(".maps");

struct allow_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct allow_table));
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct allow_map);
} allow_slots SEC(".maps");

/* struct exec_event with what follows it. Kills have a ring of their own, so that no flood of other events can take their
 * room: 2 MiB are 4,000 of them. The agent maps a ring twice, so it shows twice in its memory. Written by the exec
 * program, read by the agent. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 2 << 20);
} kill_events SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 << 10);
} other_events SEC(".maps");

/* struct tally_key -> struct tally. Written by the exec program, read by the agent. The oldest entries go; the counters know
 * of all. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_TALLIES);
	__type(key, struct tally_key);
	__type(value, struct tally);
} tallies SEC(".maps");

/* struct tally_key -> struct summed. Written and read by the agents, one after the other. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_TALLIES);
	__type(key, struct tally_key);
	__type(value, struct summed);
} summed SEC(".maps");

/* Group, or TOLD_BUSY or TOLD_QUIET (tally.bpf.h) -> when its next record is due if they came evenly, in ns since boot. Written
 * and read by the exec program. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_TALLIES);
	__type(key, __u64);
	__type(value, __u64);
} told_groups SEC(".maps");

/* struct demoted_key -> 1. Written by the agent, read by the exec program where a string stands. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_DEMOTED);
	__type(key, struct demoted_key);
	__type(value, __u8);
} demoted SEC(".maps");

/* A container's cgroup (narrow.bpf.h, narrow_key) -> struct narrow_cgroup. Written by the agent, read by the exec program where a
 * string may have been found. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, NARROW_CGROUPS);
	__type(key, __u64);
	__type(value, struct narrow_cgroup);
} narrow_cgroups SEC(".maps");

/* tgid -> struct spared. Written at exec, at fork and at exit, read by the agent's scan. The oldest entries go. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_SPARED);
	__type(key, __u32);
	__type(value, struct spared);
} spared SEC(".maps");

/* tgid -> the number of its last exec that one of the programs has seen. Used from Linux 7.0 on. The oldest entries go. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, __u64);
} last_exec SEC(".maps");

#endif
