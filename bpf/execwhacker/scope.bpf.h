/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Where a string counts: in containers, or among the host's own processes. The kernel knows by itself which of them a process
 * is, and asks only for a list that makes a difference. */
#ifndef CRYPTNONO_SCOPE_BPF_H
#define CRYPTNONO_SCOPE_BPF_H

#include "maps.bpf.h"

#define ALL_SCOPES (~0U)

/* A bit for each enum string_scope that holds for the current process. A global function: what it keeps on the stack is gone
 * when the search begins. */
__attribute__((noinline)) int find_scopes(__u32 policy_flags)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if (!(policy_flags & POLICY_SCOPES))
		return ALL_SCOPES;
	return 1U << SCOPE_ANY | 1U << (is_in_container(task) ? SCOPE_CONTAINERS : SCOPE_HOST);
}

/* Whether some string may kill where these scopes hold. Where none may, nothing else may: of narrow ones, those that find_narrow has
 * found. */
static __always_inline bool may_kill(struct filters *f, __u32 scopes)
{
	__u32 wanted = 0;

	if (scopes & 1U << SCOPE_CONTAINERS)
		wanted |= POLICY_ENFORCE;
	if (scopes & 1U << SCOPE_HOST)
		wanted |= POLICY_ENFORCE_HOST;
	return f->policy.flags & wanted || f->policy.narrow_kill & scopes;
}

#endif
