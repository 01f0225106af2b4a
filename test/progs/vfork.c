// SPDX-License-Identifier: Apache-2.0
/* Starts a child by vfork: it executes in its parent's memory. */
#include "words.h"

int main(void)
{
	char **words = read_words();
	pid_t child = vfork();

	if (child == 0) {
		execve(words[0], words + 1, environ);
		_exit(125);
	}
	return tell_end(child);
}
