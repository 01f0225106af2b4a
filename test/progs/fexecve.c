// SPDX-License-Identifier: Apache-2.0
/* Executes by descriptor alone, so that no path is given. */
#define _GNU_SOURCE
#include "words.h"
#include <sys/syscall.h>

int main(void)
{
	char **words = read_words();
	int fd = open(words[0], O_RDONLY | O_CLOEXEC);

	syscall(SYS_execveat, fd, "", words + 1, environ, AT_EMPTY_PATH);
	die("execveat");
}
