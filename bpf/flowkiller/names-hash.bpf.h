/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Names, byte by byte, and what the lists say of them and of the names above them. */
#ifndef CRYPTNONO_NAMES_HASH_BPF_H
#define CRYPTNONO_NAMES_HASH_BPF_H

/* RFC 1035, 2.3.4 */
#define MAX_NAME_LENGTH 253

static __always_inline __u8 lower(__u8 c)
{
	return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static __always_inline void name_push(struct name *n)
{
	n->start_hash[5] = n->start_hash[4];
	n->start_hash[4] = n->start_hash[3];
	n->start_hash[3] = n->start_hash[2];
	n->start_hash[2] = n->start_hash[1];
	n->start_hash[1] = n->start_hash[0];
	n->start_hash[0] = n->hash;
	n->start[5] = n->start[4];
	n->start[4] = n->start[3];
	n->start[3] = n->start[2];
	n->start[2] = n->start[1];
	n->start[1] = n->start[0];
	n->start[0] = n->bytes;
	n->labels++;
}

static __always_inline void name_begin(struct name *n)
{
	n->hash = 0;
	n->bytes = 0;
	n->labels = 0;
	n->dot = 0;
	name_push(n);
}

static __always_inline void name_put(struct name *n, __u64 base, __u8 c)
{
	n->hash = n->hash * base + c;
	n->text[n->bytes & (NAME_BYTES - 1)] = c;
	n->bytes++;
}

/* One more byte. A dot at the end is none. */
static __always_inline void name_add(struct name *n, __u64 base, __u8 c)
{
	if (n->bytes > MAX_NAME_LENGTH)
		return;
	if (n->dot) {
		n->dot = 0;
		name_put(n, base, '.');
		name_push(n);
	}
	if (c == '.')
		n->dot = 1;
	else
		name_put(n, base, lower(c));
}

/* The finaliser of MurmurHash3, shortened: the key of a hash map need not be even, but its low bits should differ. */
static __always_inline __u64 name_key(__u64 h)
{
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdULL;
	return h ^ h >> 29;
}

/* What the lists say: of the longest suffix that they name. */
struct said {
	__u32 flags; /* enum name_flags */
	__u32 entry;
};

/* By the suffix that begins with label `i` from the right. */
#define NAME_SUFFIX(i)                                                                                                 \
	do {                                                                                                           \
		if (n->labels > i) {                                                                                   \
			__u32 length = n->bytes - n->start[i];                                                         \
			__u64 key = name_key(n->hash - n->start_hash[i] * s->powers[length & (NAME_BYTES - 1)]);       \
			struct listed_name *l = bpf_map_lookup_elem(names, &key);                                      \
			if (l) {                                                                                       \
				said->flags |= l->flags & NAME_EGRESS;                                                 \
				if (!(said->flags & (NAME_LISTED | NAME_SPARED)) &&                                    \
				    l->flags & (NAME_LISTED | NAME_SPARED)) {                                          \
					said->flags |= l->flags;                                                       \
					said->entry = l->entry;                                                        \
				}                                                                                      \
			}                                                                                              \
		}                                                                                                      \
	} while (0)

static __always_inline void name_find(struct name *n, struct names_settings *s, void *names, struct said *said)
{
	said->flags = 0;
	said->entry = NO_ENTRY;
	if (!n->bytes || n->bytes > MAX_NAME_LENGTH)
		return;
	NAME_SUFFIX(5);
	NAME_SUFFIX(4);
	NAME_SUFFIX(3);
	NAME_SUFFIX(2);
	NAME_SUFFIX(1);
	NAME_SUFFIX(0);
}

static __always_inline bool is_pool(const struct said *said)
{
	return (said->flags & (NAME_LISTED | NAME_SPARED)) == NAME_LISTED;
}

#endif
