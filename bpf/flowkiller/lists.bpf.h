/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the lists say of a destination. */
#ifndef CRYPTNONO_FLOWKILLER_LISTS_BPF_H
#define CRYPTNONO_FLOWKILLER_LISTS_BPF_H

#include <bpf/bpf_endian.h>

static __always_inline struct listed *find_network(void *slots4, void *slots6, __u32 slot, const __u32 *address, bool is_v4)
{
	void *networks;

	if (is_v4) {
		struct network4 key = { .bits = 32, .address = address[3] };

		networks = bpf_map_lookup_elem(slots4, &slot);
		return networks ? bpf_map_lookup_elem(networks, &key) : NULL;
	} else {
		struct network6 key = { .bits = 128, .address = { address[0], address[1], address[2], address[3] } };

		networks = bpf_map_lookup_elem(slots6, &slot);
		return networks ? bpf_map_lookup_elem(networks, &key) : NULL;
	}
}

/* The entry that bans the destination, or NO_ENTRY. */
static __always_inline __u32 find_banned(__u32 slot, const __u32 *address, __u32 port, bool is_v4)
{
	struct listed *l = find_network(&banned4_slots, &banned6_slots, slot, address, is_v4);
	struct listed_port key = { .port = port };
	void *ports;
	__u32 *entry;

	if (!l)
		return NO_ENTRY;
	if (l->entry != NO_ENTRY || !l->ports)
		return l->entry;
	key.ports = l->ports;
	ports = bpf_map_lookup_elem(&ports_slots, &slot);
	entry = ports ? bpf_map_lookup_elem(ports, &key) : NULL;
	return entry ? *entry : NO_ENTRY;
}

static __always_inline bool is_allowed(__u32 slot, const __u32 *address, bool is_v4)
{
	return find_network(&allowed4_slots, &allowed6_slots, slot, address, is_v4) != NULL;
}

#define MAPPED bpf_htonl(0xffff)
/* RFC 6052: the prefix by which NAT64 reaches IPv4 addresses. */
#define NAT64 bpf_htonl(0x0064ff9b)

static __always_inline bool is_mapped(const __u32 *address)
{
	return !address[0] && !address[1] && address[2] == MAPPED;
}

/* An IPv4 address in whatever clothes: as ::ffff:a.b.c.d. */
static __always_inline bool unwrap(__u32 *address)
{
	if (is_mapped(address))
		return true;
	if (address[0] != NAT64 || address[1] || address[2])
		return false;
	address[0] = 0;
	address[2] = MAPPED;
	return true;
}

#endif
