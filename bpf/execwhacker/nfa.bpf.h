/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Patterns whose automaton has no table, walked as bits over the shell-quoted, case-folded line. The line is read as in
 * allow.bpf.h; matcher/src/allow/walk-nfa.ts is the same walk in TypeScript. */
#ifndef CRYPTNONO_NFA_BPF_H
#define CRYPTNONO_NFA_BPF_H

#include "search.bpf.h"

#define PLAIN 0
#define QUOTED 1

struct nfa_walk {
	__u32 turns;
	__u32 from; /* in the buffer */
	struct search *s;
	struct nfa *nfa;
};

/* One byte, of `class`. A global function: verified once, by itself. Pointers
 * into maps can be its arguments: e5069b9c23b3 "bpf: Support pointers in global func args", v5.13. */
__attribute__((noinline)) int nfa_step(struct nfa *nfa, struct nfa_state *n, __u32 class)
{
	__u64 carry = 0, carry_plain = 0;
	__u32 at, word;

	if (!nfa || !n)
		return 0;
	at = n->first_word * NFA_CLASSES + class * n->words;
	word = n->first_word;
	for (__u32 i = 0; i < NFA_BLOCK_WORDS; i++, at++, word++) {
		__u64 stay, read, shift, shifted;
		struct nfa_row *row;

		if (i >= n->words)
			break;
		barrier_var(at);
		row = &nfa->row[at & (NFA_CLASSES * NFA_WORDS - 1)];
		stay = row->stay;
		read = row->read;
		shift = nfa->shift[word & (NFA_WORDS - 1)];
		n->read[QUOTED][i] = n->bits[QUOTED][i] & read;
		shifted = n->read[QUOTED][i] & shift;
		n->bits[QUOTED][i] = (n->bits[QUOTED][i] & stay) | (shifted << 1) | carry;
		carry = shifted >> 63;
		n->read[PLAIN][i] = n->bits[PLAIN][i] & read;
		shifted = n->read[PLAIN][i] & shift;
		n->bits[PLAIN][i] = (n->bits[PLAIN][i] & stay) | (shifted << 1) | carry_plain;
		carry_plain = shifted >> 63;
	}
	for (__u32 i = 0; i < NFA_BLOCK_EDGES; i++) {
		__u32 from_word, to_word;
		struct nfa_edge *edge;
		__u64 read;

		if (i >= n->edges)
			break;
		edge = &nfa->edge[(n->first_edge + i) & (NFA_EDGES - 1)];
		from_word = edge->from_word & (NFA_BLOCK_WORDS - 1);
		to_word = edge->to_word & (NFA_BLOCK_WORDS - 1);
		/* All ones if any bit is, without a branch. */
		read = n->read[QUOTED][from_word] & edge->from;
		n->bits[QUOTED][to_word] |= edge->to & ((__s64)(read | -read) >> 63);
		read = n->read[PLAIN][from_word] & edge->from;
		n->bits[PLAIN][to_word] |= edge->to & ((__s64)(read | -read) >> 63);
	}
	return 0;
}

static __always_inline void nfa_take(struct nfa_walk *w, __u32 class)
{
	nfa_step(w->nfa, &w->s->nfa, class);
}

static __always_inline __u32 nfa_class(struct nfa_walk *w, __u8 c)
{
	return w->nfa->kind_of[c] & 0xff;
}

static __always_inline void nfa_copy(__u64 *to, const __u64 *from)
{
#pragma unroll
	for (int i = 0; i < NFA_BLOCK_WORDS; i++)
		to[i] = from[i];
}

/* Close the argument: the line's bits are QUOTED's then. */
static __always_inline void nfa_close(struct nfa_walk *w)
{
	struct nfa_state *n = &w->s->nfa;

	if (w->s->allow.unsafe || w->s->allow.empty)
		nfa_take(w, nfa_class(w, '\''));
	else
		nfa_copy(n->bits[QUOTED], n->bits[PLAIN]);
}

/* Open one where QUOTED's bits stand. */
static __always_inline void nfa_open(struct nfa_walk *w)
{
	struct nfa_state *n = &w->s->nfa;

	nfa_copy(n->line, n->bits[QUOTED]);
	nfa_take(w, nfa_class(w, '\''));
	nfa_copy(n->bits[PLAIN], n->line);
	w->s->allow.unsafe = 0;
	w->s->allow.empty = 1;
}

/* Which bit of `v`, which has one, is the lowest that is set: how many are below it. */
static __always_inline __u32 lowest_bit(__u64 v)
{
	v = (v & -v) - 1;
	v -= (v >> 1) & 0x5555555555555555ULL;
	v = (v & 0x3333333333333333ULL) + ((v >> 2) & 0x3333333333333333ULL);
	v = (v + (v >> 4)) & EACH_BYTE(0x0f);
	return (v * EACH_BYTE(1)) >> 56;
}

static __always_inline __u64 nfa_final(struct nfa_walk *w, __u32 word)
{
	return w->nfa->final[(w->s->nfa.first_word + word) & (NFA_WORDS - 1)];
}

static __always_inline bool nfa_any_final(struct nfa_walk *w, __u32 which)
{
	__u64 any = 0;

#pragma unroll
	for (int i = 0; i < NFA_BLOCK_WORDS; i++)
		any |= w->s->nfa.bits[which][i] & nfa_final(w, i);
	return any;
}

/* Whether no further byte counts: neither has a bit left, or a pattern has matched whatever the argument turns out to be. */
static __always_inline bool nfa_decided(struct nfa_walk *w)
{
	struct nfa_state *n = &w->s->nfa;
	__u64 any = 0, matched = 0;

#pragma unroll
	for (int i = 0; i < NFA_BLOCK_WORDS; i++) {
		any |= n->bits[PLAIN][i] | n->bits[QUOTED][i];
		matched |= n->bits[QUOTED][i] & nfa_final(w, i) & (w->s->allow.unsafe ? ~0ULL : n->bits[PLAIN][i]);
	}
	return !any || matched;
}

/* How often it is asked whether the walk may end. */
#define NFA_LOOK_EVERY 32

LOOP_BODY(nfa_byte, struct nfa_walk)
{
	struct search *s = ctx->s;
	struct allow_state *a = &s->allow;
	__u8 c = buffer_byte(s, ctx->from + turn);
	__u32 kind = ctx->nfa->kind_of[c];

	s->work += s->nfa.work;
	if (c == 0) {
		nfa_close(ctx);
		nfa_take(ctx, nfa_class(ctx, ' '));
		nfa_open(ctx);
		s->work += s->nfa.work;
	} else {
		a->empty = 0;
		if (kind >> DFA_UNSAFE_SHIFT && !a->unsafe) {
			a->unsafe = 1;
#pragma unroll
			for (int i = 0; i < NFA_BLOCK_WORDS; i++)
				s->nfa.bits[PLAIN][i] = 0;
		}
		nfa_take(ctx, kind & 0xff);
		if (c == '\'') {
			for (__u32 i = 0; i < 4; i++)
				nfa_take(ctx, i & 1 ? kind & 0xff : nfa_class(ctx, '"'));
			s->work += 2 * s->nfa.work;
		}
	}
	if (s->work > s->max_work) {
		a->cut = CUT_WORK;
		return 1;
	}
	if (turn % NFA_LOOK_EVERY == 0)
		a->decided = nfa_decided(ctx);
	return a->decided;
}

static __always_inline void nfa_begin(struct nfa_state *n, struct nfa_block *b)
{
	n->first_word = b->first_word;
	n->words = b->words;
	n->first_edge = b->first_edge;
	n->edges = b->edges;
	n->work = b->work;
}

/* Walk over `length` bytes of the buffer. */
__attribute__((noinline)) int nfa_bytes(__u32 copy, __u32 from, __u32 length)
{
	struct search *s = search_state(copy);
	struct allow_table *table = s ? allow_table(s->slot) : NULL;
	struct nfa_walk walk = { .from = from, .s = s };

	if (!s || !table)
		return 0;
	walk.nfa = &table->nfa;
	LOOP(nfa_byte, length, &walk);
	return 0;
}

#endif
