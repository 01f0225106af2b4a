/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Whether an allow pattern matches: the line, piece by piece, through the automata that hold the patterns of a set. */
#ifndef CRYPTNONO_ALLOW_BPF_H
#define CRYPTNONO_ALLOW_BPF_H

#include "dfa.bpf.h"
#include "nfa.bpf.h"

struct allow_reading {
	__u32 turns;
	__u32 by_bits;
	__u32 max_bytes;
	__u32 reserved;
	struct search *s;
};

/* A window of the arguments, read to behind the path's room: the path stays for the next walk. */
LOOP_BODY(allow_piece, struct allow_reading)
{
	struct search *s = ctx->s;
	struct allow_state *a = &s->allow;
	__u32 left = s->args_bytes - a->offset, room = ctx->max_bytes - (a->offset - a->rest);
	__u32 n = left > WINDOW_BYTES ? WINDOW_BYTES : left;

	if (left == 0)
		return 1;
	if (n > room)
		n = room;
	a->cut = n ? CUT_WORK : CUT_BOUND;
	barrier_var(n);
	if (n == 0 || n > WINDOW_BYTES || s->work > s->max_work)
		return 1;
	if (read_text(s, s->buffer + PATH_ROOM, n, a->offset))
		return 1;
	a->cut = CUT_NOT;
	if (ctx->by_bits)
		nfa_bytes(s->copy, PATH_ROOM, n);
	else
		dfa_bytes(s->copy, PATH_ROOM, n);
	a->offset += n;
	return a->decided || a->cut;
}

/* From the path, which has been walked over, on. A global function: verified once, by itself. */
__attribute__((noinline)) int read_line(struct search *s, __u32 max_bytes, __u32 by_bits)
{
	struct allow_reading reading = { .s = s, .max_bytes = max_bytes, .by_bits = by_bits };

	if (!s)
		return 0;
	s->allow.offset = s->allow.rest;
	if (!s->allow.decided && !s->allow.cut)
		LOOP(allow_piece, MAX_TURNS, &reading);
	return 0;
}

enum allow_result { ALLOW_NONE = 0, ALLOW_SPARED, ALLOW_OVER };

/* From `start` of a DFA; `pattern` is what it names. */
static __always_inline enum allow_result search_dfa(struct search *s, struct allow_table *table, __u32 which, __u32 start,
						     __u32 max_bytes)
{
	struct dfa *dfa = &table->dfa[which & 1];
	__u32 state = dfa->start[start & (4 * MAX_ALLOW_SETS - 1)], first = dfa->first_accept;
	struct dfa_walk walk = {};

	if (!state)
		return ALLOW_NONE;
	s->allow.dfa = which;
	s->allow.cut = CUT_NOT;
	s->allow.decided = 0;
	dfa_begin(&walk, s, table, dfa);
	dfa_open(&walk, state);
	dfa_bytes(s->copy, 0, s->allow.path_bytes);
	read_line(s, max_bytes, false);
	state = dfa_close(&walk);
	if (s->allow.cut) {
		/* Two patterns may wait to see which of them is named: one of them it is. */
		if (s->allow.plain < first || s->allow.quoted < first)
			return ALLOW_OVER;
		state = s->allow.plain;
	}
	state = dfa_next(&walk, state, dfa->end_class);
	if (state < first)
		return ALLOW_NONE;
	s->allow.pattern = table->names[(dfa->first_name + state - first) & (ALLOW_NAMES - 1)];
	return ALLOW_SPARED;
}

/* Whether a string of a place, an action and an allow set stands in the quoted line, whose piece was found. */
__attribute__((noinline)) int quoted_search(__u32 copy, __u32 start)
{
	struct search *s = search_state(copy);
	struct allow_table *table = s ? allow_table(s->slot) : NULL;

	return s && table ? search_dfa(s, table, DFA_QUOTED, start, ~0U) : ALLOW_NONE;
}

/* Which pattern has matched at the line's end. A walk that ended before it names one that has matched whatever follows: there the
 * end of the line does not stand, and \b or $ before it say nothing. */
static __always_inline enum allow_result nfa_result(struct nfa_walk *w)
{
	struct search *s = w->s;
	bool cut = s->allow.cut, ended = !cut && !s->allow.decided;
	__u32 which = cut && !s->allow.unsafe ? PLAIN : QUOTED;

	if (cut && (!nfa_any_final(w, QUOTED) || !(s->allow.unsafe || nfa_any_final(w, PLAIN))))
		return ALLOW_OVER;
	if (ended)
		nfa_close(w);
	for (__u32 i = 0; i < NFA_BLOCK_WORDS; i++) {
		__u32 at = w->s->nfa.first_word * NFA_CLASSES + w->nfa->end_class * w->s->nfa.words + i;
		__u64 matched;

		if (i >= w->s->nfa.words)
			break;
		barrier_var(at);
		matched = ended ? w->nfa->row[at & (NFA_CLASSES * NFA_WORDS - 1)].read : nfa_final(w, i);
		matched &= s->nfa.bits[which][i];
		if (!ended && !cut && !s->allow.unsafe)
			matched &= s->nfa.bits[PLAIN][i];
		if (!matched)
			continue;
		at = (w->s->nfa.first_word + i) * 64 + lowest_bit(matched);
		barrier_var(at);
		s->allow.pattern = w->nfa->pattern_of[at & (NFA_WORDS * 64 - 1)];
		return ALLOW_SPARED;
	}
	return ALLOW_NONE;
}

/* A global function, as the next one: verified once, by itself. */
/* Before and after the walk over a line, each by itself: what they keep on the stack is gone while the walk needs it. */
__attribute__((noinline)) int nfa_start(__u32 copy, __u32 set, __u32 block)
{
	struct search *s = search_state(copy);
	struct allow_table *table = s ? allow_table(s->slot) : NULL;
	struct nfa_walk walk = { .s = s };

	if (!s || !table)
		return 0;
	walk.nfa = &table->nfa;
	nfa_begin(&s->nfa, &table->nfa.block[block & (NFA_BLOCKS - 1)]);
	s->allow.cut = CUT_NOT;
	s->allow.decided = 0;
	for (__u32 i = 0; i < NFA_BLOCK_WORDS; i++) {
		__u32 at = set * NFA_WORDS + s->nfa.first_word + i;

		barrier_var(at);
		s->nfa.bits[QUOTED][i] = i < s->nfa.words ? table->nfa.start[at & (MAX_ALLOW_SETS * NFA_WORDS - 1)] : 0;
	}
	nfa_open(&walk);
	return 0;
}

__attribute__((noinline)) int nfa_end(__u32 copy)
{
	struct search *s = search_state(copy);
	struct allow_table *table = s ? allow_table(s->slot) : NULL;
	struct nfa_walk walk = { .s = s };

	if (!s || !table)
		return ALLOW_NONE;
	walk.nfa = &table->nfa;
	return nfa_result(&walk);
}

/* The pattern that was found spares what was found of the set. */
static __always_inline void spare_set(struct search *s, __u32 set)
{
	s->allow.spared_sets |= 1U << set;
	s->allow.patterns[set] = s->allow.pattern;
}

static __always_inline void tell_cut(struct search *s)
{
	s->flags |= EVENT_ALLOW_CUT;
	s->look_again |= s->allow.cut == CUT_WORK;
}

/* Whether a pattern of `set` matches the line. ALLOW_OVER: the line is longer than patterns are followed; nobody can say. */
__attribute__((noinline)) int allow_search(__u32 copy, __u32 set)
{
	struct search *s = search_state(copy);
	struct filters *f = s ? search_filters(s->slot) : NULL;
	struct allow_table *table = s ? allow_table(s->slot) : NULL;
	int result;

	if (!s || !f || !table)
		return ALLOW_NONE;
	set &= MAX_ALLOW_SETS - 1;
	result = search_dfa(s, table, DFA_PATTERNS, set, f->policy.max_allow_bytes);
	if (result == ALLOW_SPARED)
		spare_set(s, set);
	if (result == ALLOW_OVER)
		tell_cut(s);
	return result;
}

/* The same for the patterns that are walked as bits. Beside the other and not within it: their walks need all of the stack. */
__attribute__((noinline)) int nfa_search(__u32 copy, __u32 set)
{
	struct search *s = search_state(copy);
	struct filters *f = s ? search_filters(s->slot) : NULL;
	struct allow_table *table = s ? allow_table(s->slot) : NULL;

	if (!s || !f || !table)
		return ALLOW_NONE;
	set &= MAX_ALLOW_SETS - 1;
#pragma clang loop unroll(disable)
	for (__u64 block = 0; block < NFA_BLOCKS; block++) {
		int result;

		barrier_var(block); /* 64 bits wide, and kept so: search.bpf.h, filter_some_chunks */
		if (block >= NFA_BLOCKS)
			break;
		if (!((table->nfa.block[block].sets >> set) & 1))
			continue;
		nfa_start(copy, set, block);
		nfa_bytes(copy, 0, s->allow.path_bytes);
		read_line(s, f->policy.max_allow_bytes, true);
		result = nfa_end(copy);
		if (result == ALLOW_SPARED) {
			spare_set(s, set);
			return ALLOW_SPARED;
		}
		if (result == ALLOW_OVER)
			tell_cut(s);
	}
	return ALLOW_NONE;
}

#endif
