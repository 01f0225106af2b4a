// SPDX-License-Identifier: Apache-2.0
/* Waits for its child as a shell does, stops included, and tells how often it stopped and how it ended. */
#include "words.h"

int main(void)
{
	char **words = read_words();
	pid_t child = fork();
	int status, stops = 0;

	if (child == 0) {
		execve(words[0], words + 1, environ);
		_exit(125);
	}
	for (;;) {
		if (child < 0 || waitpid(child, &status, WUNTRACED) < 0)
			die("fork");
		if (!WIFSTOPPED(status))
			break;
		stops++;
	}
	fprintf(stderr, "stops %d status %d\n", stops, status);
	return 0;
}
