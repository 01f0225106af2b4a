/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The maps: what is in each, who writes, who reads. */
#ifndef CRYPTNONO_MONERO_MAPS_BPF_H
#define CRYPTNONO_MONERO_MAPS_BPF_H

#include "../lib/kernel.bpf.h"
#include "monero.h"

/* Two, of which CONTROL_SLOT says the one in force. Written by the agent. Sizes, not types: a map that comes with types is another
 * kind than one without to Linux before 6.2 (bpf_map_meta_equal, timer_off), and the agent's are without. */
struct settings_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct settings));
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct settings_map);
} settings_slots SEC(".maps");

/* tgid -> struct seen, of all threads together. Written by the programs, read by the agent and by who asks it. Made at load: task
 * storage would be allocated while the run queue is locked, by an allocator that wakes others (until 08a7ce384e33 "bpf: Use
 * bpf_mem_cache_alloc/free in bpf_local_storage_elem", v6.4). */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_SEEN);
	__type(key, __u32);
	__type(value, struct seen);
} processes SEC(".maps");

/* How many processes have something pending, so that others come back without being looked up. One that ends meanwhile stays counted,
 * which costs time alone. Written and read by the programs. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} pendings SEC(".maps");

/* struct monero_event: a verdict a process, some 5 KB each. Written by the programs, read by the agent. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} events SEC(".maps");

/* How many execs were told in this second. Written and read by the program. */
struct execs_told {
	__u64 second;
	__u64 told;
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct execs_told);
} execs_told SEC(".maps");

/* struct exec_event. Written by the program, read by the agent. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 16);
} execs SEC(".maps");

/* tgid -> struct look. Written by the program as a process begins another file, and by the agent when it has looked; read by who asks, and
 * by the next agent, which goes on. One entry where files are not looked into. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_LOOKS);
	__type(key, __u32);
	__type(value, struct look);
} looks SEC(".maps");

/* tgid -> struct mark. Written by the agent, read by who asks and by the next agent. One entry where files are not looked into. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_MARKS);
	__type(key, __u32);
	__type(value, struct mark);
} marks SEC(".maps");

#endif
