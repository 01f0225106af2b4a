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
	/* A destination each. A power of two: the verifier takes the mask as the bound. */
	WINDOW_SLOTS = 64,
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
	FLOW_SHARED_IS_PUBLIC = 1 << 2, /* 100.64.0.0/10 */
	FLOW_MULTICAST_IS_PUBLIC = 1 << 3,
	FLOW_COUNT_UDP_CONNECTS = 1 << 4, /* they spend of the budget, though nothing may be sent */
	FLOW_TELL_PODS = 1 << 5, /* each pod's first new destination is told */
	FLOW_SCAN_DECIDES = 1 << 6, /* nothing can spare who has one destination too many: no agent is asked */
};

struct settings {
	__u32 flags; /* enum flow_flags */
	__u32 generation; /* of the lists; told in each event */
	__u32 whole_lines; /* records of one tally before only some are sent; 0: all are */
	__u32 window_s; /* of the scan rule */
	__u32 scan_most; /* destinations of a process and of a session within it; 0: any number; less than WINDOW_SLOTS */
	__u32 pod_most; /* the same of a pod */
	/* The budget: at most `burst` at once and one each `every_ns`; burst 0: there is none. */
	__u32 pod_burst;
	__u32 node_burst;
	__u64 pod_every_ns;
	__u64 node_every_ns;
	__u64 memory_ns; /* how long a destination is not new */
	__u64 silent_ns; /* how long one that did not answer is refused; 0: it is not */
	__u32 refusal; /* errno of what the budget refuses */
	__u32 reserved;
};

/* ---- the scan rule ---- */
enum window_kind { WINDOW_PROCESS = 1, WINDOW_SESSION, WINDOW_POD };

struct window_key {
	__u32 kind; /* enum window_kind */
	__u32 id; /* of the process, or of the session */
	__u64 since; /* the process's start in ns since boot, or the group of the session, or of the pod */
};

struct window {
	__u64 slots[WINDOW_SLOTS]; /* scan.bpf.h */
	__u64 told_ns; /* since boot; as the next two */
	__u64 exempt_until_ns; /* by the agent */
	__u64 condemned_until_ns; /* by the agent; with FLOW_SCAN_DECIDES by the hooks */
};

struct destination {
	__u32 address[4]; /* as struct flow_event has it */
	__u32 port;
	__u32 reserved;
};

/* ---- the budget ---- */
struct spoken_key {
	__u64 group;
	__u64 destination; /* a hash of address and port */
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
	COUNTER_PUBLIC, /* TCP connects to public addresses */
	COUNTER_SCANS, /* windows that were found full, and condemned or told */
	COUNTER_SCAN_KILLED, /* by the kernel, in windows that are condemned */
	COUNTER_SCAN_REFUSED,
	COUNTER_SCAN_BUSY, /* not counted, as others took the slots in between */
	COUNTER_SCAN_NO_WINDOW, /* no room for a window */
	COUNTER_NEW_DESTINATIONS,
	COUNTER_OVER_POD_BUDGET,
	COUNTER_OVER_NODE_BUDGET,
	COUNTER_WOULD_BE_OVER_BUDGET,
	COUNTER_BUDGET_BUSY,
	COUNTER_SILENT, /* destinations that did not answer */
	COUNTER_UNREACHABLE, /* refused, as they did not answer before */
	COUNTER_EXEMPT, /* new destinations of pods that are exempt */
	COUNTER_SELF_TEST, /* the agent's own connects, which are not judged */
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
	FLOW_NOTHING, /* of a program's own, and never sent */
	FLOW_REFUSED, /* a banned destination, and nobody is killed: a UDP connect, or a kernel thread */
	FLOW_KILLED, /* a banned destination; signal_result says whether the kernel's signal was sent */
	FLOW_WOULD_KILL,
	FLOW_WOULD_REFUSE,
	FLOW_CONNECT, /* a TCP connect, with FLOW_LOG_CONNECTS */
	FLOW_SCAN, /* one destination too many: the agent decides */
	FLOW_SCAN_KILLED, /* one too many, in a window that is condemned */
	FLOW_OVER_POD_BUDGET,
	FLOW_OVER_NODE_BUDGET,
	FLOW_UNREACHABLE,
	FLOW_WOULD_BE_OVER_BUDGET,
	FLOW_POD, /* a pod's first new destination, with FLOW_TELL_PODS */
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
	struct window_key key; /* FLOW_SCAN, as the next two */
	__u32 most; /* that the window may have */
	__u32 reserved;
	__u64 slots[WINDOW_SLOTS];
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
	enum window_kind window_kind;
	struct window_key window_key;
	struct window window;
	struct destination destination;
	struct spoken_key spoken_key;
	struct flow_event flow_event;
	struct tally_key tally_key;
	struct tally tally;
	struct summed summed;
};

#endif
