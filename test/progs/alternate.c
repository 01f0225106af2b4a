// SPDX-License-Identifier: Apache-2.0
/* Asks for two destinations in turn, as fast as it can, by UDP connects, which send nothing: alternate REFUSED PASSED, until its
 * standard input ends. Tells "asked 12 wrong 0". */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int ask(int fd, const char *address)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };

	inet_pton(AF_INET, address, &to.sin_addr);
	return connect(fd, (void *)&to, sizeof(to)) ? errno : 0;
}

int main(int argc, char **argv)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	unsigned long asked = 0, wrong = 0;
	struct pollfd input = { .fd = 0, .events = POLLIN };

	if (argc != 3)
		return 98;
	puts("begun");
	fflush(stdout);
	while (!poll(&input, 1, 0)) {
		for (int i = 0; i < 100; i++) {
			wrong += ask(fd, argv[1]) != EPERM;
			wrong += ask(fd, argv[2]) != 0;
			asked += 2;
		}
	}
	printf("asked %lu wrong %lu\n", asked, wrong);
	return 0;
}
