// SPDX-License-Identifier: Apache-2.0
/* Starts a child and never asks what became of it. Tells its process id, and waits to be killed. */
#include "words.h"

int main(void)
{
	char **words = read_words();
	pid_t child = fork();

	if (child == 0) {
		execve(words[0], words + 1, environ);
		_exit(125);
	}
	printf("child %d\n", (int)child);
	fflush(stdout);
	for (;;)
		pause();
}
