/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* RandomX's constants in the saved XMM registers. They are consensus: a miner with others computes other hashes. */
#ifndef CRYPTNONO_MONERO_REGISTERS_BPF_H
#define CRYPTNONO_MONERO_REGISTERS_BPF_H

#include "../lib/loop.bpf.h"
#include "fpu.bpf.h"
#include "monero.h"

#define SCALE_MASK 0x80f0000000000000ULL
#define MANTISSA_MASK 0x00ffffffffffffffULL
#define AES_KEYS 22

/* RandomX specification 3.2 (AesGenerator1R), 3.3 (AesGenerator4R) and 3.4 (AesHash1R): Blake2b hashes of the specification's own
 * sentences, so that no other program has reason to hold them. Low half, high half. */
static const __u64 aes_keys[AES_KEYS][2] = {
	/* AesGenerator1R: key 0 to 3 */
	{ 0x627166096daca553, 0xb4f44917dbb5552b },
	{ 0x846a710d6d7caf07, 0x0da1dc4e1725d378 },
	{ 0x9f947ec63f1262f1, 0x3e20e345f4c0794f },
	{ 0xb1ba317c6aef8135, 0x4916915416314c88 },
	/* AesGenerator4R: key 0 to 7 */
	{ 0xd1833ddb6421aadd, 0x99e5d23f2f546d2b },
	{ 0xb6913f55b20e3450, 0xa5dfcde506f79d53 },
	{ 0x515e7baf5c3ed904, 0x171c02bf0aa4679f },
	{ 0xe78f5d0885623763, 0xd8ded291cd673785 },
	{ 0xe3d6a7a6b5826f73, 0x229effb43d518b6d },
	{ 0x9c10b3d9c7566bf3, 0xb272b7d2e9024d4e },
	{ 0xf765a38bf273c9e7, 0xf63befa72ba9660a },
	{ 0x915839de7a7cd609, 0xc0b0762d0c06d1fd },
	/* AesHash1R: state 0 to 3, extra keys 0 and 1 */
	{ 0x9fa856de92b52c0d, 0xd7983aadcc82db47 },
	{ 0x15c7b798338d996e, 0xace78057f59e125a },
	{ 0xae62c7d06a770017, 0xe8a07ce45079506b },
	{ 0x07ad828d630a240c, 0x7e99494879a10005 },
	{ 0x8b24949ff6fa8389, 0x0689020190dc56bf },
	{ 0x51f4e03c61b263d1, 0xed18f99bee1043c6 },
	/* AesGenerator4R of Wownero and others that kept RandomX 1.0's: key 0 to 3 */
	{ 0x7ffbe4a6f890465d, 0xcf359e95141f82b7 },
	{ 0xfee8278a6a55c450, 0x6741ffdcbd5c5ac3 },
	{ 0xd524fde4114c47a4, 0x3d324aaca7279ad2 },
	{ 0x99a9aeff810c3a2a, 0x76f6db0842d3dbd9 },
};

/* One look's copy of the registers, for the loop's body to reach. Switches are not interrupted. */
struct xmm_copy {
	__u64 halves[XMM_REGISTERS * 2];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct xmm_copy);
} xmm_copies SEC(".maps");

struct register_walk {
	__u32 turns;
	__u32 found; /* enum constant */
	struct xmm_copy *xmm;
};

LOOP_BODY(one_register, struct register_walk)
{
	__u64 low = ctx->xmm->halves[(turn * 2) & (XMM_REGISTERS * 2 - 1)];
	__u64 high = ctx->xmm->halves[(turn * 2 + 1) & (XMM_REGISTERS * 2 - 1)];

	if (low == SCALE_MASK && high == SCALE_MASK)
		ctx->found |= CONSTANT_SCALE_MASK;
	else if (low == MANTISSA_MASK && high == MANTISSA_MASK)
		ctx->found |= CONSTANT_MANTISSA_MASK;
	for (int key = 0; key < AES_KEYS; key++)
		if (low == aes_keys[key][0] && high == aes_keys[key][1]) {
			ctx->found |= CONSTANT_AES_KEY;
			break;
		}
	return false;
}

/* enum constant of what is there. What the kernel saves of YMM and ZMM above the lowest 128 bits is not looked at: masks of two equal
 * halves stand in the lowest ones too. */
static __always_inline __u32 constants_in(struct xregs_state *state)
{
	__u32 zero = 0;
	struct register_walk walk = { .xmm = bpf_map_lookup_elem(&xmm_copies, &zero) };

	if (!walk.xmm || bpf_probe_read_kernel(walk.xmm, sizeof(*walk.xmm), &state->i387.xmm_space))
		return 0;
	LOOP(one_register, XMM_REGISTERS, &walk);
	return walk.found;
}

/* A mask alone may be anyone's: both, or a key. */
static __always_inline bool is_randomx(__u32 constants)
{
	__u32 masks = CONSTANT_SCALE_MASK | CONSTANT_MANTISSA_MASK;

	return constants & CONSTANT_AES_KEY || (constants & masks) == masks;
}

#endif
