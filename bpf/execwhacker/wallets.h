/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The border's part about wallets: which addresses are looked for, as user space writes them into a slot. */
#ifndef CRYPTNONO_WALLETS_H
#define CRYPTNONO_WALLETS_H

enum wallet_limits {
	MAX_WALLET_KINDS = 256,
	/* The longest run that may be an address. A power of two less one: the verifier takes the mask as the bound. */
	MAX_WALLET_CHARS = 127,
	/* The shortest: eight characters are looked at in one step, and short ones would be everywhere. */
	LEAST_WALLET_CHARS = 16,
	/* What the parts cost, in the units of WORK_*: eight bytes of text; a run's base 58 decoded, in blocks and as one number;
	 * Keccak-256; SHA-256 twice; the sum of a bech32 address; a kind that a run is held against. */
	WORK_WALLET_STEP = 3,
	WORK_WALLET_BLOCKS = 400,
	WORK_WALLET_NUMBER = 700,
	WORK_WALLET_KECCAK = 3500,
	WORK_WALLET_SHA = 2500,
	WORK_WALLET_BECH32 = 700,
	WORK_WALLET_KIND = 6,
};

enum wallet_encoding {
	/* Base 58 in blocks of 8 bytes; a varint, the keys, four bytes of their Keccak-256. */
	WALLET_CRYPTONOTE = 0,
	/* Base 58 as one number; a version, a hash, four bytes of their double SHA-256. */
	WALLET_BASE58CHECK = 1,
	/* BIP 173 and BIP 350: which of the two the version says. */
	WALLET_SEGWIT = 2,
	/* BIP 173's sum over something else. */
	WALLET_BECH32 = 3,
	WALLET_ENCODINGS,
};

struct wallet_kind {
	__u64 prefix; /* the varint's value; the version; the human-readable part's letters, the first one lowest */
	__u32 string_id;
	__u8 encoding; /* enum wallet_encoding */
	__u8 bytes; /* that are decoded, with the sum; of bech32: letters of the human-readable part */
	__u8 least_chars;
	__u8 most_chars;
	__u8 mode; /* enum string_mode */
	__u8 action; /* enum string_action */
	__u8 allow_set;
	__u8 scope; /* enum string_scope */
	__u8 reserved[4];
};

struct wallet_table {
	__u32 count;
	__u32 least_chars; /* of all kinds */
	__u32 may_kill; /* some kind's action is to kill */
	__u32 is_scoped; /* some kind counts in some places alone */
	__u64 lengths[WALLET_ENCODINGS][2]; /* a bit for each length in characters that some kind has */
	struct wallet_kind kinds[MAX_WALLET_KINDS];
};

#endif
