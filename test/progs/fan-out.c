// SPDX-License-Identifier: Apache-2.0
/* Connects to many destinations: fan-out HOW COUNT BASE [END]. They are 8.BASE.0.1 and on, port 80; with `ports` one address's ports.
 * HOW: one process, `threads` (or `threads500`), a `fork` each, or each in a session of its own (`setsid`); `udp` connects send nothing; `private`.
 * Tells how often each answer came: "connected 1 denied 2 refused 3 killed 4", where denied is EPERM, refused ECONNREFUSED and
 * killed are children. It stays until there is a file END, to be looked at or killed, a minute at most. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST_THREADS 2000

enum { CONNECTED, DENIED, REFUSED, OTHER, KILLED, ANSWERS };
static unsigned long answers[ANSWERS];
static const char *how;
static int count, base, thread_count = 8;

static int reach(int number)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(80) };
	unsigned first = !strcmp(how, "private") ? 10 : 8;
	int fd = socket(AF_INET, (!strcmp(how, "udp") ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0), result;

	to.sin_addr.s_addr = htonl(first << 24 | (unsigned)base << 16 | (number / 250) << 8 | (number % 250 + 1));
	if (!strcmp(how, "ports")) {
		to.sin_addr.s_addr = htonl(first << 24 | (unsigned)base << 16 | 1);
		to.sin_port = htons(1000 + number);
	}
	result = connect(fd, (void *)&to, sizeof(to)) ? errno : 0;
	close(fd);
	return !result ? CONNECTED : result == EPERM ? DENIED : result == ECONNREFUSED ? REFUSED : OTHER;
}

static void note(int answer)
{
	__atomic_add_fetch(&answers[answer], 1, __ATOMIC_RELAXED);
}

static void *reach_some(void *from)
{
	for (int i = (int)(long)from; i < count; i += thread_count)
		note(reach(i));
	return NULL;
}

static void by_threads(void)
{
	static pthread_t threads[MOST_THREADS];

	for (long i = 0; i < thread_count; i++)
		pthread_create(&threads[i], NULL, reach_some, (void *)i);
	for (int i = 0; i < thread_count; i++)
		pthread_join(threads[i], NULL);
}

static void by_child(int number)
{
	pid_t child = fork();
	int status = 0;

	if (!child) {
		if (!strcmp(how, "setsid"))
			setsid();
		_exit(reach(number));
	}
	waitpid(child, &status, 0);
	note(WIFSIGNALED(status) ? KILLED : WEXITSTATUS(status));
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 98;
	how = argv[1];
	count = atoi(argv[2]);
	base = atoi(argv[3]);
	if (sscanf(how, "threads%d", &thread_count) == 1 && (thread_count < 1 || thread_count > MOST_THREADS))
		return 98;
	if (!strncmp(how, "threads", 7))
		by_threads();
	else
		for (int i = 0; i < count; i++) {
			if (!strcmp(how, "fork") || !strcmp(how, "setsid"))
				by_child(i);
			else
				note(reach(i));
		}
	printf("connected %lu denied %lu refused %lu other %lu killed %lu\n", answers[CONNECTED], answers[DENIED], answers[REFUSED],
	       answers[OTHER], answers[KILLED]);
	fflush(stdout);
	for (int i = 0; argc > 4 && i < 6000 && access(argv[4], F_OK); i++)
		usleep(10000);
	return 0;
}
