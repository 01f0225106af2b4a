// SPDX-License-Identifier: Apache-2.0
/* Executes /proc/self/fd/N. */
#include "words.h"

int main(void)
{
	char **words = read_words(), path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", open(words[0], O_RDONLY));
	execve(path, words + 1, environ);
	die("execve");
}
