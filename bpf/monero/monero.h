/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The border between what looks at computing and user space: what both sides read and write. TypeScript finds offsets and numbers in
 * the object's BTF (struct border, at the end), and repeats none. */
#ifndef CRYPTNONO_MONERO_H
#define CRYPTNONO_MONERO_H

#include "../lib/agent.h"
#include "../lib/identity.h"

enum limits {
	/* Processes that are looked at: those of which a sample had a directed rounding mode. The longest unseen go. */
	MAX_SEEN = 4096,
	/* Signals that failed before the agent is asked. */
	MAX_TRIES = 8,
	/* A question that the agent has not answered is asked again. */
	ASK_AGAIN_S = 60,
	/* Execs of a second that the agent is told. */
	MAX_EXECS = 64,
	/* Programs that began, as far as that is kept; the oldest go. */
	MAX_LOOKS = 2048,
	/* Processes whose file holds an algorithm's constants; the oldest go. */
	MAX_MARKS = 256,
	/* Of an algorithm's name and its variant's, each. */
	MAX_ALGORITHM = 32,
};

/* MXCSR's rounding control (Intel SDM 1, 10.2.3), in its own order. */
enum rounding { ROUND_NEAREST, ROUND_DOWN, ROUND_UP, ROUND_ZERO, ROUNDINGS };

/* What RandomX keeps in XMM registers, by its specification. */
enum constant {
	CONSTANT_SCALE_MASK = 1 << 0, /* 5.3: 0x80F0000000000000, by which group F is scaled */
	CONSTANT_MANTISSA_MASK = 1 << 1, /* 5.2.2: 0x00ffffffffffffff, of group E */
	CONSTANT_AES_KEY = 1 << 2, /* 3.2 to 3.4: a key or state of AesGenerator1R, AesGenerator4R or AesHash1R */
};

enum rule { RULE_NONE, RULE_REGISTERS, RULE_FOUR_MODES };

enum rule_mode { RULE_OFF, RULE_AUDIT, RULE_ENFORCE };

struct settings {
	__u32 registers; /* enum rule_mode */
	__u32 four_modes; /* enum rule_mode */
	__u32 asks; /* 1: there are allow patterns, so that the agent is asked before a kill */
	__u32 generation; /* of the patterns: what was asked under another one is asked again */
	__u32 min_samples; /* four modes: so many samples together, */
	__u32 min_each; /* so many of each directed mode, */
	__u32 min_percent; /* which are this share of all */
	__u32 reserved;
	__u64 gap_ns; /* samples that are closer together count as one */
	__u64 half_life_ns; /* counts are halved after this time */
};

/* What is known of a process. It begins anew with each exec. */
struct seen {
	__u64 start_time_ns; /* of the process, since boot; tells a number that was given again */
	__u64 exec_id;
	__u64 first_ns; /* the first directed sample, since boot */
	__u64 last_ns; /* the last counted sample */
	__u64 halved_ns;
	__u64 asked_ns; /* 0: not asked */
	__u32 counts[ROUNDINGS]; /* samples by mode, fading */
	__u32 ftz_daz; /* of them, with results and operands flushed to zero */
	__u32 samples; /* since exec, not fading; this one and the next count every involuntary switch */
	__u32 directed;
	__u32 constants; /* enum constant, that were seen in one sample */
	__u32 told; /* bit of enum rule: has been told */
	__u32 pending; /* enum rule: is to be signalled and told as soon as the process's own memory is there */
	__u32 tries;
	__u32 asked_generation;
};

/* ---- counters: per CPU, one u64 each ---- */
enum counter {
	COUNTER_SAMPLES, /* involuntary switches of user programs */
	COUNTER_DIRECTED, /* of them, with a directed rounding mode */
	COUNTER_KILLED_REGISTERS,
	COUNTER_KILLED_FOUR_MODES,
	COUNTER_WOULD_KILL_REGISTERS,
	COUNTER_WOULD_KILL_FOUR_MODES,
	COUNTER_ASKED, /* verdicts for which the agent asks the allow patterns */
	COUNTER_PUT_OFF, /* signals that the kernel refused while another process's memory was there, each sent later */
	COUNTER_KILL_FAILED, /* signals given up after MAX_TRIES, left to the agent */
	COUNTER_EVENTS_LOST, /* that found no room in the ring */
	COUNTER_UNTRACKED, /* directed samples of processes for which there was no room */
	COUNTER_NO_SETTINGS,
	COUNTER_SELF_TEST, /* the agent's own children that were killed, counted nowhere else; killed in audit mode too */
	COUNTER_EXECS_UNTOLD, /* of more than MAX_EXECS, or for want of room */
	COUNTER_COUNT,
};

/* ---- events ---- */
enum verdict_kind {
	VERDICT_KILLED,
	VERDICT_WOULD_KILL,
	VERDICT_ASKED, /* to be killed unless a pattern allows it */
	VERDICT_KILL_FAILED, /* to be killed by the agent */
};

enum place { PLACE_DEACTIVATED, PLACE_ACTIVATED };

struct monero_event {
	__u64 time_ns; /* since boot */
	__u64 cpu_ns; /* of the process, but for threads that live beside the first one and the sampled one */
	__u64 thread_cpu_ns; /* that the sampled thread has run */
	__u64 group; /* the pod's cgroup, lib/identity.bpf.h */
	__u32 kind; /* enum verdict_kind */
	__u32 rule; /* enum rule */
	__u32 place; /* enum place: where the signal was sent, or would have been */
	__u32 tid;
	__s32 signal_result; /* VERDICT_KILL_FAILED: a negative errno */
	__u32 reserved;
	struct seen seen;
	struct identity who;
};

/* A program began. Of another size than the other record, which tells them apart. */
struct exec_event {
	__u64 start_time_ns; /* of the process, since boot */
	__u64 time_ns;
	__u32 pid;
	__u32 reserved;
};

/* What became of the look into a program's file. The first two are the kernel's, the others the agent's. */
enum look_outcome {
	LOOK_WAITS, /* or is being searched, or its process is gone */
	LOOK_UNTOLD, /* of more than MAX_EXECS, or for want of room */
	LOOK_SEARCHED,
	LOOK_CACHED, /* the file was known */
	LOOK_PUT_OFF, /* too many waited */
	LOOK_UNREADABLE,
};

struct look {
	__u64 start_time_ns; /* of the process, since boot */
	__u64 exec_ns; /* since boot */
	__u64 looked_ms; /* since 1970; 0: not looked at */
	__u32 outcome; /* enum look_outcome */
	__u32 reserved;
};

struct mark {
	__u64 start_time_ns; /* of the process, since boot */
	__u64 marked_ms; /* since 1970 */
	char algorithm[MAX_ALGORITHM]; /* each to its end, or to a NUL */
	char variant[MAX_ALGORITHM];
};

/* Everything that user space reads by the object's BTF, with what it contains. No memory has this shape. */
struct border {
	enum limits limits;
	enum identity_limits identity_limits;
	enum rounding rounding;
	enum constant constant;
	enum rule rule;
	enum rule_mode rule_mode;
	struct settings settings;
	struct seen seen;
	enum control control;
	enum counter counter;
	enum verdict_kind verdict_kind;
	enum place place;
	struct monero_event monero_event;
	struct exec_event exec_event;
	enum look_outcome look_outcome;
	struct look look;
	struct mark mark;
};

#endif
