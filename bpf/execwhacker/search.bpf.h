/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The search: does a banned string stand in this process's path and arguments? matcher/DESIGN.md explains the tables;
 * matcher/src/walk.ts is the same walk in TypeScript. */
#ifndef CRYPTNONO_SEARCH_BPF_H
#define CRYPTNONO_SEARCH_BPF_H

#include "../lib/loop.bpf.h"
#include "maps.bpf.h"

_Static_assert(MAX_TURNS >= WINDOW_BYTES, "allow.bpf.h makes a turn for each byte of a window");

/* Eight bytes from anywhere in the buffer. Not declared unaligned: clang would then load byte by byte, while every machine
 * we run on loads a word from any address (the verifier asks for alignment only where the machine does). */
typedef __u64 __attribute__((may_alias)) any_u64;

#define EACH_BYTE(x) (0x0101010101010101ULL * (x))
#define GRAM_A_FACTOR 0x9FB21C651E98DF25ULL
#define GRAM_B_FACTOR 0x9E3779B1U

/* Room for the path, the tail behind it and the gap; a multiple of a chunk. */
#define PATH_ROOM 4864
#define CHUNK_BYTES 64
#define MAX_CHUNKS ((PATH_ROOM + WINDOW_BYTES) / CHUNK_BYTES)
#define MAX_HITS 512 /* the power of two above */
/* A compare may load past the end by a string's length. */
#define BUFFER_BYTES (PATH_ROOM + WINDOW_BYTES + 1024)
/* NULs between the path's region and the arguments, so that a load at the one's end does not see the other. */
#define GAP_BYTES 8

/* A string that was found, and where. */
struct find {
	__u32 string_id;
	__u32 string_bytes;
	__u32 match_offset;
	__u32 match_in_path;
};

/* A walk through the allow automaton, between one byte and the next. */
struct allow_state {
	__u32 path_bytes; /* the line is so much of the buffer's start, */
	__u32 rest; /* and the argument area from here on: at the NUL before the first argument that counts, or at its end */
	__u32 pattern; /* that spares the set walked for */
	__u32 spared_sets;
	__u32 patterns[MAX_ALLOW_SETS]; /* that spare them */
	__u32 told_pattern; /* of the set that is told */
	__u32 plain; /* state if this argument stands unquoted */
	__u32 quoted; /* state if it stands quoted, after the opening quote */
	__u32 unsafe; /* it holds a byte that makes the shell's quotes needed */
	__u32 empty;
	__u32 offset; /* of the next piece in the argument area */
	__u32 dfa; /* enum allow_dfa: the one that is walked */
	__u32 decided; /* whatever comes */
	__u32 cut; /* enum allow_cut: the line was not followed to its end */
};

enum allow_cut {
	CUT_NOT = 0,
	CUT_WORK, /* for want of work, or of a page */
	CUT_BOUND, /* patterns follow a line no further */
};

/* A walk through one block of the NFA. */
struct nfa_state {
	__u32 first_word; /* the block's */
	__u32 words;
	__u32 first_edge;
	__u32 edges;
	__u32 work;
	__u32 reserved;
	__u64 bits[2][NFA_BLOCK_WORDS]; /* as plain and quoted above; PLAIN has none once the argument needs quotes */
	__u64 line[NFA_BLOCK_WORDS]; /* at the argument's start */
	__u64 read[2][NFA_BLOCK_WORDS]; /* of them, by the step that is being made */
};

/* One search's state. It lives in a map, not on the stack: the verifier then takes each number as unknown and looks at a
 * loop's body once. */
struct search {
	__u64 args; /* user address */
	__u32 args_bytes; /* without the last NUL */
	__u32 slot;
	__u32 copy; /* of the program whose state this is */
	__u32 path_bytes; /* without its NUL */
	__u32 argv0_bytes; /* without its NUL; known only if the list has strings that span arguments */
	/* The buffer holds two regions: the path with the tail (first window only), and a window of the arguments. */
	__u32 tail_end; /* where the path's region ends */
	__u32 args_start; /* where the arguments' region begins */
	__u32 end; /* where it ends */
	__u32 window_offset; /* of the arguments' region in the area */
	__u32 first_window; /* 1: the region begins where the area begins */
	__u32 last_window; /* 1: it ends where the area ends */
	/* The first find of each action and allow set, of strings that stand; a bit in found_sets says that there is one. */
	__u32 found_sets[4]; /* by enum string_action */
	struct find found[4][MAX_ALLOW_SETS];
	/* The first that stands and does not count in this place: scope.bpf.h. */
	struct find out_of_scope;
	__u32 has_out_of_scope;
	__u32 scopes; /* a bit for each enum string_scope that holds here, */
	__u32 unknown_scopes; /* and for each of which nobody knows: narrow.bpf.h */
	__u32 narrow_seen;
	__u32 asked; /* out_of_scope is a string of one of those */
	__u64 narrow_cgroup;
	__u32 candidate_sets; /* the policy's */
	/* What the verdict is about: one of these, or, before they are judged, the first part of a longer word. */
	struct find told;
	__u32 has_told;
	__u32 has_members; /* of rules of several strings, some stand: */
	__u64 members[MAX_MEMBERS / 64];
	__u32 member_at[MAX_MEMBERS]; /* offset and, above MEMBER_OFFSET_BITS, match_in_path */
	__u32 is_plain; /* the path that was given: true-path.bpf.h */
	__u32 in_true_path; /* what is searched is not the path that was given */
	__u32 has_true_path; /* true-path.bpf.h has read one */
	__u32 work; /* done for this exec, in units of WORK_* */
	__u32 max_work;
	/* What came of it, for the telling. */
	__u32 verdict;
	__s32 signal_result;
	__u64 entered_ns;
	__u64 filename, interp; /* kernel addresses: what was given to exec, what runs it */
	__u64 environment; /* user address */
	__u32 argc;
	__u32 work_factor; /* of the policy's bound */
	__u32 taken; /* by a second look */
	__u32 flags; /* enum event_flags: UNREADABLE, OVER_LONG, SCRIPT */
	__u32 stop;
	__u32 look_again; /* with more work a pattern might say something else */
	/* The arguments to be read again: where they lie, or what was searched of them. A parent may write into them meanwhile. */
	__u64 text;
	__u32 text_kept;
	__u32 reread; /* 1: what was read again may differ from what was searched */
	/* The hash of what is searched, to be held against the hash of what was copied (copied.bpf.h). No keys: none is taken. */
	__u64 hash_keys[2];
	__u64 hash;
	__u64 copied_hash;
	__u64 copied_bytes; /* with the last NUL */
	struct allow_state allow; /* allow.bpf.h */
	struct nfa_state nfa;
	/* Chunks in which each filter fired. */
	__u32 hits_a, hits_b, hits_c;
	__u16 hit_a[MAX_HITS], hit_b[MAX_HITS], hit_c[MAX_HITS];
	__u8 buffer[BUFFER_BYTES] __attribute__((aligned(64)));
};

/* One state for each copy of the exec program (execwhacker.bpf.c): a copy that was preempted has its state in hand. User
 * space makes room for as many as it loads. Whichever function needs the state is told the copy. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct search);
} searches SEC(".maps");

static __always_inline struct search *search_state(__u32 copy)
{
	return bpf_map_lookup_elem(&searches, &copy);
}

static __always_inline bool any_found(struct search *s)
{
	return s->found_sets[ACTION_ENFORCE] || s->found_sets[ACTION_AUDIT] || s->found_sets[ACTION_QUOTED_ENFORCE] ||
	       s->found_sets[ACTION_QUOTED_AUDIT];
}

/* What was searched of a line that one window holds, kept for what reads the arguments again. */
struct kept_text {
	__u8 bytes[WINDOW_BYTES + GAP_BYTES];
};

/* By copy of the exec program. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct kept_text);
} kept_texts SEC(".maps");

static __always_inline struct filters *search_filters(__u32 slot)
{
	__u32 zero = 0;
	void *map = bpf_map_lookup_elem(&filters_slots, &slot);

	return map ? bpf_map_lookup_elem(map, &zero) : NULL;
}

static __always_inline struct cell *search_cell(__u32 slot, __u32 index)
{
	void *map = bpf_map_lookup_elem(&cells_slots, &slot);

	return map ? bpf_map_lookup_elem(map, &index) : NULL;
}

static __always_inline struct allow_table *allow_table(__u32 slot)
{
	__u32 zero = 0;
	void *map = bpf_map_lookup_elem(&allow_slots, &slot);

	return map ? bpf_map_lookup_elem(map, &zero) : NULL;
}

/* Take `work` from what this exec may cost. False when that is used up, and the search ends. */
static __always_inline bool spend(struct search *s, __u32 work)
{
	s->work += work;
	if (s->work <= s->max_work)
		return true;
	s->stop = 1;
	return false;
}

/* Read arguments, of which an earlier read was searched. */
static __always_inline long read_text(struct search *s, void *to, __u32 bytes, __u32 offset)
{
	const void *from = (void *)(s->text + offset);

	return s->text_kept ? bpf_probe_read_kernel(to, bytes, from) : bpf_probe_read_user(to, bytes, from);
}

static __always_inline long read_text_string(struct search *s, void *to, __u32 room, __u32 offset)
{
	const void *from = (void *)(s->text + offset);

	return s->text_kept ? bpf_probe_read_kernel_str(to, room, from) : bpf_probe_read_user_str(to, room, from);
}

static __always_inline __u8 buffer_byte(struct search *s, __u32 at)
{
	barrier_var(at);
	return at < BUFFER_BYTES ? s->buffer[at] : 0;
}

static __always_inline bool is_word(__u8 c)
{
	__u8 lower = c | 0x20;

	return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* Bytes b of v with lo <= b <= hi, as 0x80 in that byte; lo and hi below 128. */
static __always_inline __u64 bytes_between(__u64 v, __u8 lo, __u8 hi)
{
	__u64 low7 = v & EACH_BYTE(0x7f);

	return ~v & (low7 + EACH_BYTE(0x80 - lo)) & ~(low7 + EACH_BYTE(0x7f - hi)) & EACH_BYTE(0x80);
}

/* FOLD of matcher/src/fold.ts on 8 bytes: capitals to small letters, NUL and 9..13 to a space. */
static __always_inline __u64 fold8(__u64 v)
{
	__u64 capitals = bytes_between(v, 'A', 'Z');
	__u64 blanks = bytes_between(v, 9, 13) | bytes_between(v, 0, 0);
	__u64 blank_bytes = (blanks >> 7) * 0xff;

	return ((v | (capitals >> 2)) & ~blank_bytes) | (blank_bytes & EACH_BYTE(0x20));
}

static __always_inline __u64 low_bytes(__u32 n)
{
	return n >= 8 ? ~0ULL : (1ULL << ((n * 8) & 63)) - 1;
}

/* A shift by the low six bits of `n`, as BPF's own shift is; C would want them cut out first, at an instruction each. */
static __always_inline __u64 shift_right(__u64 value, __u64 n)
{
	asm("%0 >>= %1" : "+r"(value) : "r"(n));
	return value;
}

static __always_inline __u32 key_hash(__u64 key, __u32 length)
{
	__u32 z = ((__u32)key ^ (length * 0x9E3779B1U)) * 0x85EBCA6BU;

	z = ((z ^ (z >> 15)) ^ (__u32)(key >> 32)) * 0xC2B2AE35U;
	z = (z ^ (z >> 13)) * 0x27D4EB2FU;
	return z ^ (z >> 16);
}

/* ---- an occurrence, compared to its last byte ---- */

struct compare {
	__u32 turns;
	__u32 slot;
	__u32 cell;
	__u32 length;
	__u32 at;
	__u32 nul; /* a NUL stands in the compared text */
	__u32 words; /* compared */
	__u64 differ;
	struct search *s;
};

LOOP_BODY(compare_word, struct compare)
{
	__u32 word = turn + 1; /* word 0 of the string's first cell is its head */
	struct cell *cell = search_cell(ctx->slot, ctx->cell + (word >> 3));
	__u64 mask = low_bytes(ctx->length - turn * 8), text;
	__u32 at = ctx->at + turn * 8;

	barrier_var(at);
	if (!cell || at > BUFFER_BYTES - 8) {
		ctx->differ = 1;
		return 1;
	}
	text = *(any_u64 *)(ctx->s->buffer + at);
	ctx->differ = (fold8(text) ^ cell->words[word & 7]) & mask;
	ctx->words = word;
	ctx->nul |= (bytes_between(text, 0, 0) & mask) != 0;
	return ctx->differ != 0;
}

/* Where it stands, by its place in the buffer. */
struct place {
	__u32 offset;
	__u32 in_path; /* enum match_place */
};

static __always_inline struct place place_of(struct search *s, __u32 at)
{
	struct place place = {};

	if (at < s->args_start) {
		place.offset = at;
		place.in_path = 1 + s->in_true_path;
	} else {
		place.offset = s->window_offset + (at - s->args_start);
	}
	return place;
}

static __always_inline bool is_demoted(struct search *s, __u32 string_id)
{
	struct filters *f = search_filters(s->slot);
	struct demoted_key key = { .string_id = string_id };

	if (!f)
		return false;
	key.generation = f->policy.generation;
	return bpf_map_lookup_elem(&demoted, &key);
}

/* enum string_scope, and of the narrow ones which. */
static __always_inline __u32 scope_of(struct cell *cell)
{
	__u32 scope = cell->string.kind >> 6;

	return scope < NARROW_FIRST ? scope : NARROW_FIRST + (cell->string.allow_set >> 5);
}

/* Where nobody knows whether a string counts, the agent is asked for the whole line. Whether it is to be told of in this place. */
static __always_inline bool is_told_out_of_scope(struct search *s, __u32 scope)
{
	bool is_unknown = (s->unknown_scopes >> scope) & 1;

	if (s->has_out_of_scope && (s->asked || !is_unknown))
		return false;
	s->has_out_of_scope = 1;
	s->asked = is_unknown;
	return true;
}

/* A string that no pattern can spare ends the search; of the others the first of each set is kept. A piece that does not count in
 * this place leads to no walk over the quoted line, so that nobody knows whether its string stands there. What is a candidate list's
 * alone is kept by sets of its own; where it does not count nobody is told. */
static __always_inline void add_find(struct search *s, struct cell *cell, bool standing, struct place place)
{
	__u32 action = (cell->string.kind >> 4) & 3;
	__u32 set = cell->string.allow_set & (MAX_ALLOW_SETS - 1);
	struct find *find = &s->told;
	__u32 scope = scope_of(cell);

	if ((s->candidate_sets >> set) & 1 && !(standing && (s->scopes >> scope) & 1))
		return;
	if (standing && !((s->scopes >> scope) & 1)) {
		if (action >= ACTION_QUOTED_ENFORCE || !is_told_out_of_scope(s, scope))
			return;
		find = &s->out_of_scope;
	} else if (standing) {
		/* To the audit action, of a string or of a piece. */
		if (!(action & 1) && is_demoted(s, cell->string.id))
			action |= 1;
		if ((s->found_sets[action] >> set) & 1)
			return;
		s->found_sets[action] |= 1U << set;
		find = &s->found[action][set];
		if (action == ACTION_ENFORCE && set == 0)
			s->stop = 1;
	} else {
		if (s->has_told)
			return;
		s->has_told = 1;
	}
	find->string_id = cell->string.id;
	find->string_bytes = cell->string.length;
	find->match_in_path = place.in_path;
	find->match_offset = place.offset;
}

#define MEMBER_OFFSET_BITS 30 /* an argument area has 6 MB at most */

static __always_inline void add_member(struct search *s, struct cell *cell, struct place place)
{
	__u32 member = cell->string.id & (MAX_MEMBERS - 1);
	__u64 bit = 1ULL << (member & 63);

	if (s->members[member >> 6] & bit)
		return;
	s->members[member >> 6] |= bit;
	s->member_at[member] = place.offset | place.in_path << MEMBER_OFFSET_BITS;
	s->has_members = 1;
}

/* The string whose first cell is `string_cell`, at `at` in the buffer. A global function: verified once, by itself. */
__attribute__((noinline)) int try_string(__u32 copy, __u32 string_cell, __u32 at)
{
	struct search *s = search_state(copy);
	struct compare compare = { .s = s, .cell = string_cell, .at = at };
	struct cell *cell;
	__u32 length, mode, end, before, after;
	bool standing, in_path;

	if (!s)
		return 0;
	if (!spend(s, WORK_STRING))
		return 0;
	cell = search_cell(s->slot, string_cell);
	if (!cell)
		return 0;
	length = cell->string.length;
	if (length == 0 || length > MAX_STRING_BYTES || at >= BUFFER_BYTES)
		return 0;
	end = at + length;
	in_path = at < s->args_start;
	if (in_path) {
		/* What begins behind the path is found again among the arguments, with its true neighbours. */
		if (at > s->path_bytes || end > s->tail_end)
			return 0;
	} else {
		/* An occurrence that touches a window's edge lies whole, with its neighbours, in the next or the last one. */
		if (end > s->end || (end == s->end && !s->last_window) || (at == s->args_start && !s->first_window))
			return 0;
	}
	compare.slot = s->slot;
	compare.length = length;
	LOOP(compare_word, (length + 7) / 8, &compare);
	s->work += compare.words * WORK_WORD;
	if (compare.differ)
		return 0;
	mode = cell->string.kind & KIND_MODE;
	before = at == 0 || at == s->args_start ? 0 : buffer_byte(s, at - 1);
	after = end == (in_path ? s->tail_end : s->end) ? 0 : buffer_byte(s, end);
	if (mode == MODE_ANYWHERE)
		standing = true;
	else if (mode == MODE_WORD)
		standing = !is_word(before) && !is_word(after);
	else
		standing = (!before || (mode == MODE_EXACT_VALUE && before == '=')) && !after && !compare.nul;
	if (!(cell->string.kind & KIND_MEMBER))
		add_find(s, cell, standing, place_of(s, at));
	else if (standing)
		add_member(s, cell, place_of(s, at));
	return 0;
}

/* ---- rules of several strings ---- */

struct rule_walk {
	__u32 turns;
	__u32 slot;
	__u32 first;
	__u32 reserved;
	struct search *s;
};

LOOP_BODY(try_rule, struct rule_walk)
{
	struct cell *cell = search_cell(ctx->slot, ctx->first + turn);
	struct search *s = ctx->s;
	struct place place;
	__u64 missing = 0;
	__u32 at;

	if (!cell)
		return 1;
#pragma unroll
	for (int i = 0; i < MAX_MEMBERS / 64; i++)
		missing |= cell->rule.members[i] & ~s->members[i];
	if (missing)
		return 0;
	at = s->member_at[cell->rule.told & (MAX_MEMBERS - 1)];
	place.offset = at & ((1U << MEMBER_OFFSET_BITS) - 1);
	place.in_path = at >> MEMBER_OFFSET_BITS;
	add_find(s, cell, true, place);
	return 0;
}

/* Rules of which all strings were found; nothing to do for a line that holds none. A global function: verified once, by itself. */
__attribute__((noinline)) int find_rules(struct search *s, struct filters *f)
{
	struct rule_walk walk = { .s = s };

	if (!s || !f || !s->has_members)
		return 0;
	walk.slot = s->slot;
	walk.first = f->policy.first_rule;
	s->work += f->policy.rules * WORK_RULE;
	LOOP(try_rule, f->policy.rules, &walk);
	return 0;
}

/* ---- the keys at a place where a filter fired ---- */

/* Bytes of a key: what a string is found by, once a gram of it has fired. */
#define KEY_A_BYTES 8
#define KEY_B_BYTES 5

struct chain {
	__u32 turns;
	__u32 slot;
	__u32 bucket;
	__u32 bucket_mask;
	__u32 tag;
	__u32 start;
	struct search *s;
};

LOOP_BODY(try_bucket, struct chain)
{
	struct cell *cell = search_cell(ctx->slot, (ctx->bucket + turn) & ctx->bucket_mask);

	if (!cell || !spend(ctx->s, WORK_CELL))
		return 1;
	for (int i = 0; i < ENTRIES_PER_CELL; i++) {
		struct entry entry = cell->entries[i];

		if (!entry.string_cell)
			return 1;
		if (entry.tag == ctx->tag && entry.offset <= ctx->start)
			try_string(ctx->s->copy, entry.string_cell, ctx->start - entry.offset);
	}
	return ctx->s->stop;
}

/* 1 if an entry of the cell has the tag, or the cell is full so that the bucket may go on in the next; no branches. */
static __always_inline __u64 worth_a_look(const struct cell *cell, __u32 tag)
{
	__u64 found = cell->entries[ENTRIES_PER_CELL - 1].string_cell;

#pragma unroll
	for (int i = 0; i < ENTRIES_PER_CELL; i++)
		found |= (((cell->words[i] ^ tag) & 0xffff) - 1) >> 63;
	return found;
}

/* The strings whose key is the `length` bytes at `start` in the buffer. A filter of the keys comes first: looking into a
 * bucket is a helper's call and a cache line. */
static __always_inline void try_key(struct search *s, struct filters *f, void *cells, __u32 start, __u32 length)
{
	__u32 bucket_mask = f->policy.bucket_mask, mask = f->policy.mask_keys & (FILTER_KEYS_BYTES - 8), hash, bucket;
	struct cell *cell;
	__u64 key;

	barrier_var(start);
	if (start > BUFFER_BYTES - 8)
		return;
	key = fold8(*(any_u64 *)(s->buffer + start)) & low_bytes(length);
	hash = key_hash(key, length);
	if (!(shift_right(*(__u64 *)((__u8 *)f->keys + ((hash >> 3) & mask)), hash) & 1))
		return;
	bucket = hash & bucket_mask;
	cell = bpf_map_lookup_elem(cells, &bucket);
	if (cell && worth_a_look(cell, hash >> 16)) {
		struct chain chain = { .s = s, .slot = s->slot, .bucket = bucket, .bucket_mask = bucket_mask,
				       .tag = hash >> 16, .start = start };

		LOOP(try_bucket, MAX_CHAIN_CELLS, &chain);
	}
}

/* Global functions are verified once, by themselves, so nesting them costs the verifier nothing. They find their state
 * themselves. */

/* The keys that a gram of five bytes at `at` may lie in. */
__attribute__((noinline)) int try_keys_a(__u32 copy, __u32 at)
{
	struct search *s = search_state(copy);
	struct filters *f = s ? search_filters(s->slot) : NULL;
	void *cells = s ? bpf_map_lookup_elem(&cells_slots, &s->slot) : NULL;

	if (!s || !f || !cells || !spend(s, WORK_KEYS))
		return 0;
	for (__u32 i = 0; i < 4 && i <= at; i++)
		try_key(s, f, cells, at - i, KEY_A_BYTES);
	return 0;
}

__attribute__((noinline)) int try_keys_b(__u32 copy, __u32 at)
{
	struct search *s = search_state(copy);
	struct filters *f = s ? search_filters(s->slot) : NULL;
	void *cells = s ? bpf_map_lookup_elem(&cells_slots, &s->slot) : NULL;

	if (!s || !f || !cells || !spend(s, WORK_KEYS))
		return 0;
	for (__u32 i = 0; i < 2 && i <= at; i++)
		try_key(s, f, cells, at - i, KEY_B_BYTES);
	return 0;
}

__attribute__((noinline)) int try_keys_c(__u32 copy, __u32 at)
{
	struct search *s = search_state(copy);
	struct filters *f = s ? search_filters(s->slot) : NULL;
	void *cells = s ? bpf_map_lookup_elem(&cells_slots, &s->slot) : NULL;

	if (!s || !f || !cells || !spend(s, WORK_KEYS))
		return 0;
	for (__u32 length = 1; length <= 4; length++)
		if ((f->policy.short_lengths >> length) & 1)
			try_key(s, f, cells, at, length);
	return 0;
}

/* ---- the filters: does a gram of this text stand in any string? ---- */

#define LOWER EACH_BYTE(0x20)

/* Five bytes, two bits of one word: the top 18 bits of the product choose the word, the next two sixes the bits. */
static __always_inline __u64 fires_a(const __u8 *filter, __u64 mask, __u64 text)
{
	__u64 x = (text & 0xffffffffff) * GRAM_A_FACTOR, word = *(__u64 *)(filter + ((x >> 43) & mask));

	return shift_right(word, x >> 40) & shift_right(word, x >> 34);
}

/* Four bytes, one bit: it is tested twice as often, for a list with few such strings, so it is cheap and wide. */
static __always_inline __u64 fires_b(const __u8 *filter, __u64 mask, __u64 text)
{
	__u32 x = (__u32)text * GRAM_B_FACTOR;

	return shift_right(*(__u64 *)(filter + ((x >> 13) & mask)), x >> 7);
}

static __always_inline __u64 fires_c(const __u64 *filter, __u64 text)
{
	__u32 pair = text & 0xffff;

	return shift_right(filter[pair >> 6], pair);
}

struct scan {
	__u32 turns;
	__u32 reserved;
	struct search *s;
	struct filters *f;
};

/* Where in the buffer a chunk of a hit list begins. */
static __always_inline __u32 hit_at(const __u16 *hits, __u32 turn)
{
	return hits[turn & (MAX_HITS - 1)] * CHUNK_BYTES;
}

/* Once more through a chunk in which a filter fired, now one gram at a time. */
LOOP_BODY(try_hit_a, struct scan)
{
	const __u8 *filter = (__u8 *)ctx->f->a, *text;
	__u64 mask = ctx->f->policy.mask_a & (FILTER_A_BYTES - 8);
	__u32 at = hit_at(ctx->s->hit_a, turn);

	barrier_var(at);
	if (at >= MAX_CHUNKS * CHUNK_BYTES || !spend(ctx->s, WORK_HIT))
		return 1;
	text = ctx->s->buffer + at;
#pragma unroll
	for (int i = 0; i < CHUNK_BYTES; i += 4)
		if (fires_a(filter, mask, *(any_u64 *)(text + i) | LOWER) & 1)
			try_keys_a(ctx->s->copy, at + i);
	return ctx->s->stop;
}

LOOP_BODY(try_hit_b, struct scan)
{
	const __u8 *filter = (__u8 *)ctx->f->b, *text;
	__u64 mask = ctx->f->policy.mask_b & (FILTER_B_BYTES - 8);
	__u32 at = hit_at(ctx->s->hit_b, turn);

	barrier_var(at);
	if (at >= MAX_CHUNKS * CHUNK_BYTES || !spend(ctx->s, WORK_HIT))
		return 1;
	text = ctx->s->buffer + at;
#pragma unroll
	for (int i = 0; i < CHUNK_BYTES; i += 2)
		if (fires_b(filter, mask, *(any_u64 *)(text + i) | LOWER) & 1)
			try_keys_b(ctx->s->copy, at + i);
	return ctx->s->stop;
}

LOOP_BODY(try_hit_c, struct scan)
{
	__u32 at = hit_at(ctx->s->hit_c, turn);
	const __u8 *text;

	barrier_var(at);
	if (at >= MAX_CHUNKS * CHUNK_BYTES || !spend(ctx->s, 2 * WORK_HIT))
		return 1;
	text = ctx->s->buffer + at;
#pragma unroll
	for (int i = 0; i < CHUNK_BYTES; i++)
		if (fires_c(ctx->f->c, *(any_u64 *)(text + i) | LOWER) & 1)
			try_keys_c(ctx->s->copy, at + i);
	return ctx->s->stop;
}

static __always_inline int try_hits(__u32 copy)
{
	struct search *s = search_state(copy);
	struct filters *f = s ? search_filters(s->slot) : NULL;
	struct scan scan = { .s = s, .f = f };

	if (!s || !f)
		return 0;
	LOOP(try_hit_a, s->hits_a, &scan);
	LOOP(try_hit_b, s->hits_b, &scan);
	LOOP(try_hit_c, s->hits_c, &scan);
	return 0;
}

/* The barrier keeps clang from lining up all loads first, which would not fit the registers. */
#define ADD_FIRES(any, gram)                                                                                           \
	do {                                                                                                           \
		(any) |= (gram);                                                                                       \
		barrier_var(any);                                                                                      \
	} while (0)

#define ADD_HIT(any, list, length)                                                                                     \
	do {                                                                                                           \
		__u32 n = (length);                                                                                    \
		if ((any) & 1) {                                                                                       \
			(list)[n & (MAX_HITS - 1)] = chunk;                                                            \
			(length) = n + 1;                                                                              \
		}                                                                                                      \
	} while (0)

/* One chunk through the first two filters, or the first alone; and one through the third. No branch inside. */
static __always_inline void filter_chunk_a(struct search *s, struct filters *f, const __u8 *text, __u32 chunk)
{
	const __u8 *filter = (__u8 *)f->a;
	__u64 mask = f->policy.mask_a & (FILTER_A_BYTES - 8), any = 0;

#pragma unroll
	for (int i = 0; i < CHUNK_BYTES; i += 4)
		ADD_FIRES(any, fires_a(filter, mask, *(any_u64 *)(text + i) | LOWER));
	ADD_HIT(any, s->hit_a, s->hits_a);
}

static __always_inline void filter_chunk_b(struct search *s, struct filters *f, const __u8 *text, __u32 chunk)
{
	const __u8 *filter_a = (__u8 *)f->a, *filter_b = (__u8 *)f->b;
	__u64 mask_a = f->policy.mask_a & (FILTER_A_BYTES - 8);
	__u64 mask_b = f->policy.mask_b & (FILTER_B_BYTES - 8), any_a = 0, any_b = 0;

#pragma unroll
	for (int i = 0; i < CHUNK_BYTES; i += 4) {
		__u64 v = *(any_u64 *)(text + i) | LOWER;

		ADD_FIRES(any_a, fires_a(filter_a, mask_a, v));
		ADD_FIRES(any_b, fires_b(filter_b, mask_b, v));
		ADD_FIRES(any_b, fires_b(filter_b, mask_b, v >> 16));
	}
	ADD_HIT(any_a, s->hit_a, s->hits_a);
	ADD_HIT(any_b, s->hit_b, s->hits_b);
}

static __always_inline void filter_chunk_c(struct search *s, struct filters *f, const __u8 *text, __u32 chunk)
{
	__u64 any = 0;

#pragma unroll
	for (int i = 0; i < CHUNK_BYTES; i += 4) {
		__u64 v = *(any_u64 *)(text + i) | LOWER;

		ADD_FIRES(any, fires_c(f->c, v));
		ADD_FIRES(any, fires_c(f->c, v >> 8));
		ADD_FIRES(any, fires_c(f->c, v >> 16));
		ADD_FIRES(any, fires_c(f->c, v >> 24));
	}
	ADD_HIT(any, s->hit_c, s->hits_c);
}

/* Chunks to a turn of the loop, whose call costs as much as half a chunk. */
#define CHUNKS_PER_TURN 4

/* One chunk through the filters that the list needs. */
static __always_inline bool filter_chunk(struct search *s, struct filters *f, __u32 flags, __u32 chunk)
{
	__u32 at = chunk * CHUNK_BYTES;

	barrier_var(at);
	if (at >= MAX_CHUNKS * CHUNK_BYTES)
		return 1;
	if (flags & POLICY_FILTER_B)
		filter_chunk_b(s, f, s->buffer + at, chunk);
	else if (flags & POLICY_FILTER_A)
		filter_chunk_a(s, f, s->buffer + at, chunk);
	if (flags & POLICY_FILTER_C)
		filter_chunk_c(s, f, s->buffer + at, chunk);
	return 0;
}

LOOP_BODY(filter_some_chunks, struct scan)
{
	struct search *s = ctx->s;
	__u32 flags = ctx->f->policy.flags, chunk = turn * CHUNKS_PER_TURN, end = s->end;

#pragma clang loop unroll(disable)
	for (__u64 i = 0; i < CHUNKS_PER_TURN; i++, chunk++) {
		/* 64 bits wide, and kept so: 354e8f1970f8 "bpf: Support <8-byte scalar spill and refill", v5.16. Before it the
		 * verifier forgets a smaller counter that lies on the stack, and the loop has no end for it. */
		barrier_var(i);
		if (chunk * CHUNK_BYTES >= end || filter_chunk(s, ctx->f, flags, chunk))
			return 1;
	}
	return 0;
}

static __always_inline __u32 chunk_work(__u32 flags)
{
	return (flags & (POLICY_FILTER_A | POLICY_FILTER_B) ? WORK_CHUNK_A : 0) + (flags & POLICY_FILTER_B ? WORK_CHUNK_B : 0) +
	       (flags & POLICY_FILTER_C ? WORK_CHUNK_C : 0);
}

__attribute__((noinline)) int filter_chunks(struct search *s, struct filters *f)
{
	struct scan scan = { .s = s, .f = f };
	__u32 calls;

	if (!s || !f)
		return 0;
	s->hits_a = s->hits_b = s->hits_c = 0;
	if (!spend(s, WORK_WINDOW + (s->end / CHUNK_BYTES + 1) * chunk_work(f->policy.flags)))
		return 0;
	calls = s->end / (CHUNKS_PER_TURN * CHUNK_BYTES) + 1;
	LOOP(filter_some_chunks, calls, &scan);
	return s->hits_a || s->hits_b || s->hits_c;
}

/* ---- the tail: what follows the path in the process's first face, argv[1] and on ---- */

/* Length of argv[0], looked for 4 KiB at a time. */
LOOP_BODY(argv0_piece, struct scan)
{
	struct search *s = ctx->s;
	long n;

	if (s->argv0_bytes >= s->args_bytes)
		return 1;
	n = read_text_string(s, s->buffer + PATH_ROOM, 4096, s->argv0_bytes);
	if (n <= 0) {
		s->flags |= EVENT_UNREADABLE;
		return 1;
	}
	s->argv0_bytes += n - 1; /* the last byte read is a NUL, the argument's own or the helper's */
	return n < 4096;
}

static __always_inline void find_argv0_end(struct search *s)
{
	struct scan scan = { .s = s };

	s->argv0_bytes = 0;
	LOOP(argv0_piece, MAX_TURNS, &scan);
	if (s->argv0_bytes > s->args_bytes)
		s->argv0_bytes = s->args_bytes;
}

/* Which of eight bytes is the first NUL, 8 if none is. */
static __always_inline __u32 first_nul(__u64 v)
{
	__u64 nuls = bytes_between(v, 0, 0), lowest = nuls & -nuls;

	return nuls ? ((lowest >> 7) * 0x0001020304050607ULL) >> 56 : 8;
}

LOOP_BODY(argv0_word, struct scan)
{
	struct search *s = ctx->s;
	__u32 at = s->args_start + turn * 8, n;

	barrier_var(at);
	if (at > BUFFER_BYTES - 8)
		return 1;
	n = first_nul(*(any_u64 *)(s->buffer + at));
	s->argv0_bytes += n;
	return n < 8;
}

/* Copy what follows argv[0] in the first window to behind the path, as far as a string that begins in the path can reach.
 * An argv[0] that is longer than a window has its tail read where it lies. */
__attribute__((noinline)) int fill_tail(struct search *s, struct filters *f)
{
	struct scan scan = { .s = s };
	__u32 to, from, n, window;

	if (!s || !f)
		return 0;
	s->argv0_bytes = 0;
	LOOP(argv0_word, WINDOW_BYTES / 8, &scan);
	window = s->end - s->args_start;
	if (s->argv0_bytes >= window) {
		if (s->last_window)
			return 0; /* no argument follows */
		s->reread = 1;
		find_argv0_end(s); /* reads over the window, so that it is read again */
		from = s->args_start;
		barrier_var(from);
		if (from > PATH_ROOM || read_text(s, s->buffer + from, WINDOW_BYTES, 0))
			s->flags |= EVENT_UNREADABLE;
	}
	if (s->argv0_bytes >= s->args_bytes)
		return 0;
	n = s->args_bytes - s->argv0_bytes; /* from the NUL that ends argv[0] */
	if (n > f->policy.tail_bytes + 1)
		n = f->policy.tail_bytes + 1;
	to = s->tail_end;
	from = s->args_start + s->argv0_bytes;
	barrier_var(to);
	barrier_var(n);
	barrier_var(from);
	if (to >= MAX_PATH_BYTES || n == 0 || n > MAX_STRING_BYTES + 2)
		return 0;
	if (s->argv0_bytes + n <= window) {
		if (from > BUFFER_BYTES - MAX_STRING_BYTES - 2)
			return 0;
		bpf_probe_read_kernel(s->buffer + to, n, s->buffer + from);
	} else if (read_text(s, s->buffer + to, n, s->argv0_bytes)) {
		s->flags |= EVENT_UNREADABLE;
		return 0;
	}
	s->tail_end = to + n;
	return 0;
}

/* ---- a hash of what is searched ---- */

struct hash_walk {
	__u32 turns;
	__u32 from; /* in the buffer */
	__u32 end;
	__u32 reserved;
	struct search *s;
};

static __always_inline __u64 hash_word(const __u64 *keys, __u64 hash, __u64 word)
{
	/* Twice, or a difference in the top bit of one word could be undone by the next. */
	hash = (hash ^ word) * keys[0];
	hash ^= hash >> 32;
	return hash * keys[1];
}

#define HASH_CHUNK_BYTES 64
_Static_assert((WINDOW_BYTES - OVERLAP_BYTES) % 8 == 0, "a window's part of the hash ends with a word");

LOOP_BODY(hash_searched, struct hash_walk)
{
	struct search *s = ctx->s;
	__u32 at = ctx->from + turn * HASH_CHUNK_BYTES;

	barrier_var(at);
	if (at > BUFFER_BYTES - HASH_CHUNK_BYTES)
		return 1;
#pragma unroll
	for (int i = 0; i < HASH_CHUNK_BYTES; i += 8) {
		if (at + i >= ctx->end)
			return 1;
		s->hash = hash_word(s->hash_keys, s->hash, *(any_u64 *)(s->buffer + at + i));
	}
	return 0;
}

/* So much of the window as the next one does not begin with; of the last one all, with the last NUL: zeros follow. */
static __always_inline void hash_window(struct search *s)
{
	struct hash_walk walk = { .s = s, .from = s->args_start };

	if (!s->hash_keys[0])
		return;
	walk.end = s->last_window ? s->end + 1 : s->args_start + WINDOW_BYTES - OVERLAP_BYTES;
	s->work += (walk.end - walk.from) / 8;
	LOOP(hash_searched, (walk.end - walk.from + HASH_CHUNK_BYTES - 1) / HASH_CHUNK_BYTES, &walk);
}

/* Keep what was searched, if one window holds it. A line that is longer is read again from where it lies. */
static __always_inline void keep_text(struct search *s)
{
	__u32 copy = s->copy, from = s->args_start, n = s->end - s->args_start;
	struct kept_text *kept = bpf_map_lookup_elem(&kept_texts, &copy);

	barrier_var(from);
	barrier_var(n);
	if (!kept || !s->first_window || !s->last_window || s->flags & EVENT_UNREADABLE || from > PATH_ROOM || n > WINDOW_BYTES)
		return;
	if (bpf_probe_read_kernel(kept->bytes, n + GAP_BYTES, s->buffer + from))
		return;
	s->text = (__u64)kept->bytes;
	s->text_kept = 1;
}

/* narrow.bpf.h */
__attribute__((noinline)) int find_narrow(__u32 copy);

/* One window of the arguments (the first with the path before it): read, filter, try. */
LOOP_BODY(search_window, struct scan)
{
	struct search *s = ctx->s;
	__u32 begin = s->args_start, left = s->args_bytes - s->window_offset;
	__u32 n = left > WINDOW_BYTES ? WINDOW_BYTES : left, end;

	if (begin > PATH_ROOM)
		return 1;
	if (n) {
		barrier_var(n);
		if (n > WINDOW_BYTES)
			return 1;
		if (read_text(s, s->buffer + begin, n, s->window_offset)) {
			s->flags |= EVENT_UNREADABLE;
			return 1;
		}
	}
	end = begin + n;
	barrier_var(end);
	if (end > PATH_ROOM + WINDOW_BYTES)
		return 1;
	*(any_u64 *)(s->buffer + end) = 0;
	s->end = end;
	s->first_window = s->window_offset == 0;
	s->last_window = n == left;
	/* A script's path stands among the arguments too, in front of its own. */
	if (s->first_window && ctx->f->policy.tail_bytes && !(s->flags & EVENT_SCRIPT))
		fill_tail(s, ctx->f);
	hash_window(s);
	if (filter_chunks(s, ctx->f)) {
		if (ctx->f->policy.flags & POLICY_NARROW)
			find_narrow(s->copy);
		try_hits(s->copy);
	}
	if (s->last_window || s->stop)
		return 1;
	s->window_offset += WINDOW_BYTES - OVERLAP_BYTES;
	if (ctx->f->policy.max_scan_bytes && s->window_offset >= ctx->f->policy.max_scan_bytes)
		return 1;
	s->args_start = 0;
	s->path_bytes = 0;
	s->tail_end = 0;
	return 0;
}

/* Through the path and all windows. A global function: verified once, by itself. */
__attribute__((noinline)) int search_windows(struct search *s, struct filters *f)
{
	struct scan scan = { .s = s, .f = f };
	__u32 at;

	if (!s || !f)
		return 0;
	at = s->path_bytes;
	s->window_offset = 0;
	s->last_window = 0;
	s->tail_end = s->path_bytes;
	barrier_var(at);
	if (at > MAX_PATH_BYTES)
		return 0;
	*(any_u64 *)(s->buffer + at) = 0;
	if (f->policy.tail_bytes && f->policy.tail_bytes <= MAX_STRING_BYTES)
		at += f->policy.tail_bytes + 1;
	s->args_start = (at + GAP_BYTES + 7) & ~7;
	LOOP(search_window, MAX_TURNS, &scan);
	return 0;
}

/* Search the path, which lies at the start of the buffer (path_bytes), and the arguments (args, args_bytes). */
static __always_inline void search(struct search *s, struct filters *f)
{
	s->has_told = s->has_out_of_scope = 0;
	s->found_sets[ACTION_ENFORCE] = s->found_sets[ACTION_AUDIT] = 0;
	s->found_sets[ACTION_QUOTED_ENFORCE] = s->found_sets[ACTION_QUOTED_AUDIT] = 0;
	s->stop = 0;
	s->in_true_path = 0;
	s->has_members = 0;
	__builtin_memset(s->members, 0, sizeof(s->members));
	s->hash = s->hash_keys[0] ^ s->argc;
	s->max_work = f->policy.max_work * s->work_factor;
	search_windows(s, f);
	find_rules(s, f);
	if (s->work > s->max_work)
		count(COUNTER_BUDGET_EXCEEDED);
	if (!(s->found_sets[ACTION_ENFORCE] & 1) && !(s->flags & EVENT_UNREADABLE) && (s->stop || !s->last_window))
		s->flags |= EVENT_OVER_LONG;
}

/* Once more, under the path of the file that runs (bytes, at the start of the buffer). Without strings that go on behind a path
 * the path alone is enough. */
static __always_inline void search_true_path(struct search *s, struct filters *f, __u32 bytes)
{
	__u32 args_bytes = s->args_bytes;
	__u64 key = s->hash_keys[0];

	s->in_true_path = 1;
	s->path_bytes = bytes;
	s->hash_keys[0] = 0;
	if (!f->policy.tail_bytes)
		s->args_bytes = 0;
	else if (!s->text_kept)
		s->reread = 1;
	search_windows(s, f);
	find_rules(s, f);
	s->args_bytes = args_bytes;
	s->hash_keys[0] = key;
}

#endif
