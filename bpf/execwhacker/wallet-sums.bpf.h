/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What an address is decoded and proven by: base 58 in blocks (CryptoNote) and as one number (Bitcoin), Keccak-256, SHA-256 and
 * bech32's sum. Integer work on one address of at most MAX_WALLET_CHARS characters, whose state lies in a map. */
#ifndef CRYPTNONO_WALLET_SUMS_BPF_H
#define CRYPTNONO_WALLET_SUMS_BPF_H

#include "search.bpf.h"

#define CRYPTONOTE_BLOCK_CHARS 11
#define SUM_BYTES 4
/* Of Keccak-256; what is hashed here is shorter. */
#define KECCAK_RATE_BYTES 136
#define NUMBER_LIMBS 7
/* BIP 173, BIP 350 */
#define BECH32_SUM 1
#define BECH32M_SUM 0x2bc830a3

/* One run, looked at. */
struct wallet_state {
	__u64 at; /* in the buffer */
	__u32 chars;
	__u32 wanted; /* a bit for each encoding in which it may be an address that is looked for; */
	__u32 valid; /* and in which it is one */
	__u32 decoded; /* a bit for each base 58 in which it is a number of a possible size */
	__u32 hrp_chars; /* of the bech32 kind that it may be */
	__u32 bytes[2]; /* decoded, by encoding */
	__u64 prefix[2];
	__u64 letters; /* the first eight characters, small */
	__u32 polymod;
	__u32 version; /* the first character behind a human-readable part */
	__u8 text[MAX_WALLET_CHARS + 1 + 8];
	__u8 blocks[192] __attribute__((aligned(8))); /* decoded in blocks */
	__u8 number[64] __attribute__((aligned(8))); /* decoded as one number, the highest byte first */
	__u32 limbs[NUMBER_LIMBS + 1];
	__u64 lanes[25];
	__u64 moved[25];
	__u64 columns[5];
	__u32 words[16];
	__u32 sha[8];
	__u32 work[8];
};

/* By copy of the exec program. Written and read by it alone. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct wallet_state);
} wallet_states SEC(".maps");

struct sum_walk {
	__u32 turns;
	__u32 broken; /* it is none */
	struct wallet_state *w;
};

/* No digit. */
#define NOT 255

static const __u8 base58_digit[128] = {
	NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT,
	NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT,
	NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT,
	NOT,   0,   1,   2,   3,   4,   5,   6,   7,   8, NOT, NOT, NOT, NOT, NOT, NOT,
	NOT,   9,  10,  11,  12,  13,  14,  15,  16, NOT,  17,  18,  19,  20,  21, NOT,
	 22,  23,  24,  25,  26,  27,  28,  29,  30,  31,  32, NOT, NOT, NOT, NOT, NOT,
	NOT,  33,  34,  35,  36,  37,  38,  39,  40,  41,  42,  43, NOT,  44,  45,  46,
	 47,  48,  49,  50,  51,  52,  53,  54,  55,  56,  57, NOT, NOT, NOT, NOT, NOT,
};

static const __u8 bech32_digit[128] = {
	NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT,
	NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT,
	NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT,
	 15, NOT,  10,  17,  21,  20,  26,  30,   7,   5, NOT, NOT, NOT, NOT, NOT, NOT,
	NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT,
	NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT, NOT,
	NOT,  29, NOT,  24,  13,  25,   9,   8,  23, NOT,  18,  22,  31,  27,  19, NOT,
	  1,   0,   3,  16,  11,  28,  12,  14,   6,   4,   2, NOT, NOT, NOT, NOT, NOT,
};

static const __u64 keccak_constant[24] = {
	0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000,
	0x000000000000808b, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
	0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
	0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003,
	0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
	0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

static const __u32 sha_constant[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/* Where it starts; a function, as clang puts an array of this size where libbpf does not look. */
static __always_inline __u32 sha_start(int i)
{
	return i == 0 ? 0x6a09e667 :
	       i == 1 ? 0xbb67ae85 :
	       i == 2 ? 0x3c6ef372 :
	       i == 3 ? 0xa54ff53a :
	       i == 4 ? 0x510e527f :
	       i == 5 ? 0x9b05688c :
	       i == 6 ? 0x1f83d9ab :
			0x5be0cd19;
}

/* ---- base 58 ---- */

/* Bytes that so many characters of a block stand for (monero src/common/base58.cpp). Longer than it need be: clang puts an array
 * of 16 bytes where libbpf does not look. */
static const __u8 block_bytes[24] = { 0, 0, 1, 2, 0, 3, 4, 5, 0, 6, 7, 8 };

/* 58 times this and a digit of 23 are 2^64 - 1. */
#define LAST_TIMES_58 318047311615681924ULL
#define LAST_DIGIT 23

LOOP_BODY(decode_block, struct sum_walk)
{
	struct wallet_state *w = ctx->w;
	__u32 from = turn * CRYPTONOTE_BLOCK_CHARS, n = w->chars - from, size;
	__u64 value = 0;

	if (from >= w->chars)
		return 1;
	if (n > CRYPTONOTE_BLOCK_CHARS)
		n = CRYPTONOTE_BLOCK_CHARS;
	size = block_bytes[n & 15];
#pragma unroll
	for (__u32 i = 0; i < CRYPTONOTE_BLOCK_CHARS; i++) {
		if (i < n) {
			__u64 digit = base58_digit[w->text[(from + i) & MAX_WALLET_CHARS] & 127];

			if (digit == NOT)
				ctx->broken = 1;
			if (i == CRYPTONOTE_BLOCK_CHARS - 1 &&
			    (value > LAST_TIMES_58 || (value == LAST_TIMES_58 && digit > LAST_DIGIT)))
				ctx->broken = 1;
			value = value * 58 + digit;
		}
	}
	if (size == 0 || (size < 8 && value >> ((size * 8) & 63)))
		ctx->broken = 1;
	if (ctx->broken)
		return 1;
	*(__u64 *)(w->blocks + (turn & 15) * 8) = __builtin_bswap64(value << ((64 - size * 8) & 63));
	w->bytes[WALLET_CRYPTONOTE] += size;
	return 0;
}

/* The run as CryptoNote's base 58, and the varint in front. A global function, as those that follow: verified once. */
__attribute__((noinline)) int decode_blocks(__u32 copy)
{
	struct wallet_state *w = bpf_map_lookup_elem(&wallet_states, &copy);
	struct sum_walk walk = { .w = w };
	__u64 prefix = 0;
	__u32 varint = 1;

	if (!w)
		return 0;
	w->bytes[WALLET_CRYPTONOTE] = 0;
	forget(&walk.broken, sizeof(walk.broken));
	LOOP(decode_block, MAX_WALLET_CHARS / CRYPTONOTE_BLOCK_CHARS + 1, &walk);
	if (walk.broken)
		return 0;
#pragma unroll
	for (__u32 i = 0; i < 8; i++) {
		if (varint) {
			prefix |= (__u64)(w->blocks[i] & 0x7f) << (7 * i);
			varint = w->blocks[i] >> 7;
		}
	}
	w->prefix[WALLET_CRYPTONOTE] = prefix;
	w->decoded |= 1U << WALLET_CRYPTONOTE;
	return 0;
}

LOOP_BODY(add_digit, struct sum_walk)
{
	struct wallet_state *w = ctx->w;
	__u64 carry = base58_digit[w->text[turn & MAX_WALLET_CHARS] & 127];

	if (carry == NOT)
		ctx->broken = 1;
#pragma unroll
	for (int i = 0; i < NUMBER_LIMBS; i++) {
		carry += w->limbs[i] * 58ULL;
		w->limbs[i] = carry;
		carry >>= 32;
	}
	if (carry)
		ctx->broken = 1;
	return ctx->broken;
}

LOOP_BODY(take_byte, struct sum_walk)
{
	struct wallet_state *w = ctx->w;
	__u32 from = w->bytes[WALLET_BASE58CHECK] - 1 - turn;

	if (turn >= w->bytes[WALLET_BASE58CHECK])
		return 1;
	w->number[turn & 31] = w->limbs[(from / 4) & 7] >> (from % 4 * 8);
	return 0;
}

LOOP_BODY(count_one, struct sum_walk)
{
	if (ctx->w->text[turn & MAX_WALLET_CHARS] != '1')
		return 1;
	ctx->w->bytes[WALLET_BASE58CHECK]++;
	return 0;
}

/* The run as Bitcoin's base 58: each 1 in front is a byte of zeros. */
__attribute__((noinline)) int decode_number(__u32 copy)
{
	struct wallet_state *w = bpf_map_lookup_elem(&wallet_states, &copy);
	struct sum_walk walk = { .w = w };
	__u32 bytes = 0;

	if (!w)
		return 0;
	w->bytes[WALLET_BASE58CHECK] = 0;
	forget(&walk.broken, sizeof(walk.broken));
	LOOP(count_one, w->chars, &walk);
	LOOP(add_digit, w->chars, &walk);
	if (walk.broken)
		return 0;
#pragma unroll
	for (int i = 0; i < NUMBER_LIMBS * 4; i++)
		if (w->limbs[i / 4] >> (i % 4 * 8) & 0xff)
			bytes = i + 1;
	bytes += w->bytes[WALLET_BASE58CHECK];
	w->bytes[WALLET_BASE58CHECK] = bytes;
	/* A version of one byte or two, the hash's twenty, the sum's four. */
	if (bytes != 25 && bytes != 26)
		return 0;
	LOOP(take_byte, bytes, &walk);
	w->prefix[WALLET_BASE58CHECK] = bytes == 25 ? w->number[0] : w->number[0] << 8 | w->number[1];
	w->decoded |= 1U << WALLET_BASE58CHECK;
	return 0;
}

/* ---- Keccak-256 ---- */

static __always_inline __u64 rotate64(__u64 value, __u32 by)
{
	return by ? value << by | value >> (64 - by) : value;
}

/* FIPS 202, 3.2: theta, rho and pi in one, chi, iota. Between two steps nothing is kept: the stack is not for it. */
LOOP_BODY(keccak_round, struct sum_walk)
{
	static const __u8 turned[25] = { 0,  1,  62, 28, 27, 36, 44, 6,  55, 20, 3,  10, 43,
					 25, 39, 41, 45, 15, 21, 8,  18, 2,  61, 56, 14 };
	struct wallet_state *w = ctx->w;

#pragma unroll
	for (int x = 0; x < 5; x++) {
		w->columns[x] = w->lanes[x] ^ w->lanes[x + 5] ^ w->lanes[x + 10] ^ w->lanes[x + 15] ^ w->lanes[x + 20];
		barrier();
	}
#pragma unroll
	for (int x = 0; x < 5; x++) {
		__u64 d = w->columns[(x + 4) % 5] ^ rotate64(w->columns[(x + 1) % 5], 1);

#pragma unroll
		for (int y = 0; y < 5; y++) {
			w->moved[y + 5 * ((2 * x + 3 * y) % 5)] = rotate64(w->lanes[x + 5 * y] ^ d, turned[x + 5 * y]);
			barrier();
		}
	}
#pragma unroll
	for (int y = 0; y < 25; y += 5) {
#pragma unroll
		for (int x = 0; x < 5; x++)
			w->lanes[x + y] = w->moved[x + y] ^ (~w->moved[(x + 1) % 5 + y] & w->moved[(x + 2) % 5 + y]);
		barrier();
	}
	w->lanes[0] ^= keccak_constant[turn < 24 ? turn : 0];
	return 0;
}

/* Whether the last four of the decoded bytes are the hash's first. */
__attribute__((noinline)) int is_keccak_sum(__u32 copy)
{
	struct wallet_state *w = bpf_map_lookup_elem(&wallet_states, &copy);
	struct sum_walk walk = { .w = w };
	__u32 end, sum;

	if (!w)
		return 0;
	end = w->bytes[WALLET_CRYPTONOTE] - SUM_BYTES;
	barrier_var(end);
	if (end >= KECCAK_RATE_BYTES - SUM_BYTES)
		return 0;
	sum = *(__u32 *)(w->blocks + end);
	*(__u32 *)(w->blocks + end) = 1; /* the padding's beginning; zeros follow */
	w->blocks[KECCAK_RATE_BYTES - 1] ^= 0x80;
#pragma unroll
	for (int i = 0; i < 25; i++)
		w->lanes[i] = i < KECCAK_RATE_BYTES / 8 ? *(__u64 *)(w->blocks + i * 8) : 0;
	LOOP(keccak_round, 24, &walk);
	return (__u32)w->lanes[0] == sum;
}

/* ---- SHA-256 ---- */

static __always_inline __u32 rotate32(__u32 value, __u32 by)
{
	return value >> by | value << (32 - by);
}

/* FIPS 180-4, 6.2.2 */
LOOP_BODY(sha_round, struct sum_walk)
{
	struct wallet_state *w = ctx->w;
	__u32 a = w->work[0], e = w->work[4], word = w->words[turn & 15], first, second;

	if (turn >= 16) {
		__u32 b = w->words[(turn - 15) & 15], c = w->words[(turn - 2) & 15];

		word += (rotate32(b, 7) ^ rotate32(b, 18) ^ b >> 3) + w->words[(turn - 7) & 15] +
			(rotate32(c, 17) ^ rotate32(c, 19) ^ c >> 10);
		w->words[turn & 15] = word;
	}
	first = w->work[7] + (rotate32(e, 6) ^ rotate32(e, 11) ^ rotate32(e, 25)) +
		((e & w->work[5]) ^ (~e & w->work[6])) + sha_constant[turn & 63] + word;
	second = (rotate32(a, 2) ^ rotate32(a, 13) ^ rotate32(a, 22)) +
		 ((a & w->work[1]) ^ (a & w->work[2]) ^ (w->work[1] & w->work[2]));
	w->work[7] = w->work[6];
	w->work[6] = w->work[5];
	w->work[5] = e;
	w->work[4] = w->work[3] + first;
	w->work[3] = w->work[2];
	w->work[2] = w->work[1];
	w->work[1] = a;
	w->work[0] = first + second;
	return 0;
}

/* The hash of one block, which lies in `words`. */
__attribute__((noinline)) int sha_block(__u32 copy)
{
	struct wallet_state *w = bpf_map_lookup_elem(&wallet_states, &copy);
	struct sum_walk walk = { .w = w };

	if (!w)
		return 0;
#pragma unroll
	for (int i = 0; i < 8; i++)
		w->work[i] = sha_start(i);
	LOOP(sha_round, 64, &walk);
#pragma unroll
	for (int i = 0; i < 8; i++)
		w->sha[i] = w->work[i] + sha_start(i);
	return 0;
}

/* Whether the last four of the decoded bytes are the first of the hash of the others' hash. */
__attribute__((noinline)) int is_sha_sum(__u32 copy)
{
	struct wallet_state *w = bpf_map_lookup_elem(&wallet_states, &copy);
	__u32 end, sum;

	if (!w)
		return 0;
	end = w->bytes[WALLET_BASE58CHECK] - SUM_BYTES;
	barrier_var(end);
	if (end > 32)
		return 0;
	sum = *(__u32 *)(w->number + end);
	*(__u32 *)(w->number + end) = 0x80; /* the padding's beginning; zeros follow */
#pragma unroll
	for (int i = 0; i < 15; i++)
		w->words[i] = i < 9 ? __builtin_bswap32(*(__u32 *)(w->number + i * 4)) : 0;
	w->words[15] = end * 8;
	sha_block(copy);
#pragma unroll
	for (int i = 0; i < 15; i++)
		w->words[i] = i < 8 ? w->sha[i] : i == 8 ? 0x80000000 : 0;
	w->words[15] = 256;
	sha_block(copy);
	return __builtin_bswap32(w->sha[0]) == sum;
}

/* ---- bech32 ---- */

/* BIP 173: the letters' upper bits, a zero, their lower ones, the digits. */
LOOP_BODY(bech32_step, struct sum_walk)
{
	struct wallet_state *w = ctx->w;
	__u32 letters = w->hrp_chars, sum = w->polymod, top = sum >> 25, value;

	if (turn < letters) {
		value = (w->text[turn & MAX_WALLET_CHARS] | 0x20) >> 5;
	} else if (turn == letters) {
		value = 0;
	} else if (turn <= 2 * letters) {
		value = w->text[(turn - letters - 1) & MAX_WALLET_CHARS] & 31;
	} else {
		__u8 c = w->text[(turn - letters) & MAX_WALLET_CHARS];

		value = bech32_digit[(c >= 'A' && c <= 'Z' ? c | 0x20 : c) & 127];
		if (value == NOT) {
			ctx->broken = 1;
			return 1;
		}
		if (turn == 2 * letters + 1)
			w->version = value;
	}
	sum = (sum & 0x1ffffff) << 5 ^ value;
	sum ^= top & 1 ? 0x3b6a57b2 : 0;
	sum ^= top & 2 ? 0x26508e6d : 0;
	sum ^= top & 4 ? 0x1ea119fa : 0;
	sum ^= top & 8 ? 0x3d4233dd : 0;
	sum ^= top & 16 ? 0x2a1462b3 : 0;
	w->polymod = sum;
	return 0;
}

/* Which sum a run has whose letters are known: a bit for each encoding. */
__attribute__((noinline)) int bech32_sums(__u32 copy)
{
	struct wallet_state *w = bpf_map_lookup_elem(&wallet_states, &copy);
	struct sum_walk walk = { .w = w };
	__u32 sums = 0;

	if (!w || w->hrp_chars > 8 || w->chars > MAX_WALLET_CHARS)
		return 0;
	w->polymod = 1;
	forget(&walk.broken, sizeof(walk.broken));
	LOOP(bech32_step, w->chars + w->hrp_chars, &walk);
	if (walk.broken)
		return 0;
	if (w->polymod == BECH32_SUM)
		sums = 1U << WALLET_BECH32;
	if (w->polymod == (w->version == 0 ? BECH32_SUM : BECH32M_SUM))
		sums |= 1U << WALLET_SEGWIT;
	return sums;
}

#endif
