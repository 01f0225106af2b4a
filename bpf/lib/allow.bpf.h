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
	__u32 quote_class;
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
	return allow_next(w, state, w->table->class_of[c]);
}

/* Bytes that Python's shlex leaves unquoted. */
static __always_inline bool shell_safe(__u8 c)
{
	return is_word(c) || c == '@' || c == '%' || c == '+' || c == '=' || c == ':' || c == ',' || c == '.' || c == '/' ||
	       c == '-';
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
	__u8 c = buffer_byte(ctx->s, turn);

	if (c == 0) {
		allow_open(ctx, allow_step(ctx, allow_close(ctx), ' '));
		return 0;
	}
	a->empty = 0;
	if (c >= 'A' && c <= 'Z')
		c += 0x20;
	if (c == '\'') {
		a->quoted = allow_next(ctx, a->quoted, ctx->quote_class);
		a->unsafe = 1;
		return 0;
	}
	a->quoted = allow_step(ctx, a->quoted, c);
	a->plain = allow_step(ctx, a->plain, c);
	if (!shell_safe(c))
		a->unsafe = 1;
	return a->plain == 0 && a->quoted == 0;
}

static __always_inline struct allow_table *allow_table(__u32 slot)
{
	__u32 zero = 0;
	void *map = bpf_map_lookup_elem(&allow_slots, &slot);

	return map ? bpf_map_lookup_elem(map, &zero) : NULL;
}

/* Walk over the first `length` bytes of the buffer. */
__attribute__((noinline)) int allow_bytes(__u32 copy, __u32 length)
{
	struct search *s = search_state(copy);
	struct filters *f = s ? search_filters(s->slot) : NULL;
	struct allow_walk walk = { .s = s };

	if (!s || !f)
		return 0;
	walk.table = allow_table(s->slot);
	if (!walk.table)
		return 0;
	walk.stride_log2 = f->policy.allow_stride_log2;
	walk.quote_class = f->policy.allow_quote_class;
	LOOP(allow_byte, length, &walk);
	return 0;
}

LOOP_BODY(allow_piece, struct allow_walk)
{
	struct search *s = ctx->s;
	struct allow_state *a = &s->allow;
	__u32 left = s->args_bytes - a->offset;
	__u32 n = left > WINDOW_BYTES ? WINDOW_BYTES : left;

	barrier_var(n);
	if (n == 0 || n > WINDOW_BYTES)
		return 1;
	if (bpf_probe_read_user(s->buffer, n, (void *)(s->args + a->offset))) {
		a->unreadable = 1;
		return 1;
	}
	allow_bytes(s->copy, n);
	a->offset += n;
	return (a->plain == 0 && a->quoted == 0) || n == left;
}

enum allow_result { ALLOW_NONE = 0, ALLOW_SPARED, ALLOW_UNKNOWN };

/* The path lies at the start of the buffer, `path_bytes` long; the line goes on at `rest` in the argument area (at the NUL
 * before the first argument that counts, or at the area's end). */
static __always_inline enum allow_result allow_search(struct search *s, struct filters *f, __u32 path_bytes, __u32 rest,
						      __u32 *pattern)
{
	struct allow_walk walk = { .s = s, .table = allow_table(s->slot), .stride_log2 = f->policy.allow_stride_log2 };
	__u32 state, first = f->policy.allow_first_accept;

	if (!walk.table || s->args_bytes - rest > MAX_ALLOW_BYTES)
		return ALLOW_UNKNOWN;
	s->allow.offset = rest;
	s->allow.unreadable = 0;
	allow_open(&walk, f->policy.allow_start);
	allow_bytes(s->copy, path_bytes);
	LOOP(allow_piece, MAX_TURNS, &walk);
	if (s->allow.unreadable)
		return ALLOW_UNKNOWN;
	state = allow_next(&walk, allow_close(&walk), f->policy.allow_end_class);
	if (state < first)
		return ALLOW_NONE;
	*pattern = walk.table->accepts[(state - first) & (ALLOW_MAX_STATES - 1)];
	return ALLOW_SPARED;
}

#endif
