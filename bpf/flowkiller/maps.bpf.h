/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The maps: what is in each, who writes, who reads. Those named *_slots hold two, of which CONTROL_SLOT says the one in force. */
#ifndef CRYPTNONO_FLOWKILLER_MAPS_BPF_H
#define CRYPTNONO_FLOWKILLER_MAPS_BPF_H

/* Inner maps say their sizes and no types: those that the agent makes have none, and Linux 6.1 takes a map whose value is a structure of
 * a known type for another kind of map (EINVAL).
 *
 * Networks, IPv4 and IPv6: banned ones to what the lists say, allowed ones to the entry that allows them. Written by the agent,
 * read by the hooks. */
struct networks4_map {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(struct network4));
	__uint(value_size, sizeof(struct listed));
};
struct networks6_map {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(struct network6));
	__uint(value_size, sizeof(struct listed));
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct networks4_map);
} banned4_slots SEC(".maps"), allowed4_slots SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct networks6_map);
} banned6_slots SEC(".maps"), allowed6_slots SEC(".maps");

/* Single ports of networks that are not banned whole: struct listed_port -> entry. As above. */
struct ports_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(struct listed_port));
	__uint(value_size, sizeof(__u32));
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct ports_map);
} ports_slots SEC(".maps");

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

/* struct flow_event. Kills have a ring of their own, so that no flood of other events can take their room: 2 MiB are 400 of
 * them. Written by the hooks, read by the agent. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 2 << 20);
} kill_events SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} other_events SEC(".maps");

/* struct tally_key -> struct tally. Written by the hooks, read by the agent. The oldest entries go; the counters know of all. */
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

/* 0 -> when the next record is due if they came evenly, in ns since boot. Of the hooks. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} told SEC(".maps");

/* struct window_key -> struct window: of processes and sessions; of pods, apart, so that neither pushes out the other. Written by the
 * hooks, and the agent's verdict by the agent. The oldest go. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 10240);
	__type(key, struct window_key);
	__type(value, struct window);
} windows SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 512);
	__type(key, struct window_key);
	__type(value, struct window);
} pod_windows SEC(".maps");

/* What a window begins as. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct window);
} no_window SEC(".maps");

/* A window's hash -> struct destination, for the log. Written by the hooks, read by the agent. The oldest go. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, struct destination);
} destinations SEC(".maps");

/* Group -> when its bucket is full, in ns since boot. Of the hooks. The oldest go, and begin full. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 2048);
	__type(key, __u64);
	__type(value, __u64);
} pod_budgets SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} node_budget SEC(".maps");

/* struct spoken_key -> when it was last reached for; until when it counts as unreachable. Of the hooks. The oldest go: then they are
 * new again. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 32768);
	__type(key, struct spoken_key);
	__type(value, __u64);
} spoken SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct spoken_key);
	__type(value, __u64);
} unreachable SEC(".maps");

/* Socket cookie -> struct spoken_key, while a connect waits for its answer. Of the hooks. The oldest go. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, struct spoken_key);
} attempts SEC(".maps");

/* Group -> 1: it spends of no budget. Written by the agent, read by the hooks. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, __u32);
} exempt SEC(".maps");

/* Group -> 1: it was told (FLOW_POD). Of the hooks. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, __u32);
} told_pods SEC(".maps");

/* Thread -> 1, from where it is refused to where it is killed (KILL_BY_PRINTK). Of the hooks and printk_kill. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, __u8);
} doomed SEC(".maps");

#endif
