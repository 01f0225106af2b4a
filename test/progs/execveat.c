// SPDX-License-Identifier: Apache-2.0
/* Executes by execveat: a directory's descriptor and a path below it. */
#define _GNU_SOURCE
#include "words.h"
#include <sys/syscall.h>

int main(void)
{
	char **words = read_words();
	int root = open("/", O_PATH);

	syscall(SYS_execveat, root, words[0] + 1, words + 1, environ, 0);
	die("execveat");
}
