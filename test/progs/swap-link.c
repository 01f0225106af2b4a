// SPDX-License-Identifier: Apache-2.0
/* Executes a link while a thread turns it between two programs. Words: the first program, the second, the link, an argument. Does
 * so argv[1] times; tells how many children ran to their end, how many died of SIGKILL, and how many of the former had the
 * second program when they began («wrong»). */
#define _GNU_SOURCE
#include "words.h"
#include <pthread.h>
#include <signal.h>
#include <sys/ptrace.h>

static char **words;

static void *swap(void *unused)
{
	char fresh[4200];

	snprintf(fresh, sizeof(fresh), "%s.fresh", words[2]);
	for (;;)
		for (int i = 0; i < 2; i++) {
			unlink(fresh);
			if (symlink(words[i], fresh) || rename(fresh, words[2]))
				die("symlink");
		}
	return unused;
}

int main(int argc, char **argv)
{
	int ran = 0, killed = 0, wrong = 0, status;
	char *arguments[3] = { "v" }, exe[4200], link[64];
	pthread_t thread;

	words = read_words();
	arguments[1] = words[3];
	if (symlink(words[0], words[2]) || pthread_create(&thread, NULL, swap, NULL))
		die("begin");
	for (int i = argc > 1 ? atoi(argv[1]) : 1; i > 0; i--) {
		pid_t child = fork();

		if (child == 0) {
			ptrace(PTRACE_TRACEME, 0, NULL, NULL);
			execve(words[2], arguments, environ);
			_exit(99);
		}
		if (child < 0 || waitpid(child, &status, 0) < 0)
			die("fork");
		if (WIFSTOPPED(status)) {
			ssize_t n;

			snprintf(link, sizeof(link), "/proc/%d/exe", child);
			n = readlink(link, exe, sizeof(exe) - 1);
			exe[n > 0 ? n : 0] = 0;
			wrong += n > 0 && !strcmp(exe, words[1]);
			ptrace(PTRACE_CONT, child, NULL, NULL);
			waitpid(child, &status, 0);
		}
		ran += WIFEXITED(status) && WEXITSTATUS(status) == 0;
		killed += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	}
	fprintf(stderr, "ran %d killed %d wrong %d\n", ran, killed, wrong);
	return 0;
}
