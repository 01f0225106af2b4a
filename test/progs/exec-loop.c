// SPDX-License-Identifier: Apache-2.0
/* exec-loop COUNT FILE: vfork and execve, again and again; FILE holds the path and the arguments from argv[0] on, each ended
 * by a NUL. Prints: nanoseconds of the loop by the clock, nanoseconds of CPU (its own and its children's, user and system),
 * how many children a signal ended. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_WORDS (1 << 20)

static long long nanoseconds(struct timeval t)
{
	return t.tv_sec * 1000000000LL + t.tv_usec * 1000LL;
}

static long long cpu_nanoseconds(void)
{
	long long sum = 0;
	struct rusage usage;

	for (int i = 0; i < 2; i++) {
		getrusage(i ? RUSAGE_CHILDREN : RUSAGE_SELF, &usage);
		sum += nanoseconds(usage.ru_utime) + nanoseconds(usage.ru_stime);
	}
	return sum;
}

static long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(int argc, char **argv)
{
	/* The kernel lets arguments have a quarter of the stack's limit. */
	struct rlimit stack = { 64 << 20, 64 << 20 };
	static char *words[MAX_WORDS];
	long long wall, cpu, killed = 0;
	size_t size = 0, room = 8 << 20, count = 0;
	char *text = malloc(room);
	FILE *file;

	if (argc != 3 || !text || !(file = fopen(argv[2], "r")))
		return 2;
	size = fread(text, 1, room, file);
	fclose(file);
	for (char *word = text; word < text + size && count < MAX_WORDS - 1; word += strlen(word) + 1)
		words[count++] = word;
	if (count == 0)
		return 2;
	setrlimit(RLIMIT_STACK, &stack);
	cpu = cpu_nanoseconds();
	wall = now();
	for (long left = atol(argv[1]); left > 0; left--) {
		pid_t pid = vfork();
		int status;

		if (pid == 0) {
			execv(words[0], words + 1);
			_exit(127);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid || (WIFEXITED(status) && WEXITSTATUS(status) == 127))
			return 1;
		killed += WIFSIGNALED(status);
	}
	printf("%lld %lld %lld\n", now() - wall, cpu_nanoseconds() - cpu, killed);
	return 0;
}
