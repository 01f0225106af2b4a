// SPDX-License-Identifier: Apache-2.0
/* An address that is reached for, from the program's arguments. */
#ifndef CRYPTNONO_TEST_ADDRESS_H
#define CRYPTNONO_TEST_ADDRESS_H

#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

static struct sockaddr_storage to;
static socklen_t to_length;

static void parse(const char *address, int port)
{
	struct sockaddr_in *v4 = (void *)&to;
	struct sockaddr_in6 *v6 = (void *)&to;

	if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		to_length = sizeof(*v4);
	} else if (inet_pton(AF_INET6, address, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		to_length = sizeof(*v6);
	} else {
		exit(99);
	}
}

#endif
