// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Programs that do nothing, where the monero detector has some: what a call alone costs, and its measuring. */
#include "../../bpf/lib/kernel.bpf.h"
#include "../../bpf/monero/fpu.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("tp_btf/x86_fpu_regs_deactivated")
int BPF_PROG(empty_out, struct fpu *fpu)
{
	return 0;
}

SEC("tp_btf/x86_fpu_regs_activated")
int BPF_PROG(empty_in, struct fpu *fpu)
{
	return 0;
}
