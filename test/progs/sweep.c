// SPDX-License-Identifier: Apache-2.0
/* Puts a text at each of the offsets argv[2] to argv[3] - 1 of an argument area of argv[1] bytes, filled with dashes, and
 * executes that. Of standard input the first word is the path, the second the text. Tells how many processes died of SIGKILL
 * and how many ended well, and the offsets at which one of the rarer kind stood. */
#include "words.h"

/* The kernel's limit for one argument, with its NUL: 32 pages. */
#define MAX_ARGUMENT (128 * 1024)

int main(int argc, char **argv)
{
	char **words = read_words(), **arguments, *area;
	long size, from, to, killed = 0, ended = 0;
	size_t length = strlen(words[1]), count = 0;
	char *ends;

	if (argc < 4)
		die("three numbers");
	size = atol(argv[1]);
	from = atol(argv[2]);
	to = atol(argv[3]);
	area = malloc((size_t)size + 1);
	ends = calloc((size_t)(to - from) + 1, 1);
	arguments = calloc((size_t)size / 1000 + 8, sizeof(*arguments));
	if (!area || !ends || !arguments)
		die("malloc");
	for (long at = from; at < to; at++) {
		int status;
		pid_t child;

		memset(area, '-', (size_t)size);
		area[size - 1] = 0;
		area[1] = 0;
		/* A new argument in good time, but none within the text. */
		for (long cut = 100 * 1024; cut < size; cut += 100 * 1024)
			area[cut >= at - 1 && cut <= at + (long)length ? at + (long)length + 1 : cut] = 0;
		memcpy(area + at, words[1], length);
		count = 0;
		for (long i = 0; i < size; i += (long)strlen(area + i) + 1)
			arguments[count++] = area + i;
		arguments[count] = NULL;
		child = vfork();
		if (child == 0) {
			execve(words[0], arguments, environ);
			_exit(125);
		}
		if (child < 0 || waitpid(child, &status, 0) < 0)
			die("vfork");
		if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
			killed++, ends[at - from] = 'k';
		else if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
			ended++, ends[at - from] = 'e';
		else
			die("a child ended in another way");
	}
	fprintf(stderr, "killed %ld ended %ld rare", killed, ended);
	for (long at = from; at < to; at++)
		if (ends[at - from] == (killed < ended ? 'k' : 'e'))
			fprintf(stderr, " %ld", at);
	fprintf(stderr, "\n");
	return 0;
}
