// SPDX-License-Identifier: Apache-2.0
/* A destination that does not answer: a listener of the program's own whose queue is full. It connects to it, gives up after the
 * second SYN, and connects again at once: tells "first N second M", the errors (115 is EINPROGRESS: no answer yet). */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in to = { .sin_family = AF_INET };

static int begin(int *fd)
{
	*fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	return connect(*fd, (void *)&to, sizeof(to)) ? errno : 0;
}

int main(int argc, char **argv)
{
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd, first, second;
	struct pollfd ready;

	if (argc != 2)
		return 98;
	to.sin_port = htons(4000);
	inet_pton(AF_INET, argv[1], &to.sin_addr);
	if (bind(listener, (void *)&to, sizeof(to)) || listen(listener, 0)) {
		perror("listen");
		return 99;
	}
	/* The queue holds one more than was asked for. */
	for (int i = 0; i < 3; i++) {
		begin(&fd);
		ready = (struct pollfd){ .fd = fd, .events = POLLOUT };
		poll(&ready, 1, 50);
	}
	first = begin(&fd);
	ready = (struct pollfd){ .fd = fd, .events = POLLOUT };
	/* A second SYN follows after a second (linux include/net/tcp.h, TCP_TIMEOUT_INIT). */
	poll(&ready, 1, 2500);
	close(fd);
	second = begin(&fd);
	printf("first %d second %d\n", first, second);
	return 0;
}
