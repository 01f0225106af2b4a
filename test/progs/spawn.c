// SPDX-License-Identifier: Apache-2.0
/* Starts a child by posix_spawn. */
#include "words.h"
#include <spawn.h>

int main(void)
{
	char **words = read_words();
	pid_t child;

	if (posix_spawn(&child, words[0], NULL, NULL, words + 1, environ))
		die("posix_spawn");
	return tell_end(child);
}
