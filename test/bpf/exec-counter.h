/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The border of a detector that only counts: how often each cgroup executes something. */
#ifndef CRYPTNONO_EXEC_COUNTER_H
#define CRYPTNONO_EXEC_COUNTER_H

#include "../../bpf/lib/agent.h"

enum counter { COUNTER_EXECS, COUNTER_COUNT };

/* A cgroup's first exec. */
struct first_exec {
	__u64 cgroup_id;
	__u32 pid;
	__u32 reserved;
};

struct border {
	enum control control;
	enum counter counter;
	struct first_exec first_exec;
};

#endif
