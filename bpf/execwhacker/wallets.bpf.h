/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Addresses of wallets among a process's arguments. A run of letters and digits of an address's length is found by strides of the
 * shortest one: a line without such a run costs a few loads. What has the length is decoded and its sum checked
 * (wallet-sums.bpf.h). What is found goes where strings go, and is judged as they are. */
#ifndef CRYPTNONO_WALLETS_BPF_H
#define CRYPTNONO_WALLETS_BPF_H

#include "scope.bpf.h"
#include "search.bpf.h"
#include "wallet-sums.bpf.h"

/* Slots as in maps.bpf.h. */
struct wallets_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct wallet_table));
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2 + ENVIRONMENT_SLOTS);
	__type(key, __u32);
	__array(values, struct wallets_map);
} wallets_slots SEC(".maps");

static __always_inline struct wallet_table *wallet_table(__u32 slot)
{
	__u32 zero = 0;
	void *map = bpf_map_lookup_elem(&wallets_slots, &slot);

	return map ? bpf_map_lookup_elem(map, &zero) : NULL;
}

/* As find_scopes wants them. */
static __always_inline __u32 wallets_policy_flags(__u32 slot)
{
	struct wallet_table *t = wallet_table(slot);

	return t && t->is_scoped ? POLICY_SCOPES : 0;
}

/* ---- a run that has the length of an address ---- */

struct kind_walk {
	__u32 turns;
	__u32 copy;
	struct search *s;
	struct wallet_state *w;
	struct wallet_table *t;
};

static __always_inline bool may_be_kind(struct wallet_state *w, struct wallet_kind *kind)
{
	__u32 encoding = kind->encoding, letters;

	if (w->chars < kind->least_chars || w->chars > kind->most_chars)
		return false;
	if (encoding <= WALLET_BASE58CHECK)
		return (w->decoded >> (encoding & 1)) & 1 && w->prefix[encoding & 1] == kind->prefix &&
		       w->bytes[encoding & 1] == kind->bytes;
	letters = kind->bytes;
	return (w->letters & low_bytes(letters)) == kind->prefix && w->text[letters & MAX_WALLET_CHARS] == '1';
}

LOOP_BODY(want_kind, struct kind_walk)
{
	struct wallet_kind *kind = &ctx->t->kinds[turn & (MAX_WALLET_KINDS - 1)];

	if (!may_be_kind(ctx->w, kind))
		return 0;
	ctx->w->wanted |= 1U << (kind->encoding & 3);
	if (kind->encoding > WALLET_BASE58CHECK)
		ctx->w->hrp_chars = kind->bytes;
	return 0;
}

/* Where an argument ends there is a NUL; where the area does, the buffer has one. */
static __always_inline bool is_whole(struct search *s, struct wallet_state *w, __u32 mode)
{
	__u32 at = w->at;
	__u8 before = at == s->args_start ? 0 : buffer_byte(s, at - 1);

	return (!before || (mode == MODE_EXACT_VALUE && before == '=')) && !buffer_byte(s, at + w->chars);
}

/* The first of each action and allow set is kept, as of strings. */
LOOP_BODY(add_kind, struct kind_walk)
{
	struct wallet_kind *kind = &ctx->t->kinds[turn & (MAX_WALLET_KINDS - 1)];
	struct wallet_state *w = ctx->w;
	struct search *s = ctx->s;
	__u32 action = kind->action & 1, set = kind->allow_set & (MAX_ALLOW_SETS - 1);
	__u32 scope = kind->scope & 15;
	bool is_in_scope;
	struct find *find;

	if (!((w->valid >> (kind->encoding & 3)) & 1) || !may_be_kind(w, kind))
		return 0;
	if (action == ACTION_ENFORCE && is_demoted(s, kind->string_id))
		action = ACTION_AUDIT;
	if ((s->found_sets[action] >> set) & 1)
		return 0;
	is_in_scope = (s->scopes >> scope) & 1;
	if (!is_in_scope && !((s->unknown_scopes >> scope) & 1))
		return 0;
	if (kind->mode >= MODE_EXACT_ARGUMENT && !is_whole(s, w, kind->mode))
		return 0;
	if (!is_in_scope && !is_told_out_of_scope(s, scope))
		return 0;
	if (is_in_scope)
		s->found_sets[action] |= 1U << set;
	find = is_in_scope ? &s->found[action][set] : &s->out_of_scope;
	find->string_id = kind->string_id;
	find->string_bytes = w->chars;
	find->match_in_path = 0;
	find->match_offset = s->window_offset + (w->at - s->args_start);
	if (is_in_scope && action == ACTION_ENFORCE && set == 0)
		s->stop = 1;
	return 0;
}

static __always_inline bool has_length(struct wallet_table *t, __u32 encoding, __u32 chars)
{
	barrier_var(chars); /* or the mask goes, and with it the bound that the verifier sees */
	return (t->lengths[encoding][(chars >> 6) & 1] >> (chars & 63)) & 1;
}

/* Small letters, and no mixture of them with capitals (BIP 173). */
static __always_inline bool is_of_one_case(struct wallet_state *w)
{
	__u64 small = 0, capital = 0;

#pragma clang loop unroll(disable)
	for (__u64 i = 0; i <= MAX_WALLET_CHARS; i += 8) {
		__u64 v;

		barrier_var(i); /* 64 bits wide, and kept so: search.bpf.h, filter_some_chunks */
		if (i > MAX_WALLET_CHARS)
			break;
		v = *(any_u64 *)(w->text + i);
		small |= bytes_between(v, 'a', 'z');
		capital |= bytes_between(v, 'A', 'Z');
	}
	return !small || !capital;
}

/* The `chars` bytes at `at` in the buffer, letters and digits between others. A global function: verified once, by itself. */
__attribute__((noinline)) int try_run(__u32 copy, __u32 at, __u32 chars)
{
	struct search *s = search_state(copy);
	struct wallet_table *t = s ? wallet_table(s->slot) : NULL;
	struct wallet_state *w = bpf_map_lookup_elem(&wallet_states, &copy);
	struct kind_walk walk = { .s = s, .w = w, .t = t, .copy = copy };
	__u64 size;

	if (!s || !t || !w || chars == 0 || chars > MAX_WALLET_CHARS || at > BUFFER_BYTES - MAX_WALLET_CHARS)
		return 0;
	w->at = at;
	w->chars = chars;
	w->wanted = w->valid = w->decoded = w->hrp_chars = 0;
	__builtin_memset(w->text, 0, sizeof(w->text));
	__builtin_memset(w->blocks, 0, sizeof(w->blocks));
	__builtin_memset(w->number, 0, sizeof(w->number));
	__builtin_memset(w->limbs, 0, sizeof(w->limbs));
	/* The bound above is made one with the comparison before it, and is none of the size. */
	size = chars;
	barrier_var(size);
	if (bpf_probe_read_kernel(w->text, size & MAX_WALLET_CHARS, s->buffer + at))
		return 0;
	w->letters = *(__u64 *)w->text;
	w->letters |= bytes_between(w->letters, 'A', 'Z') >> 2;
	if (has_length(t, WALLET_CRYPTONOTE, chars)) {
		s->work += WORK_WALLET_BLOCKS;
		decode_blocks(copy);
	}
	if (has_length(t, WALLET_BASE58CHECK, chars)) {
		s->work += WORK_WALLET_NUMBER;
		decode_number(copy);
	}
	s->work += 2 * WORK_WALLET_KIND * t->count;
	LOOP(want_kind, t->count, &walk);
	if (w->wanted & 1U << WALLET_CRYPTONOTE) {
		s->work += WORK_WALLET_KECCAK;
		if (is_keccak_sum(copy))
			w->valid |= 1U << WALLET_CRYPTONOTE;
	}
	if (w->wanted & 1U << WALLET_BASE58CHECK) {
		s->work += WORK_WALLET_SHA;
		if (is_sha_sum(copy))
			w->valid |= 1U << WALLET_BASE58CHECK;
	}
	if (w->wanted & (1U << WALLET_SEGWIT | 1U << WALLET_BECH32) && is_of_one_case(w)) {
		s->work += WORK_WALLET_BECH32;
		w->valid |= bech32_sums(copy);
	}
	if (w->valid & w->wanted) {
		if (t->is_scoped)
			find_narrow(copy);
		LOOP(add_kind, t->count, &walk);
	}
	return 0;
}

/* ---- runs in a window ---- */

/* Letters and digits of eight bytes, as 0x80 in each. */
static __always_inline __u64 alphanumeric(__u64 v)
{
	return bytes_between(v, '0', '9') | bytes_between(v | EACH_BYTE(0x20), 'a', 'z');
}

/* 0x80 in the lowest of eight bytes, or the highest, to its number. */
static __always_inline __u32 lowest_byte(__u64 marks)
{
	return (((marks & -marks) >> 7) * 0x0001020304050607ULL) >> 56;
}

static __always_inline __u32 highest_byte(__u64 marks)
{
	/* All below the highest as well; how many bytes those are, less one. */
	marks |= marks >> 8;
	marks |= marks >> 16;
	marks |= marks >> 32;
	return (((marks >> 7) & EACH_BYTE(1)) * EACH_BYTE(1) >> 56) - 1;
}

struct run_walk {
	__u32 turns;
	__u32 from; /* where a run may begin: behind what is none of it */
	__u32 at; /* the eight bytes that are looked at */
	__u32 goes_on; /* from here on forward: so many characters that it may be one */
	__u32 least; /* characters of a run */
	__u32 steps;
	struct search *s;
	struct wallet_table *t;
};

static __always_inline void begin_run(struct run_walk *r, __u32 from)
{
	r->from = from;
	r->at = from + r->least - 8;
	r->goes_on = 0;
}

static __always_inline bool may_be_address(struct run_walk *r, __u32 chars)
{
	__u64 lengths = 0;

	if (chars > MAX_WALLET_CHARS)
		return false;
	barrier_var(chars);
#pragma unroll
	for (int i = 0; i < WALLET_ENCODINGS; i++)
		lengths |= r->t->lengths[i][(chars >> 6) & 1];
	return (lengths >> (chars & 63)) & 1;
}

/* Eight bytes: backward from where the shortest run would end, then forward to its end. Whatever stands behind the window's last
 * byte is zeros. */
LOOP_BODY(run_step, struct run_walk)
{
	struct search *s = ctx->s;
	__u32 at = ctx->at, end;
	__u64 others;

	ctx->steps++;
	barrier_var(at);
	if (at > s->end || at > BUFFER_BYTES - 8)
		return 1;
	others = ~alphanumeric(*(any_u64 *)(s->buffer + at)) & EACH_BYTE(0x80);
	if (!ctx->goes_on) {
		if (others) {
			begin_run(ctx, at + highest_byte(others) + 1);
		} else if (at == ctx->from) {
			ctx->goes_on = 1;
			ctx->at = ctx->from + ctx->least;
		} else {
			ctx->at = at >= ctx->from + 8 ? at - 8 : ctx->from;
		}
		return 0;
	}
	if (!others) {
		ctx->at = at + 8;
		return 0;
	}
	end = at + lowest_byte(others);
	/* One that touches a window's edge lies whole in the one before or the next. */
	if (may_be_address(ctx, end - ctx->from) && (ctx->from != s->args_start || s->first_window) &&
	    (end != s->end || s->last_window))
		try_run(s->copy, ctx->from, end - ctx->from);
	begin_run(ctx, end + 1);
	return s->stop || !spend(s, 0);
}

struct wallet_scan {
	__u32 turns;
	__u32 reserved;
	struct search *s;
	struct wallet_table *t;
};

LOOP_BODY(wallet_window, struct wallet_scan)
{
	struct search *s = ctx->s;
	struct run_walk walk = { .s = s, .t = ctx->t };
	__u32 left = s->args_bytes - s->window_offset, n = left > WINDOW_BYTES ? WINDOW_BYTES : left, end;

	if (n == 0)
		return 1;
	/* By itself: made one with the comparison above, it bounds n - 1. */
	barrier_var(n);
	if (n > WINDOW_BYTES)
		return 1;
	if (read_text(s, s->buffer + PATH_ROOM, n, s->window_offset)) {
		s->flags |= EVENT_UNREADABLE;
		return 1;
	}
	end = PATH_ROOM + n;
	barrier_var(end);
	if (end > PATH_ROOM + WINDOW_BYTES)
		return 1;
	*(any_u64 *)(s->buffer + end) = 0;
	s->end = end;
	s->first_window = s->window_offset == 0;
	s->last_window = n == left;
	walk.least = ctx->t->least_chars;
	if (walk.least < LEAST_WALLET_CHARS || walk.least > MAX_WALLET_CHARS)
		return 1;
	begin_run(&walk, PATH_ROOM);
	forget(&walk.from, sizeof(walk.from) + sizeof(walk.at) + sizeof(walk.goes_on) + sizeof(walk.least) + sizeof(walk.steps));
	LOOP(run_step, MAX_TURNS, &walk);
	if (!spend(s, WORK_WINDOW + walk.steps * WORK_WALLET_STEP) || s->last_window)
		return 1;
	s->window_offset += WINDOW_BYTES - OVERLAP_BYTES;
	return s->stop;
}

/* Through all windows of the arguments. A global function: verified once, by itself. */
__attribute__((noinline)) int search_wallets(__u32 copy)
{
	struct search *s = search_state(copy);
	struct wallet_table *t = s ? wallet_table(s->slot) : NULL;
	struct wallet_scan scan = { .s = s, .t = t };

	if (!s || !t || !t->count)
		return 0;
	s->args_start = PATH_ROOM;
	s->end = PATH_ROOM;
	s->window_offset = 0;
	LOOP(wallet_window, MAX_TURNS, &scan);
	return t->may_kill;
}

#endif
