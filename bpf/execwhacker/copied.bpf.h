/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Arguments as they were copied, held against those that are judged.
 *
 * The kernel lets go of exec_update_lock in setup_new_exec, some 100 us before sched_process_exec. From then on the parent of
 * the same user can write into the new image (process_vm_writev, /proc/PID/mem, ptrace): hide an argument from the judge and
 * put it back before main. So a hash is taken while the lock is held, and another of the very bytes that are searched: there is no
 * moment between the two readings of which one is compared and the other judged. */
#ifndef CRYPTNONO_COPIED_BPF_H
#define CRYPTNONO_COPIED_BPF_H

#include "search.bpf.h"

#define PIECE_BYTES 4096

/* Keys are drawn for each exec: whoever does not know them cannot choose other bytes with the same hash. */
struct copied {
	__u64 bprm; /* of an exec that has not copied yet; 0: none */
	__u64 hash;
	__u64 keys[2];
	__u64 bytes; /* with the last NUL; 0: not taken */
};

/* Task -> struct copied. Written before the exec's end, read and emptied at it. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct copied);
} copied_arguments SEC(".maps");

/* A hash being taken. In a map, as the searches are: there the verifier takes each number as unknown. */
struct hashing {
	__u64 from; /* user address */
	__u64 limit; /* bytes that may be read */
	__u64 keys[2];
	__u64 hash;
	__u64 bytes; /* so far */
	__u32 strings; /* still to be seen */
	__u32 unreadable;
	__u8 piece[PIECE_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct hashing);
} hashings SEC(".maps");

/* A value for the map of what was spared; too large for the stack. */
struct spared_buffer {
	struct spared entry;
};
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct spared_buffer);
} spared_buffers SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct spared_buffer);
} forked_buffers SEC(".maps");

struct copied_walk {
	__u32 turns;
	__u32 reserved;
	struct hashing *h;
};

static __always_inline __u32 count_nuls(__u64 word)
{
	return ((bytes_between(word, 0, 0) >> 7) * EACH_BYTE(1)) >> 56;
}

/* The word with the last string's end, up to that. */
static __always_inline void hash_last(struct hashing *h, __u64 word)
{
	__u64 nuls = bytes_between(word, 0, 0);

	for (__u32 i = 1; i < 8; i++)
		if (i < h->strings)
			nuls &= nuls - 1;
	nuls &= -nuls; /* the end's 0x80 */
	h->hash = hash_word(h->keys, h->hash, word & ((nuls << 1) - 1));
	h->bytes += (((nuls >> 7) * 0x0001020304050607ULL) >> 56) + 1;
	h->strings = 0;
}

LOOP_BODY(hash_chunk, struct copied_walk)
{
	struct hashing *h = ctx->h;
	__u32 at = turn * HASH_CHUNK_BYTES;

	barrier_var(at);
	if (at > PIECE_BYTES - HASH_CHUNK_BYTES)
		return 1;
#pragma unroll
	for (int i = 0; i < HASH_CHUNK_BYTES; i += 8) {
		__u64 word = *(any_u64 *)(h->piece + at + i);
		__u32 nuls = count_nuls(word);

		if (nuls >= h->strings) {
			hash_last(h, word);
			return 1;
		}
		h->strings -= nuls;
		h->hash = hash_word(h->keys, h->hash, word);
		h->bytes += 8;
	}
	return 0;
}

LOOP_BODY(hash_piece, struct copied_walk)
{
	struct hashing *h = ctx->h;
	__u64 left = h->limit - h->bytes;
	__u32 n = left > PIECE_BYTES ? PIECE_BYTES : left;
	struct copied_walk walk = { .h = h };

	barrier_var(n);
	if (h->bytes >= h->limit || n == 0 || n > PIECE_BYTES)
		return 1;
	if (bpf_probe_read_user(h->piece, n, (void *)(h->from + h->bytes))) {
		h->unreadable = 1;
		return 1;
	}
	/* The last piece ends with the environment: what is wanted ends before what an earlier piece left behind it. */
	LOOP(hash_chunk, (n + HASH_CHUNK_BYTES - 1) / HASH_CHUNK_BYTES, &walk);
	return h->strings == 0;
}

/* The hash of the first `strings` strings; bytes 0 if they cannot be read. */
static __always_inline void hash_strings(struct hashing *h, __u64 from, __u64 limit, __u32 strings)
{
	struct copied_walk walk = { .h = h };

	h->from = from;
	h->limit = limit;
	h->strings = strings;
	h->hash = h->keys[0] ^ strings;
	h->bytes = 0;
	h->unreadable = 0;
	if (strings)
		LOOP(hash_piece, MAX_TURNS, &walk);
	if (h->strings || h->unreadable)
		h->bytes = 0;
}

static __always_inline __u64 random_odd(void)
{
	return ((__u64)bpf_get_prandom_u32() << 32) | bpf_get_prandom_u32() | 1;
}

/* The arguments lie in the new image's stack, and nobody else can reach it: begin_new_exec names the task while it holds
 * exec_update_lock. */
static __always_inline void take_copied(struct copied *c, struct linux_binprm *bprm)
{
	__u64 from = BPF_CORE_READ(bprm, p), end = BPF_CORE_READ(bprm, exec);
	__u32 zero = 0;
	struct hashing *h = bpf_map_lookup_elem(&hashings, &zero);

	if (!h || end <= from)
		return;
	h->keys[0] = random_odd();
	h->keys[1] = random_odd();
	hash_strings(h, from, end - from, BPF_CORE_READ(bprm, argc));
	c->keys[0] = h->keys[0];
	c->keys[1] = h->keys[1];
	c->hash = h->hash;
	c->bytes = h->bytes;
}

/* Have the search take a hash, and hold it against what was copied. False if nothing is known of that. */
static __always_inline bool expect_copied(struct task_struct *task, struct search *s)
{
	struct copied *c = bpf_task_storage_get(&copied_arguments, task, NULL, 0);

	if (!c || !c->bytes) {
		s->hash_keys[0] = random_odd();
		s->hash_keys[1] = random_odd();
		return false;
	}
	s->hash_keys[0] = c->keys[0];
	s->hash_keys[1] = c->keys[1];
	s->copied_hash = c->hash;
	s->copied_bytes = c->bytes;
	c->bytes = 0;
	return true;
}

/* Whether what was searched, to its end, is not what was copied. */
static __always_inline bool is_changed(struct search *s)
{
	if (!s->copied_bytes || s->stop || !s->last_window || s->flags & EVENT_UNREADABLE)
		return false;
	return s->copied_bytes != s->args_bytes + 1ULL || s->copied_hash != s->hash;
}

#define STEP_BYTES (WINDOW_BYTES - OVERLAP_BYTES)

LOOP_BODY(hash_step, struct hash_walk)
{
	struct search *s = ctx->s;
	__u32 offset = turn * STEP_BYTES, n = s->args_bytes + 1 - offset;
	struct hash_walk walk = { .s = s, .from = PATH_ROOM };

	if (offset > s->args_bytes)
		return 1;
	if (n > STEP_BYTES)
		n = STEP_BYTES;
	barrier_var(n);
	if (n == 0 || n > STEP_BYTES || bpf_probe_read_user(s->buffer + PATH_ROOM, n, (void *)(s->args + offset)))
		return 1;
	*(any_u64 *)(s->buffer + PATH_ROOM + n) = 0;
	walk.end = PATH_ROOM + n;
	LOOP(hash_searched, (n + HASH_CHUNK_BYTES - 1) / HASH_CHUNK_BYTES, &walk);
	return 0;
}

/* Whether the arguments are no longer what was searched: asked where they were read again for more than telling. That is not
 * airtight, as a writer may hit each of the readings; one who misses is found out here. */
__attribute__((noinline)) int is_changed_since(__u32 copy)
{
	struct search *s = search_state(copy);
	struct hash_walk walk = { .s = s };
	__u64 searched;

	if (!s || !s->copied_bytes || !(s->reread || (any_found(s) && !s->text_kept)))
		return 0;
	searched = s->hash;
	s->hash = s->hash_keys[0] ^ s->argc;
	LOOP(hash_step, MAX_TURNS, &walk);
	return s->hash != searched;
}

#endif
