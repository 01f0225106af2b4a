// SPDX-License-Identifier: Apache-2.0
/* Executes a path with exactly the arguments given, whatever bytes they hold, none at all too. With the argument
 * "unlimited-stack" it first raises the limit that bounds a command line. */
#include "words.h"
#include <sys/resource.h>

int main(int argc, char **argv)
{
	char **words = read_words();
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };

	if (argc > 1 && !strcmp(argv[1], "unlimited-stack") && setrlimit(RLIMIT_STACK, &unlimited))
		die("setrlimit");
	execve(words[0], words + 1, environ);
	die("execve");
}
