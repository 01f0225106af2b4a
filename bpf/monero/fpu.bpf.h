/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The saved floating point state of a task, as much of it as is read here. x86 alone: no other architecture tells when it is saved. */
#ifndef CRYPTNONO_MONERO_FPU_BPF_H
#define CRYPTNONO_MONERO_FPU_BPF_H

#include "../lib/kernel.bpf.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct fxregs_state {
	__u32 mxcsr;
	__u32 xmm_space[64];
};

struct xstate_header {
	__u64 xfeatures;
};

struct xregs_state {
	struct fxregs_state i387;
	struct xstate_header header;
};

union fpregs_state {
	struct xregs_state xsave;
};

struct fpstate {
	union fpregs_state regs;
};

struct fpu {
	struct fpstate *fpstate;
};

/* 87d0e5be0fac "x86/fpu: Provide struct fpstate", v5.16, moved the state behind a pointer. */
struct fpu___before_5_16 {
	union fpregs_state state;
};

struct pt_regs___x86 {
	long orig_ax;
};

#pragma clang attribute pop

#define XFEATURE_MASK_SSE 2
/* linux arch/x86/include/asm/fpu/types.h and the processor's own value after reset */
#define MXCSR_DEFAULT 0x1f80
#define MXCSR_ROUNDING_SHIFT 13
/* Results below the smallest normal number become zero (bit 15), operands too (bit 6). */
#define MXCSR_FTZ_DAZ 0x8040
#define XMM_REGISTERS 16

static __always_inline struct xregs_state *saved_state(struct fpu *fpu)
{
	struct fpu___before_5_16 *older = (void *)fpu;

	if (bpf_core_field_exists(older->state))
		return &older->state.xsave;
	return &fpu->fpstate->regs.xsave;
}

/* Registers that are in their first state are not saved (XSAVES' init optimisation): what lies there is of another time. */
static __always_inline __u32 saved_mxcsr(struct xregs_state *state)
{
	return state->header.xfeatures & XFEATURE_MASK_SSE ? state->i387.mxcsr : MXCSR_DEFAULT;
}

/* The program was interrupted, and did not call the kernel: its registers are those that it computes with. Entries by interrupts and
 * exceptions write -1 where calls have their number (linux arch/x86/entry). */
static __always_inline bool was_interrupted(struct task_struct *task)
{
	struct pt_regs___x86 *regs = (void *)bpf_task_pt_regs(task);

	return regs->orig_ax < 0;
}

#endif
