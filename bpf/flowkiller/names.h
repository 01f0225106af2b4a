/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The border between the programs that know names and user space: what both sides read and write. TypeScript finds offsets and
 * numbers in the object's BTF (struct border, at the end), and repeats none. */
#ifndef CRYPTNONO_NAMES_H
#define CRYPTNONO_NAMES_H

#include "../lib/agent.h"
#include "../lib/identity.h"

enum names_limits {
	/* Longest name as text (RFC 1035: 253), rounded up to a power of two: the verifier takes the mask as the bound. */
	NAME_BYTES = 256,
	/* Labels from the right that a listed name may have. */
	NAME_LABELS = 6,
	/* Of a name, as an address keeps it: from the right. A power of two. */
	NAME_TOLD_BYTES = 128,
	/* Of whoever logs in to a pool. A power of two, longer than an integrated address of Monero (106). */
	WALLET_BYTES = 128,
	/* Read from a packet at a time. A power of two. */
	CHUNK_BYTES = 64,
	/* Bytes of a flow that are looked at one by one; what is stepped over does not count. */
	FLOW_BYTES = 8192,
	/* Addresses that are remembered, over all network namespaces. The oldest go. */
	MAX_LEARNT = 32768,
	/* How long at least and at most, whatever the answer's own time is. */
	LEARNT_AT_LEAST_S = 300,
	LEARNT_AT_MOST_S = 86400,
	/* Steps through an answer: two for a record, and one for each label of an owner that is not abbreviated. */
	ANSWER_STEPS = 256,
	/* Questions that are looked at at the same time. A power of two. */
	QUESTION_SLOTS = 64,
	DNS_PORTS = 4,
	MAX_POLICIES = 4096,
	MAX_TALLIES = 4096,
	TELL_EVERY_S = 10, /* a record of one tally, behind the first ones */
	TELL_BURST = 1000, /* records of all at once, and TELL_RATE a second */
	TELL_RATE = 100,
};

/* ---- tables ---- */

#define NO_ENTRY 0xffffffffU

enum name_flags {
	NAME_LISTED = 1 << 0, /* a pool's */
	NAME_SPARED = 1 << 1, /* and not meant: the operator allows it */
	NAME_EGRESS = 1 << 2, /* of the list of what may be reached */
};

/* What the lists say of a name and all below it. Keyed by name_key() of names/hash.ts. */
struct listed_name {
	__u32 entry; /* its number among the names of this generation */
	__u32 egress_entry;
	__u32 flags; /* enum name_flags */
	__u32 reserved;
};

enum names_flags {
	NAMES_ENFORCE = 1 << 0, /* what is found is blocked, and its owner killed */
	NAMES_DROP_QUESTIONS = 1 << 1, /* in enforce mode questions for listed names do not leave */
	NAMES_EGRESS = 1 << 2, /* some pods may reach only what is listed */
	NAMES_REFUSE_UNKNOWN = 1 << 3, /* a pod that nobody has named yet reaches as little */
};

struct names_settings {
	__u32 flags; /* enum names_flags */
	__u32 generation; /* of the lists; told in each event */
	__u32 whole_lines; /* records of one tally before only some are sent; 0: all are */
	__u32 reserved;
	__u64 base; /* odd; of the hash of names. Its powers: */
	__u64 powers[NAME_BYTES];
	__u16 dns_ports[DNS_PORTS];
};

/* Bits of the address in network order, as BPF's tries want it. An IPv4 address as ::ffff:a.b.c.d. */
struct network {
	__u32 bits;
	__u32 address[4];
};

/* What a pod may reach, by the cgroup of lib/identity.bpf.h. Written by the agent. */
enum egress_mode { EGRESS_FREE, EGRESS_LEARN, EGRESS_ENFORCE };

/* ---- addresses that answers named ---- */

/* One network namespace's. In the node's own, which many share, one pod's. */
struct learnt_key {
	__u64 netns_cookie;
	__u64 group; /* 0 but in the node's own network namespace */
	__u32 address[4]; /* an IPv4 address as ::ffff:a.b.c.d */
};

struct learnt {
	__u64 until_ns; /* since boot */
	__u32 entry;
	__u32 generation;
	__u32 flags; /* enum name_flags; 0: of no list */
	__u32 pid; /* who asked */
	__u8 name[NAME_TOLD_BYTES]; /* what was asked for; its end, if it is longer */
};

/* ---- counters: per CPU, one u64 each ---- */
enum counter {
	COUNTER_FLOWS, /* TCP connections that are followed to their first words */
	COUNTER_FLOWS_TLS,
	COUNTER_FLOWS_HTTP,
	COUNTER_FLOWS_JSON,
	COUNTER_FLOWS_PROXIED, /* by SOCKS or CONNECT, and looked at behind it */
	COUNTER_FLOWS_OTHER,
	COUNTER_FLOWS_CUT, /* they said too much before they said what they are */
	COUNTER_FLOWS_GAP, /* bytes were sent that were not seen */
	COUNTER_NO_SNI,
	COUNTER_COMPRESSED, /* WebSockets whose content is compressed */
	COUNTER_QUESTIONS,
	COUNTER_ANSWERS,
	COUNTER_ANSWERS_BROKEN,
	COUNTER_BUSY, /* questions and answers for which no slot was free */
	COUNTER_NO_STORAGE, /* sockets that could not be followed */
	COUNTER_CONNECTS,
	COUNTER_HIT_QUESTION, /* in the order of enum evidence */
	COUNTER_HIT_ANSWER,
	COUNTER_HIT_ADDRESS,
	COUNTER_HIT_SNI,
	COUNTER_HIT_HOST,
	COUNTER_HIT_PROXY,
	COUNTER_HIT_STRATUM,
	COUNTER_HIT_EGRESS,
	COUNTER_HIT_SEEN,
	COUNTER_HIT_UNKNOWN,
	COUNTER_DROPPED, /* questions */
	COUNTER_REFUSED, /* connects */
	COUNTER_BLOCKED, /* flows */
	COUNTER_BLOCKED_PACKETS,
	COUNTER_KILLED, /* by the kernel; the agent counts its own */
	COUNTER_KILL_FAILED,
	COUNTER_KILL_EVENTS_LOST,
	COUNTER_OTHER_EVENTS_LOST,
	COUNTER_NO_TABLES,
	COUNTER_COUNT,
};

/* ---- events ---- */
enum evidence {
	EVIDENCE_QUESTION, /* a DNS question for a listed name */
	EVIDENCE_ANSWER, /* an answer, whose addresses are remembered */
	EVIDENCE_ADDRESS, /* a connect, or a datagram, to one of them */
	EVIDENCE_SNI,
	EVIDENCE_HOST, /* of an HTTP request */
	EVIDENCE_PROXY, /* the name that a proxy was asked for: CONNECT, SOCKS */
	EVIDENCE_STRATUM, /* a miner's login */
	EVIDENCE_EGRESS, /* a destination that may not be reached */
	EVIDENCE_SEEN, /* one that would not: EGRESS_LEARN */
	EVIDENCE_UNKNOWN, /* a pod that has no policy yet */
	EVIDENCE_COUNT,
};

enum names_outcome {
	OUTCOME_TOLD, /* nothing was done: audit mode, or an answer */
	OUTCOME_DROPPED, /* the question did not leave */
	OUTCOME_REFUSED, /* the connect */
	OUTCOME_KILLED, /* refused or blocked; signal_result says whether the kernel's signal was sent */
};

enum names_event_flags {
	NAMES_EVENT_OWNER = 1 << 0, /* `who` is the socket's owner; else only `owner` is known of it */
	NAMES_EVENT_WEBSOCKET = 1 << 1,
	NAMES_EVENT_PROXIED = 1 << 2, /* behind a proxy's request */
	NAMES_EVENT_TCP = 1 << 3, /* the question */
	NAMES_EVENT_DATAGRAM = 1 << 4,
};

/* signal_result where the kernel did not try. */
#define SIGNAL_NOT_SENT 1

/* Who opened a socket. */
struct owner {
	__u64 start_time_ns; /* of the process, since boot */
	__u64 cgroup_id; /* default hierarchy */
	__u64 group; /* as in struct tally_key */
	__u64 netns_cookie;
	__u64 learnt_group; /* struct learnt_key */
	__u32 pid; /* tgid in the initial pid namespace */
	__u32 uid;
	__u32 port; /* where to, host order */
	__u32 address[4];
	__u8 comm[16];
	__u32 reserved;
};

struct names_event {
	__u64 time_ns; /* since boot */
	__u32 evidence; /* enum evidence */
	__u32 outcome; /* enum names_outcome */
	__u32 flags; /* enum names_event_flags */
	__u32 entry; /* of `generation`; or NO_ENTRY */
	__u32 generation;
	__s32 signal_result; /* 0, a negative errno, or SIGNAL_NOT_SENT */
	__u32 packets; /* that the flow had sent */
	__u32 answers; /* addresses that were remembered */
	__u32 asked_by; /* EVIDENCE_ADDRESS: the process */
	__u32 method; /* enum json_flags */
	__u16 name_bytes;
	__u16 wallet_bytes;
	__u32 apart; /* the tally's key, where it is not the entry */
	__u8 name[NAME_BYTES];
	__u8 wallet[WALLET_BYTES];
	struct owner owner;
	struct identity who;
};

/* What was found in a message. */
enum json_flags {
	JSON_SUBSCRIBE = 1 << 0, /* "method": "mining.subscribe" */
	JSON_AUTHORIZE = 1 << 1,
	JSON_CONFIGURE = 1 << 2,
	JSON_ETH_LOGIN = 1 << 3, /* "eth_submitLogin" */
	JSON_LOGIN = 1 << 4, /* "login" */
	JSON_HAS_LOGIN = 1 << 5, /* a key */
	JSON_HAS_ALGO = 1 << 6,
	JSON_HAS_AGENT = 1 << 7,
};

/* What is counted together. */
struct tally_key {
	__u64 group; /* the pod's cgroup, lib/identity.bpf.h */
	__u32 evidence;
	__u32 entry; /* of `generation`; or names_event.apart */
	__u32 outcome; /* enum names_outcome */
	__u32 generation;
};

struct tally {
	__u64 total; /* since the entry was made */
	__u64 told; /* of them, sent as records */
	__u64 first_ns; /* since boot */
	__u64 last_ns;
	__u64 told_ns; /* the last record */
	__u32 pid; /* of the last one; as the next three */
	__u32 uid;
	__u32 port;
	__u32 address[4]; /* as struct owner has it */
	__u8 name[NAME_TOLD_BYTES]; /* of the first one, as struct learnt has it; empty: there was none */
	__u32 reserved;
};

/* How much of a tally the agent has told of by its number. */
struct summed {
	__u64 first_ns; /* the tally's: an entry that went and came again counts anew */
	__u64 count;
};

/* ---- the test entry (SEC("syscall")) ---- */
struct look_args {
	__u64 payload; /* user address */
	__u32 bytes;
	__u32 split; /* bytes of the first packet; 0: all in one. */
	__u32 piece; /* of those behind it; 0: the rest in one */
	__u32 is_dns; /* over TCP */
	__u32 found; /* out: enum evidence, or EVIDENCE_COUNT */
	__u32 entry; /* out */
	__u32 flags; /* out: enum names_event_flags */
	__u32 method; /* out */
	__u32 packets; /* out: given when it was found */
	__u32 is_over; /* out: it would not be followed any more */
	__u32 name_bytes; /* out */
	__u32 wallet_bytes; /* out */
	__u8 name[NAME_BYTES]; /* out */
	__u8 wallet[WALLET_BYTES]; /* out */
	__u64 elapsed_ns; /* out */
};

/* Everything that user space reads by the object's BTF, with what it contains. No memory has this shape. */
struct border {
	enum names_limits names_limits;
	enum identity_limits identity_limits;
	enum name_flags name_flags;
	struct listed_name listed_name;
	enum names_flags names_flags;
	struct names_settings names_settings;
	struct network network;
	enum egress_mode egress_mode;
	struct learnt_key learnt_key;
	struct learnt learnt;
	enum control control;
	enum counter counter;
	enum evidence evidence;
	enum names_outcome names_outcome;
	enum names_event_flags names_event_flags;
	enum json_flags json_flags;
	struct names_event names_event;
	struct tally_key tally_key;
	struct tally tally;
	struct summed summed;
	struct look_args look_args;
};

#endif
