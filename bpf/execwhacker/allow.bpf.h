/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The allow automaton, walked over the shell-quoted, case-folded line without ever writing that line down.
 *
 * Whether an argument is quoted is known only at its end. So two states are kept within it, one for each case, and the
 * right one goes on. matcher/src/allow has the same walk in TypeScript. */
#ifndef CRYPTNONO_ALLOW_BPF_H
#define CRYPTNONO_ALLOW_BPF_H

#include "search.bpf.h"

struct allow_walk {
	__u32 turns;
	__u32 stride_log2;
	__u32 first_accept;
	__u32 from; /* in the buffer */
	__u32 max_bytes;
	struct search *s;
	struct allow_table *table;
};

static __always_inline __u32 allow_next(struct allow_walk *w, __u32 state, __u32 class)
{
	__u32 at = (state << (w->stride_log2 & 15)) | class;

	barrier_var(at); /* or the mask goes into the «or», and verifiers like 6.1's lose sight of it there */
	return w->table->next[at & (ALLOW_NEXT_ENTRIES - 1)];
}

static __always_inline __u32 allow_step(struct allow_walk *w, __u32 state, __u8 c)
{
	return allow_next(w, state, w->table->kind_of[c] & 0xff);
}

static __always_inline void allow_open(struct allow_walk *w, __u32 state)
{
	struct allow_state *a = &w->s->allow;

	a->plain = state;
	a->quoted = allow_step(w, state, '\'');
	a->unsafe = 0;
	a->empty = 1;
}

static __always_inline __u32 allow_close(struct allow_walk *w)
{
	struct allow_state *a = &w->s->allow;

	return a->unsafe || a->empty ? allow_step(w, a->quoted, '\'') : a->plain;
}

LOOP_BODY(allow_byte, struct allow_walk)
{
	struct allow_state *a = &ctx->s->allow;
	__u8 c = buffer_byte(ctx->s, ctx->from + turn);
	__u32 kind = ctx->table->kind_of[c];

	if (c == 0) {
		allow_open(ctx, allow_step(ctx, allow_close(ctx), ' '));
		return 0;
	}
	a->empty = 0;
	a->quoted = allow_next(ctx, a->quoted, c == '\'' ? ctx->table->quote_class : kind & 0xff);
	if (kind & ALLOW_UNSAFE) {
		a->unsafe = 1;
		a->plain = 0;
	} else
		a->plain = allow_next(ctx, a->plain, kind & 0xff);
	/* A dead state stays dead, and an accepting one goes on accepting: then no further byte counts. */
	a->decided = (a->unsafe || a->plain == a->quoted) && (a->quoted == 0 || a->quoted >= ctx->first_accept);
	return a->decided;
}

static __always_inline struct allow_table *allow_table(__u32 slot)
{
	__u32 zero = 0;
	void *map = bpf_map_lookup_elem(&allow_slots, &slot);

	return map ? bpf_map_lookup_elem(map, &zero) : NULL;
}

/* Walk over `length` bytes of the buffer. */
__attribute__((noinline)) int allow_bytes(__u32 copy, __u32 from, __u32 length)
{
	struct search *s = search_state(copy);
	struct allow_walk walk = { .s = s, .from = from };

	if (!s)
		return 0;
	walk.table = allow_table(s->slot);
	if (!walk.table)
		return 0;
	walk.stride_log2 = walk.table->stride_log2;
	walk.first_accept = walk.table->first_accept;
	s->work += length * WORK_ALLOW_BYTE;
	LOOP(allow_byte, length, &walk);
	return 0;
}

/* A window of the arguments, read to behind the path's room: the path stays for the next set. */
LOOP_BODY(allow_piece, struct allow_walk)
{
	struct search *s = ctx->s;
	struct allow_state *a = &s->allow;
	__u32 left = s->args_bytes - a->offset, room = ctx->max_bytes - (a->offset - a->rest);
	__u32 n = left > WINDOW_BYTES ? WINDOW_BYTES : left;

	if (left == 0)
		return 1;
	if (n > room)
		n = room;
	a->cut = 1;
	barrier_var(n);
	if (n == 0 || n > WINDOW_BYTES || s->work > s->max_work)
		return 1;
	if (bpf_probe_read_user(s->buffer + PATH_ROOM, n, (void *)(s->args + a->offset)))
		return 1;
	a->cut = 0;
	allow_bytes(s->copy, PATH_ROOM, n);
	a->offset += n;
	return a->decided;
}

enum allow_result { ALLOW_NONE = 0, ALLOW_SPARED, ALLOW_OVER };

/* Whether a pattern of `set` matches the line. ALLOW_OVER: the line is longer than patterns are followed; nobody can say. */
__attribute__((noinline)) int allow_search(__u32 copy, __u32 set)
{
	struct search *s = search_state(copy);
	struct filters *f = s ? search_filters(s->slot) : NULL;
	struct allow_walk walk = { .s = s };
	__u32 state, first;

	if (!s || !f)
		return ALLOW_NONE;
	walk.table = allow_table(s->slot);
	if (!walk.table)
		return ALLOW_NONE;
	walk.stride_log2 = walk.table->stride_log2;
	walk.max_bytes = f->policy.max_allow_bytes;
	s->allow.offset = s->allow.rest;
	s->allow.cut = s->allow.decided = 0;
	allow_open(&walk, walk.table->start[set & (MAX_ALLOW_SETS - 1)]);
	allow_bytes(copy, 0, s->allow.path_bytes);
	if (!s->allow.decided)
		LOOP(allow_piece, MAX_TURNS, &walk);
	first = walk.table->first_accept;
	state = allow_close(&walk);
	if (s->allow.cut) {
		/* Two patterns may wait to see which of them is named: one of them it is. */
		if (s->allow.plain < first || s->allow.quoted < first) {
			s->flags |= EVENT_ALLOW_CUT;
			return ALLOW_OVER;
		}
		state = s->allow.plain;
	}
	state = allow_next(&walk, state, walk.table->end_class);
	if (state < first)
		return ALLOW_NONE;
	s->allow.pattern = walk.table->accepts[(state - first) & (ALLOW_MAX_STATES - 1)];
	return ALLOW_SPARED;
}

#endif
