// SPDX-License-Identifier: Apache-2.0
/* Times connects: connect-cost WHAT COUNT, where WHAT is udp4, udp6, random4 (a UDP connect to another address each), tcp (to a listener
 * of its own, and closed) or public (a TCP connect to a public address, which must answer: in a network of its own). Tells nanoseconds
 * for one, the best of eight parts. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static void *accept_all(void *listener)
{
	for (;;)
		close(accept((int)(long)listener, NULL, NULL));
	return NULL;
}

static struct sockaddr_in v4 = { .sin_family = AF_INET };
static struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };

static void udp(int family, int count, int random)
{
	int fd = socket(family, SOCK_DGRAM, 0);

	for (int i = 0; i < count; i++) {
		if (random)
			v4.sin_addr.s_addr = htonl(0xc6120000 | (rand() & 0x1ffff)); /* 198.18.0.0/15 */
		if (family == AF_INET)
			connect(fd, (void *)&v4, sizeof(v4));
		else
			connect(fd, (void *)&v6, sizeof(v6));
	}
	close(fd);
}

static void tcp(int count)
{
	for (int i = 0; i < count; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		connect(fd, (void *)&v4, sizeof(v4));
		close(fd);
	}
}

int main(int argc, char **argv)
{
	const char *what = argc == 3 ? argv[1] : "";
	int count = argc == 3 ? atoi(argv[2]) / 8 : 0;
	double best = 1e18;

	v4.sin_port = v6.sin6_port = htons(9);
	inet_pton(AF_INET, "192.0.2.2", &v4.sin_addr);
	inet_pton(AF_INET6, "::1", &v6.sin6_addr);
	if (!strcmp(what, "tcp")) {
		int listener = socket(AF_INET, SOCK_STREAM, 0);
		socklen_t length = sizeof(v4);
		pthread_t thread;

		inet_pton(AF_INET, "127.0.0.1", &v4.sin_addr);
		v4.sin_port = 0;
		if (bind(listener, (void *)&v4, sizeof(v4)) || listen(listener, 512) || getsockname(listener, (void *)&v4, &length))
			return 99;
		pthread_create(&thread, NULL, accept_all, (void *)(long)listener);
	}
	if (!strcmp(what, "public"))
		inet_pton(AF_INET, "8.8.8.8", &v4.sin_addr);
	for (int part = 0; part < 8; part++) {
		double begin = now_ns(), each;

		if (!strcmp(what, "tcp") || !strcmp(what, "public"))
			tcp(count);
		else
			udp(!strcmp(what, "udp6") ? AF_INET6 : AF_INET, count, !strcmp(what, "random4"));
		each = (now_ns() - begin) / count;
		best = each < best ? each : best;
	}
	printf("%.0f\n", best);
	return 0;
}
