// SPDX-License-Identifier: Apache-2.0
/* Says something over the network, as miners and others do:
 *   say tcp|tfo|mptcp ADDRESS PORT HEX...   a packet for each piece; tells how many bytes the other side got
 *   say ask|ask-unconnected|ask-tcp SERVER NAME [PORT]   a question of DNS; tells the answer, and with a port connects to it
 *   say connect ADDRESS PORT
 * "refused": EPERM; else an error's number. 77: this kernel has no such way. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "address.h"

static int failed(const char *what)
{
	if (errno == EPERM)
		printf("%s refused\n", what);
	else
		printf("%s error %d\n", what, errno);
	return 1;
}

static size_t unhex(const char *hex, unsigned char *bytes)
{
	size_t n = strlen(hex) / 2;

	for (size_t i = 0; i < n; i++)
		sscanf(hex + 2 * i, "%2hhx", &bytes[i]);
	return n;
}

/* Longer than it takes the agent to kill, on a machine that is busy. */
static void patience(int fd, int seconds)
{
	struct timeval wait = { .tv_sec = seconds };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
}

static int say(const char *way, char **pieces, int count)
{
	static unsigned char bytes[1 << 16];
	int one = 1, is_mptcp = !strcmp(way, "mptcp"), first = 0;
	int fd = socket(to.ss_family, SOCK_STREAM, is_mptcp ? IPPROTO_MPTCP : 0);
	char answer[64] = "";
	size_t sent = 0, n;

	if (fd < 0)
		return 77;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	patience(fd, 20);
	if (!strcmp(way, "tfo")) {
		n = unhex(pieces[0], bytes);
		if (sendto(fd, bytes, n, MSG_FASTOPEN, (void *)&to, to_length) < 0)
			return failed("connect");
		sent = n;
		first = 1;
	} else if (connect(fd, (void *)&to, to_length)) {
		return failed("connect");
	}
	for (int i = first; i < count; i++) {
		n = unhex(pieces[i], bytes);
		if (send(fd, bytes, n, MSG_NOSIGNAL) < 0)
			return failed("send");
		sent += n;
	}
	shutdown(fd, SHUT_WR);
	if (recv(fd, answer, sizeof(answer) - 1, 0) <= 0)
		return failed("answer");
	printf("sent %zu got %s\n", sent, answer);
	return 0;
}

static int try_connect(void)
{
	int fd = socket(to.ss_family, SOCK_STREAM, 0);

	if (connect(fd, (void *)&to, to_length))
		return failed("connect");
	puts("connected");
	return 0;
}

static size_t question(const char *name, unsigned char *q)
{
	static const unsigned char head[12] = { 0, 7, 1, 0, 0, 1 };
	size_t at = sizeof(head);

	memcpy(q, head, sizeof(head));
	while (*name) {
		size_t n = strcspn(name, ".");

		q[at++] = n;
		memcpy(q + at, name, n);
		at += n;
		name += n + (name[n] == '.');
	}
	memcpy(q + at, "\0\0\1\0\1", 5);
	return at + 5;
}

static int ask(const char *way, const char *name, const char *port)
{
	int is_tcp = !strcmp(way, "ask-tcp"), is_connected = strcmp(way, "ask-unconnected");
	int fd = socket(to.ss_family, is_tcp ? SOCK_STREAM : SOCK_DGRAM, 0);
	unsigned char q[600], answer[1024];
	size_t n = question(name, q + 2);
	char text[64];
	ssize_t got;

	/* A question that is dropped fails at once by UDP. By TCP it is waited for. */
	patience(fd, is_tcp ? 2 : 20);
	if (is_connected && connect(fd, (void *)&to, to_length))
		return failed("server");
	q[0] = n >> 8;
	q[1] = n;
	if (is_tcp)
		got = send(fd, q, n + 2, MSG_NOSIGNAL);
	else if (is_connected)
		got = send(fd, q + 2, n, 0);
	else
		got = sendto(fd, q + 2, n, 0, (void *)&to, to_length);
	if (got < 0)
		return failed("question");
	got = recv(fd, answer, sizeof(answer), 0);
	if (got < 16)
		return failed("answer");
	close(fd);
	/* The server puts an A record last. */
	inet_ntop(AF_INET, answer + got - 4, text, sizeof(text));
	printf("%s\n", text);
	fflush(stdout);
	if (!port)
		return 0;
	parse(text, atoi(port));
	return try_connect();
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 98;
	if (!strncmp(argv[1], "ask", 3)) {
		parse(argv[2], 53);
		return ask(argv[1], argv[3], argv[4]);
	}
	parse(argv[2], atoi(argv[3]));
	if (!strcmp(argv[1], "connect"))
		return try_connect();
	return say(argv[1], argv + 4, argc - 4);
}
