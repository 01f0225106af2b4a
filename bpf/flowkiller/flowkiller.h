/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The border between the network guard and user space: what both sides read and write. TypeScript finds offsets and numbers in the
 * object's BTF (struct border, at the end), and repeats none. */
#ifndef CRYPTNONO_FLOWKILLER_H
#define CRYPTNONO_FLOWKILLER_H

#include "../lib/agent.h"
#include "../lib/identity.h"

enum limits {
	/* Of told[]: kinds of what a group did. */
	MAX_TALLIES = 4096,
	/* After the first ones, and of any kind together: */
	TELL_EVERY_S = 10, /* a record of one tally */
	TELL_BURST = 1000, /* records of all at once, and TELL_RATE a second */
	TELL_RATE = 100,
};

/* ---- tables ---- */

/* Bits of the address in network order, as BPF's tries want it. */
struct network4 {
	__u32 bits;
	__u32 address;
};

struct network6 {
	__u32 bits;
	__u32 address[4];
};

#define NO_ENTRY 0xffffffffU

/* What lists say of a network. */
struct listed {
	__u32 entry; /* that bans every port, by its number in the lists of this generation; or NO_ENTRY */
	__u32 ports; /* not 0: the first half of the key of its single ports */
};

struct listed_port {
	__u32 ports; /* struct listed */
	__u32 port;
};

enum flow_flags {
	FLOW_AUDIT = 1 << 0, /* nothing is refused, nobody killed */
	FLOW_LOG_CONNECTS = 1 << 1, /* every TCP connect is told */
};

struct settings {
	__u32 flags; /* enum flow_flags */
	__u32 generation; /* of the lists; told in each event */
	__u32 whole_lines; /* records of one tally before only some are sent; 0: all are */
	__u32 reserved;
};

/* ---- counters: per CPU, one u64 each ---- */
enum counter {
	COUNTER_CONNECTS, /* TCP connects that were judged */
	COUNTER_DATAGRAMS, /* connects and sends without one, of UDP above all */
	COUNTER_REFUSED, /* for a banned destination */
	COUNTER_WOULD_REFUSE,
	COUNTER_ALLOWED, /* banned, and in an allowed network */
	COUNTER_KILLED,
	COUNTER_KILL_FAILED,
	COUNTER_KERNEL_THREADS, /* refused, and not to be killed */
	COUNTER_KILL_EVENTS_LOST,
	COUNTER_OTHER_EVENTS_LOST,
	COUNTER_NO_TABLES,
	COUNTER_COUNT,
};

/* ---- how a process is killed ---- */
enum kill_way {
	KILL_BY_AGENT, /* the agent kills when it has read the record */
	KILL_IN_HOOK, /* bpf_send_signal where it was refused */
	KILL_BY_PRINTK, /* the hook fires a tracepoint in the process's context, whose program may send signals */
	KILL_AT_STATE, /* at inet_sock_set_state: the first packet leaves */
};

/* ---- events ---- */
enum flow_event_kind {
	FLOW_REFUSED, /* a banned destination, and nobody is killed: a UDP connect, or a kernel thread */
	FLOW_KILLED, /* a banned destination; signal_result says whether the kernel's signal was sent */
	FLOW_WOULD_KILL,
	FLOW_WOULD_REFUSE,
	FLOW_CONNECT, /* a TCP connect, with FLOW_LOG_CONNECTS */
};

/* Where it was seen. */
enum flow_hook { HOOK_CONNECT, HOOK_SENDMSG, HOOK_STATE };

/* signal_result where the kernel did not try. */
#define SIGNAL_NOT_SENT 1

struct flow_event {
	__u64 time_ns; /* since boot */
	__u64 netns_cookie;
	__u64 group; /* as in struct tally_key */
	__u32 kind; /* enum flow_event_kind */
	__u32 hook; /* enum flow_hook */
	__u32 entry; /* that bans it, of `generation`; or NO_ENTRY */
	__u32 generation;
	__s32 signal_result; /* 0, a negative errno, or SIGNAL_NOT_SENT */
	__u32 protocol; /* IPPROTO_* */
	__u32 type; /* SOCK_* */
	__u32 port; /* host order */
	__u8 address[16]; /* an IPv4 address as ::ffff:a.b.c.d */
	__u8 given[16]; /* the same, before it was unwrapped */
	struct identity who;
};

/* What is counted together. */
struct tally_key {
	__u64 group; /* the pod's cgroup, lib/identity.bpf.h */
	__u32 kind; /* enum flow_event_kind */
	__u32 entry;
};

struct tally {
	__u64 total; /* since the entry was made */
	__u64 told; /* of them, sent as records */
	__u64 first_ns; /* since boot */
	__u64 last_ns;
	__u64 told_ns; /* the last record */
	__u32 pid; /* of the last one */
	__u32 uid;
	__u32 port;
	__u32 reserved;
	__u8 address[16];
};

/* How much of a tally the agent has told of by its number. */
struct summed {
	__u64 first_ns; /* the tally's: an entry that went and came again counts anew */
	__u64 count;
};

/* Everything that user space reads by the object's BTF, with what it contains. No memory has this shape. */
struct border {
	enum limits limits;
	enum identity_limits identity_limits;
	struct network4 network4;
	struct network6 network6;
	struct listed listed;
	struct listed_port listed_port;
	enum flow_flags flow_flags;
	struct settings settings;
	enum control control;
	enum counter counter;
	enum kill_way kill_way;
	enum flow_event_kind flow_event_kind;
	enum flow_hook flow_hook;
	struct flow_event flow_event;
	struct tally_key tally_key;
	struct tally tally;
	struct summed summed;
};

#endif
