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

/* By the suffix that begins with label `i` from the right. */
static __always_inline void name_suffix(struct name *n, struct names_settings *s, void *names, __u32 i)
{
	__u32 length = n->bytes - n->start[i];
	struct listed_name *l;
	__u64 key;

	if (i >= n->labels)
		return;
	key = name_key(n->hash - n->start_hash[i] * s->powers[length & (NAME_BYTES - 1)]);
	l = bpf_map_lookup_elem(names, &key);
	if (!l)
		return;
	n->flags |= l->flags & NAME_EGRESS;
	if (n->flags & (NAME_LISTED | NAME_SPARED) || !(l->flags & (NAME_LISTED | NAME_SPARED)))
		return;
	n->flags |= l->flags;
	n->entry = l->entry;
}

/* What the lists say, of the longest suffix that they name: into flags and entry. Not static, so that it is verified once and by
 * itself. */
__noinline int name_find(struct name *n, struct names_settings *s, __u32 slot)
{
	void *names;

	if (!n || !s)
		return 0;
	n->flags = 0;
	n->entry = NO_ENTRY;
	names = bpf_map_lookup_elem(&names_slots, &slot);
	if (!names || !n->bytes || n->bytes > MAX_NAME_LENGTH)
		return 0;
	name_suffix(n, s, names, 5);
	name_suffix(n, s, names, 4);
	name_suffix(n, s, names, 3);
	name_suffix(n, s, names, 2);
	name_suffix(n, s, names, 1);
	name_suffix(n, s, names, 0);
	return 0;
}

static __always_inline bool is_pool(const struct name *n)
{
	return (n->flags & (NAME_LISTED | NAME_SPARED)) == NAME_LISTED;
}

#endif
