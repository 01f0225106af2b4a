// SPDX-License-Identifier: Apache-2.0
/* Swaps an argument while the kernel copies it: a thread turns argv[1] between the last two words as fast as it can, and the
 * other executes. Does so argv[1] times; tells how often the child died of SIGKILL, and how often it ended well. */
#include "words.h"
#include <pthread.h>

static char **words;
static char *volatile *place;

static void *swap(void *unused)
{
	for (;;) {
		*place = words[3];
		*place = words[2];
	}
	return unused;
}

static void execute(void)
{
	char *arguments[] = { words[1], words[2], NULL };
	pthread_t thread;

	place = (char *volatile *)&arguments[1];
	if (pthread_create(&thread, NULL, swap, NULL))
		die("pthread_create");
	execve(words[0], arguments, environ);
	die("execve");
}

int main(int argc, char **argv)
{
	int killed = 0, ended = 0, status;

	words = read_words();
	for (int i = argc > 1 ? atoi(argv[1]) : 1; i > 0; i--) {
		pid_t child = fork();

		if (child == 0)
			execute();
		if (child < 0 || waitpid(child, &status, 0) < 0)
			die("fork");
		killed += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
		ended += WIFEXITED(status) && WEXITSTATUS(status) == 0;
	}
	fprintf(stderr, "killed %d ended %d\n", killed, ended);
	return 0;
}
