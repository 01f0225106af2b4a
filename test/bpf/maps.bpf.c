// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* A map of each kind that the addon reads and writes, and a program that shows what it was given. */
#include "../../bpf/lib/kernel.bpf.h"
#include "../../bpf/lib/border.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

enum color { RED = 1, GREEN = 2, LAST = 1 << 30 };

struct part {
	__u16 small;
	union {
		__u32 number;
		__u8 bytes[4];
	};
};

struct shown {
	__u64 address; /* of a u64 in user memory */
	__u64 value; /* out */
	__u32 answer; /* out: the constant */
	enum color color;
	struct part parts[3];
};

struct border {
	struct shown shown;
	enum color color;
};
BORDER(struct border)

const volatile __u32 answer = 1;
const volatile bool flag = false;
const volatile __u64 wide = 0;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 5);
	__type(key, __u32);
	__type(value, __u64);
} numbers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 3);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct part);
} table SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 64);
	__type(key, __u64);
	__type(value, __u32);
} counts_by_key SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 64);
	__type(key, __u64);
	__type(value, __u64);
} recent SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, 4);
	__uint(key_size, 0);
	__uint(value_size, 4);
} stack SEC(".maps");

struct prefix {
	__u32 bits;
	__u8 address[4];
};

struct prefixes_map {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(struct prefix));
	__uint(value_size, sizeof(__u32));
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct prefixes_map);
} prefixes SEC(".maps");

struct list_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE | BPF_F_INNER_MAP);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u64));
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct list_map);
} lists SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

SEC("syscall")
int show(struct shown *shown)
{
	__u64 value = 0;

	bpf_probe_read_user(&value, sizeof(value), (void *)shown->address);
	shown->value = value;
	shown->answer = answer + (flag ? 1000 : 0) + (wide == 1ULL << 40 ? 100000 : 0);
	return 7;
}

/* The value of 10.1.2.3 in slot 0 and, behind it, list 0's third number; user space sees that what it filled is used. */
SEC("syscall")
int look_up(struct shown *shown)
{
	struct prefix key = { .bits = 32, .address = { 10, 1, 2, 3 } };
	__u32 zero = 0, two = 2, *found;
	void *inner = bpf_map_lookup_elem(&prefixes, &zero);
	__u64 *number;

	found = inner ? bpf_map_lookup_elem(inner, &key) : NULL;
	shown->answer = found ? *found : 0;
	inner = bpf_map_lookup_elem(&lists, &zero);
	number = inner ? bpf_map_lookup_elem(inner, &two) : NULL;
	shown->value = number ? *number : 0;
	return 0;
}

SEC("syscall")
int send(struct shown *shown)
{
	struct shown copy = *shown;

	return bpf_ringbuf_output(&ring, &copy, sizeof(copy), 0) ? 1 : 0;
}

SEC("cgroup/skb")
int any_packet(struct __sk_buff *packet)
{
	return 1;
}
