/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A DFA walked over the shell-quoted, case-folded line without ever writing that line down.
 *
 * Whether an argument is quoted is known only at its end. So two states are kept within it, one for each case, and the
 * right one goes on. matcher/src/allow/walk.ts is the same walk in TypeScript. */
#ifndef CRYPTNONO_DFA_BPF_H
#define CRYPTNONO_DFA_BPF_H

#include "search.bpf.h"

struct dfa_walk {
	__u32 turns;
	__u32 stride_log2;
	__u32 first_cell;
	__u32 first_accept;
	__u32 from; /* in the buffer */
	__u32 end;
	struct search *s;
	struct allow_table *table;
	struct dfa *dfa;
};

static __always_inline void dfa_begin(struct dfa_walk *w, struct search *s, struct allow_table *table, struct dfa *dfa)
{
	w->s = s;
	w->table = table;
	w->dfa = dfa;
	w->stride_log2 = dfa->stride_log2 & 15;
	w->first_cell = dfa->first_cell;
	w->first_accept = dfa->first_accept;
}

static __always_inline __u32 dfa_next(struct dfa_walk *w, __u32 state, __u32 column)
{
	__u32 at = w->first_cell + (state << w->stride_log2) + column;

	barrier_var(at); /* or the mask goes into the sum, and verifiers like 6.1's lose sight of it there */
	return w->table->next[at & (ALLOW_CELLS - 1)];
}

static __always_inline __u32 dfa_step(struct dfa_walk *w, __u32 state, __u8 c)
{
	return dfa_next(w, state, w->dfa->kind_of[c] & 0xff);
}

static __always_inline void dfa_open(struct dfa_walk *w, __u32 state)
{
	struct allow_state *a = &w->s->allow;

	a->plain = state;
	a->quoted = dfa_step(w, state, '\'');
	a->unsafe = 0;
	a->empty = 1;
}

static __always_inline __u32 dfa_close(struct dfa_walk *w)
{
	struct allow_state *a = &w->s->allow;

	return a->unsafe || a->empty ? dfa_step(w, a->quoted, '\'') : a->plain;
}

/* One byte of an argument, without a branch. `plain` is dead once the argument needs quotes. */
static __always_inline void dfa_take(struct dfa_walk *w, __u8 c, __u32 *plain, __u32 *quoted, __u32 *unsafe)
{
	__u32 kind = w->dfa->kind_of[c], needs = kind >> DFA_UNSAFE_SHIFT;

	*quoted = dfa_next(w, *quoted, (kind >> DFA_QUOTED_SHIFT) & 0xff);
	*plain = dfa_next(w, *plain, kind & 0xff) & (needs - 1);
	*unsafe |= needs;
}

/* Eight bytes. */
LOOP_BODY(dfa_word, struct dfa_walk)
{
	struct allow_state *a = &ctx->s->allow;
	__u32 at = ctx->from + turn * 8, left = ctx->end - at;
	__u64 word;

	barrier_var(at);
	if (at > BUFFER_BYTES - 8)
		return 1;
	word = *(any_u64 *)(ctx->s->buffer + at);
	if (left >= 8 && !bytes_between(word, 0, 0)) {
		__u32 plain = a->plain, quoted = a->quoted, unsafe = a->unsafe;

#pragma unroll
		for (int i = 0; i < 8; i++, word >>= 8)
			dfa_take(ctx, word, &plain, &quoted, &unsafe);
		a->plain = plain;
		a->quoted = quoted;
		a->unsafe = unsafe;
		a->empty = 0;
	} else {
		for (__u32 i = 0; i < 8; i++, word >>= 8) {
			if (i >= left)
				break;
			if ((__u8)word) {
				dfa_take(ctx, word, &a->plain, &a->quoted, &a->unsafe);
				a->empty = 0;
			} else
				dfa_open(ctx, dfa_step(ctx, dfa_close(ctx), ' '));
		}
	}
	/* A dead state stays dead, and an accepting one goes on accepting: then no further byte counts. */
	a->decided = (a->unsafe || a->plain == a->quoted) && (a->quoted == 0 || a->quoted >= ctx->first_accept);
	return a->decided;
}

/* Walk over `length` bytes of the buffer. */
__attribute__((noinline)) int dfa_bytes(__u32 copy, __u32 from, __u32 length)
{
	struct search *s = search_state(copy);
	struct allow_table *table = s ? allow_table(s->slot) : NULL;
	struct dfa_walk walk = { .from = from, .end = from + length };

	if (!s || !table)
		return 0;
	dfa_begin(&walk, s, table, &table->dfa[s->allow.dfa & 1]);
	s->work += length * WORK_ALLOW_BYTE;
	LOOP(dfa_word, (length + 7) / 8, &walk);
	return 0;
}

#endif
