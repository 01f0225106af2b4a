// SPDX-License-Identifier: Apache-2.0
/* What the programs here share. The command line to run comes by standard input, so that a banned string in it does not
 * stand on the program's own: the path, argv[0], argv[1] and so on, each ended by a NUL. */
#ifndef CRYPTNONO_TEST_WORDS_H
#define CRYPTNONO_TEST_WORDS_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(125);
}

/* All of standard input; a NUL after its end. */
static char *read_input(size_t *length)
{
	size_t room = 1 << 16, used = 0;
	char *text = malloc(room);
	ssize_t n;

	for (;;) {
		if (used + 1 >= room)
			text = realloc(text, room *= 2);
		if (!text)
			die("realloc");
		n = read(0, text + used, room - used - 1);
		if (n < 0)
			die("read");
		if (n == 0)
			break;
		used += (size_t)n;
	}
	text[used] = 0;
	*length = used;
	return text;
}

/* The words of standard input, then NULL. [0] is the path, [1] and on are the arguments. */
__attribute__((unused)) static char **read_words(void)
{
	size_t length, count = 0, at = 0;
	char *text = read_input(&length), **words;

	for (size_t i = 0; i < length; i++)
		count += text[i] == 0;
	words = calloc(count + 1, sizeof(*words));
	if (!words || count == 0)
		die("read words");
	for (size_t i = 0; i < count; i++) {
		words[i] = text + at;
		at += strlen(words[i]) + 1;
	}
	return words;
}

/* For those that start a child: wait for it, and tell its process id and wait status on standard error. */
__attribute__((unused)) static int tell_end(pid_t child)
{
	int status;

	if (child < 0)
		die("start the child");
	if (waitpid(child, &status, 0) < 0)
		die("waitpid");
	fprintf(stderr, "child %d status %d\n", (int)child, status);
	return 0;
}

#endif
