// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* What the monero detector reads of a task's saved state, without the rest of it: needs no helper that is newer than 5.5, so that the
 * layout of kernels before 5.16 can be met on one that is. */
#include "../../bpf/lib/kernel.bpf.h"
#include "../../bpf/monero/fpu.bpf.h"
#include "../../bpf/monero/registers.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* The process that is looked at. */
const volatile __u32 watched_tgid;

/* Samples by rounding mode (0 to 3), then those with RandomX's masks in registers (4). Written here, read by the test. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ROUNDINGS + 1);
	__type(key, __u32);
	__type(value, __u64);
} seen_samples SEC(".maps");

static __always_inline void add(__u32 at)
{
	__u64 *count = bpf_map_lookup_elem(&seen_samples, &at);

	if (count)
		__sync_fetch_and_add(count, 1);
}

SEC("tp_btf/x86_fpu_regs_deactivated")
int BPF_PROG(look, struct fpu *fpu)
{
	bool scale = false, mantissa = false;
	struct xregs_state *state;

	if (bpf_get_current_pid_tgid() >> 32 != watched_tgid)
		return 0;
	state = saved_state(fpu);
	add((saved_mxcsr(state) >> MXCSR_ROUNDING_SHIFT) & (ROUNDINGS - 1));
	/* A loop of the language: a call with a function as its argument is of 5.13. */
	for (int i = 0; i < XMM_REGISTERS; i++) {
		__u64 halves[2];

		if (bpf_probe_read_kernel(halves, sizeof(halves), &state->i387.xmm_space[i * 4]))
			return 0;
		scale |= halves[0] == SCALE_MASK && halves[1] == SCALE_MASK;
		mantissa |= halves[0] == MANTISSA_MASK && halves[1] == MANTISSA_MASK;
	}
	if (scale && mantissa)
		add(ROUNDINGS);
	return 0;
}
