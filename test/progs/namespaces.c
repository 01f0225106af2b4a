// SPDX-License-Identifier: Apache-2.0
/* Executes below a root of its own (argv[1]), in mount and pid namespaces of its own; with "cgroup" as argv[2], in mount and
 * cgroup namespaces. */
#define _GNU_SOURCE
#include "words.h"
#include <sched.h>

int main(int argc, char **argv)
{
	char **words = read_words();
	int other = argc > 2 && !strcmp(argv[2], "cgroup") ? CLONE_NEWCGROUP : CLONE_NEWPID;
	pid_t child;

	if (argc < 2 || unshare(CLONE_NEWNS | other))
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
