/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Which addresses are public: those of the world, that a hoster sees a node talk to. By IANA's special-purpose registries; what other
 * tools count otherwise (100.64.0.0/10, multicast) are settings. */
#ifndef CRYPTNONO_FLOWKILLER_PUBLIC_BPF_H
#define CRYPTNONO_FLOWKILLER_PUBLIC_BPF_H

#include <bpf/bpf_endian.h>

#define IN4(address, a, b, c, d, bits) (((address) ^ ((a) << 24 | (b) << 16 | (c) << 8 | (d))) >> (32 - (bits)) == 0)

static __always_inline bool is_public4(__u32 network_order, __u32 flags)
{
	__u32 a = bpf_ntohl(network_order);

	if (IN4(a, 100U, 64, 0, 0, 10)) /* shared address space, RFC 6598 */
		return flags & FLOW_SHARED_IS_PUBLIC;
	if (IN4(a, 224U, 0, 0, 0, 4))
		return flags & FLOW_MULTICAST_IS_PUBLIC;
	return !(IN4(a, 0U, 0, 0, 0, 8) || IN4(a, 10U, 0, 0, 0, 8) || IN4(a, 127U, 0, 0, 0, 8) || IN4(a, 169U, 254, 0, 0, 16) ||
		 IN4(a, 172U, 16, 0, 0, 12) || IN4(a, 192U, 0, 0, 0, 24) || IN4(a, 192U, 0, 2, 0, 24) ||
		 IN4(a, 192U, 168, 0, 0, 16) || IN4(a, 198U, 18, 0, 0, 15) || IN4(a, 198U, 51, 100, 0, 24) ||
		 IN4(a, 203U, 0, 113, 0, 24) || IN4(a, 240U, 0, 0, 0, 4));
}

static __always_inline bool is_public6(const __u32 *address, __u32 flags)
{
	__u32 first = bpf_ntohl(address[0]), second = bpf_ntohl(address[1]);

	if (first >> 24 == 0xff) /* multicast */
		return flags & FLOW_MULTICAST_IS_PUBLIC;
	if (!first && !second) /* unspecified, loopback, mapped, compatible */
		return false;
	return !(first >> 25 == 0xfc >> 1 || /* unique local */
		 first >> 22 == 0xfe80 >> 6 || /* link-local; fe80::/10 */
		 (first == 0x0064ff9b && second >> 16 == 1) || /* local NAT64 */
		 (first == 0x01000000 && !second) || /* discard-only, 100::/64 */
		 first == 0x20010db8 || /* documentation */
		 first >> 9 == 0x20010000 >> 9); /* IETF's protocol assignments, 2001::/23 */
}

static __always_inline bool is_public(const __u32 *address, bool is_v4, __u32 flags)
{
	return is_v4 ? is_public4(address[3], flags) : is_public6(address, flags);
}

#endif
