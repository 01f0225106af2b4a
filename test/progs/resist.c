// SPDX-License-Identifier: Apache-2.0
/* A parent that does what it can for its children to run: argv[1] rounds of argv[2] children at one time, and for each further
 * word: "continue" sends them SIGCONT without pause, "trace" traces them and has them go on after each stop, without the signal.
 * Tells how many children printed something, and how many died of SIGKILL. */
#include <signal.h>
#include <sys/ptrace.h>

#include "words.h"

#define MOST 64

struct child {
	pid_t pid;
	int output;
};

static int continues, traces;

static struct child start(char **words)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		dup2(ends[1], 1);
		if (traces && ptrace(PTRACE_TRACEME, 0, NULL, NULL))
			_exit(126);
		execve(words[0], words + 1, environ);
		_exit(125);
	}
	close(ends[1]);
	return (struct child){ .pid = pid, .output = ends[0] };
}

/* Whether it has ended, with `status`. Who sends no signal without pause waits. */
static int push(struct child *child, int *status)
{
	pid_t n = waitpid(child->pid, status, (continues ? WNOHANG : 0) | __WALL);

	if (n == child->pid && WIFSTOPPED(*status)) {
		ptrace(PTRACE_CONT, child->pid, NULL, NULL);
		return 0;
	}
	if (n == 0 && continues)
		kill(child->pid, SIGCONT);
	return n != 0;
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 1, at_once = argc > 2 ? atoi(argv[2]) : 1;
	int printed = 0, killed = 0, other = 0, status;
	struct child children[MOST];
	char **words, byte[64];

	for (int i = 3; i < argc; i++) {
		continues |= !strcmp(argv[i], "continue");
		traces |= !strcmp(argv[i], "trace");
	}
	if (at_once < 1 || at_once > MOST)
		die("children at one time");
	words = read_words();
	for (int round = 0; round < rounds; round++) {
		int left = at_once;

		for (int i = 0; i < at_once; i++)
			children[i] = start(words);
		while (left > 0) {
			for (int i = 0; i < at_once; i++) {
				if (!children[i].pid || !push(&children[i], &status))
					continue;
				children[i].pid = 0;
				left--;
				printed += read(children[i].output, byte, sizeof(byte)) > 0;
				close(children[i].output);
				if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
					killed++;
				else
					other++;
			}
		}
	}
	fprintf(stderr, "printed %d killed %d other %d\n", printed, killed, other);
	return 0;
}
