/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The kernel's sockets, as much of them as is read here. */
#ifndef CRYPTNONO_FLOWKILLER_SOCKET_BPF_H
#define CRYPTNONO_FLOWKILLER_SOCKET_BPF_H

#include "../lib/kernel.bpf.h"
#include <linux/in.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct sock_common {
	unsigned short skc_family;
	__u16 skc_dport;
	__u32 skc_daddr;
	struct {
		__u32 words[4];
	} skc_v6_daddr;
};

struct sock {
	struct sock_common __sk_common;
	int sk_err;
};

struct inet_connection_sock {
	__u8 icsk_retransmits;
};

#pragma clang attribute pop

#endif
