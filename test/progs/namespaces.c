// SPDX-License-Identifier: Apache-2.0
/* Executes in mount and pid namespaces of its own, below a root of its own (argv[1]). */
#define _GNU_SOURCE
#include "words.h"
#include <sched.h>

int main(int argc, char **argv)
{
	char **words = read_words();
	pid_t child;

	if (argc < 2 || unshare(CLONE_NEWNS | CLONE_NEWPID))
		die("unshare");
	child = fork();
	if (child == 0) {
		if (chroot(argv[1]) || chdir("/"))
			die("chroot");
		execve(words[0], words + 1, environ);
		die("execve");
	}
	return tell_end(child);
}
