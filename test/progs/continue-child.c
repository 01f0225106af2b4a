// SPDX-License-Identifier: Apache-2.0
/* Sends its child SIGCONT without pause, from before its exec to its end, argv[1] times. Tells how many children printed
 * something, and how many died of SIGKILL. */
#include "words.h"

int main(int argc, char **argv)
{
	char **words = read_words(), byte[64];
	int printed = 0, killed = 0, ends[2], status;

	for (int i = argc > 1 ? atoi(argv[1]) : 1; i > 0; i--) {
		pid_t child;

		if (pipe(ends))
			die("pipe");
		child = fork();
		if (child == 0) {
			dup2(ends[1], 1);
			close(ends[0]);
			close(ends[1]);
			execve(words[0], words + 1, environ);
			_exit(125);
		}
		close(ends[1]);
		while (waitpid(child, &status, WNOHANG) == 0)
			kill(child, SIGCONT);
		printed += read(ends[0], byte, sizeof(byte)) > 0;
		killed += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
		close(ends[0]);
	}
	fprintf(stderr, "printed %d killed %d\n", printed, killed);
	return 0;
}
