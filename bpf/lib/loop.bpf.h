/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A bounded loop whose body is verified once, on every kernel we run on.
 *
 * e6f2dd0f8067 "bpf: Add bpf_loop helper", v5.17. Before it, walking an array map with bpf_for_each_map_elem (v5.13) does
 * the same at a few ns more a turn. The choice is made by CO-RE before the verifier looks. */
#ifndef CRYPTNONO_LOOP_BPF_H
#define CRYPTNONO_LOOP_BPF_H

#include "kernel.bpf.h"

/* Most turns that the older kernels' loop can make: a window byte by byte (allow.bpf.h), the longest loop there is. */
#define MAX_TURNS 16384

/* Set before load, to have the older loop tested on a newer kernel. */
const volatile bool without_bpf_loop = false;

/* Never read or written: only its length counts. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_TURNS);
	__type(key, __u32);
	__type(value, __u8);
} turns SEC(".maps");

/* LOOP_BODY(name, type) { ... } defines a body with `u32 turn` and `type *ctx` in scope; it returns true to leave the loop.
 * The type's first field is `__u32 turns`, the number of turns, for the loop that cannot be told otherwise. */
#define LOOP_BODY(name, type)                                                                                          \
	static __always_inline bool name##_body(__u32 turn, type *ctx);                                                \
	static long name(__u32 turn, type *ctx)                                                                        \
	{                                                                                                              \
		return name##_body(turn, ctx);                                                                         \
	}                                                                                                              \
	static long name##_each(void *map, __u32 *key, void *value, type *ctx)                                         \
	{                                                                                                              \
		__u32 turn = *key;                                                                                     \
		if (turn >= ctx->turns)                                                                                \
			return 1;                                                                                      \
		return name##_body(turn, ctx);                                                                         \
	}                                                                                                              \
	static __always_inline bool name##_body(__u32 turn, type *ctx)

#define LOOP(name, count, ctx)                                                                                         \
	do {                                                                                                           \
		(ctx)->turns = (count);                                                                                \
		if (!without_bpf_loop && bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_loop))                  \
			bpf_loop((ctx)->turns, name, ctx, 0);                                                          \
		else                                                                                                   \
			bpf_for_each_map_elem(&turns, name##_each, ctx, 0);                                            \
	} while (0)

/* The verifier knows no more what `state`, on the stack, holds. Before ab5cfac139ab "bpf: verify callbacks as if they are called unknown
 * number of times", v6.7, a loop's body is verified once, with the stack as it is before the first turn, and what follows with the
 * stack as it is after it: a branch that these cannot take is removed. What counts or collects from turn to turn must not be known. */
static __always_inline void forget(void *state, __u32 bytes)
{
	bpf_probe_read_kernel(state, bytes, state);
}

#endif
