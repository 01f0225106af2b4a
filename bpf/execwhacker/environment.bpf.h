/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The environment, searched as arguments are: by the search for strings and by that for wallets, in tables that hold what is looked
 * for there and nothing else. Of what was found the match is told and the variable's name; of the environment nothing else. */
#ifndef CRYPTNONO_ENVIRONMENT_BPF_H
#define CRYPTNONO_ENVIRONMENT_BPF_H

#include "event.bpf.h"
#include "wallets.bpf.h"

/* As find_scopes wants them; `slot` is the list's. */
static __always_inline __u32 environment_policy_flags(__u32 slot)
{
	struct filters *f = search_filters(slot + ENVIRONMENT_SLOTS);

	return (f ? f->policy.flags : 0) | wallets_policy_flags(slot + ENVIRONMENT_SLOTS);
}

/* `slot`, `text` and `args_bytes` of the state are the environment's. What is not searched to its end is counted. */
static __always_inline void search_environment(__u32 copy)
{
	struct search *s = search_state(copy);
	struct filters *f = s ? search_filters(s->slot) : NULL;
	bool cut = false;

	if (!s)
		return;
	s->has_told = s->has_out_of_scope = s->has_members = s->stop = s->in_true_path = 0;
	s->found_sets[ACTION_ENFORCE] = s->found_sets[ACTION_AUDIT] = 0;
	s->found_sets[ACTION_QUOTED_ENFORCE] = s->found_sets[ACTION_QUOTED_AUDIT] = 0;
	/* No list has anything for it. */
	if (!f)
		return;
	if (f->policy.flags & (POLICY_FILTER_A | POLICY_FILTER_B | POLICY_FILTER_C)) {
		__builtin_memset(s->members, 0, sizeof(s->members));
		s->path_bytes = 0;
		search_windows(s, f);
		find_rules(s, f);
		cut = !s->last_window;
	}
	if (!s->stop)
		search_wallets(copy);
	if (s->flags & EVENT_UNREADABLE)
		count(COUNTER_ENVIRONMENT_UNREADABLE);
	else if (!(s->found_sets[ACTION_ENFORCE] & 1) && (cut || s->work > s->max_work))
		count(COUNTER_ENVIRONMENT_OVER_LONG);
}

/* ---- what is told ---- */

#define VARIABLE_PIECE_BYTES 64
/* linux include/uapi/linux/binfmts.h, MAX_ARG_STRLEN: the longest variable. */
#define VARIABLE_PIECES (131072 / VARIABLE_PIECE_BYTES + 1)

/* For the verifier of 6.1: a bound that is compared may be made one with the comparison before it, and is none of the number then. */
static __always_inline __u64 bounded(__u64 number, __u64 mask)
{
	barrier_var(number);
	return number & mask;
}

struct variable_walk {
	__u32 turns;
	__u32 at; /* everything from here to the match is the variable's */
	__u32 found; /* and it begins here */
	__u32 reserved;
	struct search *s;
};

/* 64 bytes backward, to the NUL that ends the variable before. */
LOOP_BODY(variable_piece, struct variable_walk)
{
	struct search *s = ctx->s;
	__u32 n = ctx->at < VARIABLE_PIECE_BYTES ? ctx->at : VARIABLE_PIECE_BYTES, from = ctx->at - n, found = 0;
	__u64 ends;

	if (n == 0) {
		ctx->found = 1;
		return 1;
	}
	n = bounded(n, 2 * VARIABLE_PIECE_BYTES - 1);
	if (bpf_probe_read_user(s->buffer, n, (void *)(s->environment + from)))
		return 1;
	*(any_u64 *)(s->buffer + n) = ~0ULL;
#pragma unroll
	for (int i = 0; i < VARIABLE_PIECE_BYTES; i += 8) {
		ends = i < n ? bytes_between(*(any_u64 *)(s->buffer + i), 0, 0) : 0;
		if (ends)
			found = i + highest_byte(ends) + 1;
	}
	if (found) {
		ctx->at = from + found;
		ctx->found = 1;
		return 1;
	}
	ctx->at = from;
	return 0;
}

/* How long a name begins in the buffer, where `most` bytes and then others lie: up to an equals sign; 0 for none. */
static __always_inline __u32 name_bytes(struct search *s, __u32 most)
{
	__u32 length = 0;

#pragma unroll
	for (int i = MAX_VARIABLE_BYTES - 8; i >= 0; i -= 8) {
		__u64 equals = bytes_between(*(any_u64 *)(s->buffer + i), '=', '=');

		if (equals)
			length = i + lowest_byte(equals);
	}
	return length < most ? length : 0;
}

/* The name of the variable that the match stands in, as far as that is known, a NUL, and the match: behind the event's arguments, as
 * its context. A global function: verified once, by itself. */
__attribute__((noinline)) int add_variable(__u32 copy)
{
	struct event_buffer *b = event_buffer(copy);
	struct search *s = search_state(copy);
	struct variable_walk walk = { .s = s };
	__u32 n, name = 0, match;

	if (!b || !s || !s->has_told)
		return 0;
	walk.at = s->told.match_offset;
	forget(&walk.at, sizeof(walk.at) + sizeof(walk.found));
	LOOP(variable_piece, VARIABLE_PIECES, &walk);
	n = s->told.match_offset - walk.at;
	if (n > MAX_VARIABLE_BYTES)
		n = MAX_VARIABLE_BYTES;
	if (walk.found && n &&
	    !bpf_probe_read_user(s->buffer, bounded(n, 2 * MAX_VARIABLE_BYTES - 1), (void *)(s->environment + walk.at)))
		name = name_bytes(s, n);
	if (name && bpf_probe_read_kernel(event_room(b), bounded(name, MAX_VARIABLE_BYTES - 1), s->buffer))
		name = 0;
	b->used += name;
	*event_room(b) = 0;
	b->used++;
	b->event.context_offset = name;
	b->event.context_bytes = name + 1;
	match = s->told.string_bytes;
	if (match && match <= MAX_STRING_BYTES &&
	    !bpf_probe_read_user(event_room(b), bounded(match, 2 * MAX_STRING_BYTES - 1),
				 (void *)(s->environment + s->told.match_offset))) {
		b->used += match;
		b->event.context_bytes += match;
	}
	return 0;
}

#endif
