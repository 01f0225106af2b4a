/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What every detector's program and the agent say to each other. */
#ifndef CRYPTNONO_AGENT_H
#define CRYPTNONO_AGENT_H

/* One u32 a key, written by user space unless noted. */
enum control {
	/* Not 0: another sensor judges from now on, that of this process. First, so that agents of all versions find it. */
	CONTROL_RETIRED_BY,
	CONTROL_SLOT, /* which of the two slots of its outer maps is in force */
	CONTROL_AGENT_TGID, /* 0: none */
	CONTROL_AGENT_AWAY, /* set to 1 by the kernel when the agent's last thread exits */
	CONTROL_SCOPE_TGID, /* tests: only this process's descendants are judged; 0: everything */
	CONTROL_COUNT,
};

#endif
