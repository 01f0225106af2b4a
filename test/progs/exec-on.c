// SPDX-License-Identifier: Apache-2.0
/* Executes a command line again and again, until standard input ends. Tells how many of the processes died of SIGKILL, and
 * how many ended otherwise. The words come as the file argv[1], which it reads before it begins. */
#include "words.h"
#include <poll.h>

static int killed, other;

int main(int argc, char **argv)
{
	struct pollfd input = { .fd = 0, .events = POLLIN };
	int status, words_fd, null = open("/dev/null", O_WRONLY | O_CLOEXEC), keep;
	char **words;

	words_fd = argc > 1 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
	keep = fcntl(0, F_DUPFD_CLOEXEC, 3);
	if (words_fd < 0 || keep < 0 || dup2(words_fd, 0) < 0)
		die("open the words");
	words = read_words();
	dup2(keep, 0);
	if (write(1, "begun\n", 6) != 6)
		die("write");
	while (poll(&input, 1, 0) == 0) {
		pid_t child = vfork();

		if (child == 0) {
			dup2(null, 1);
			execve(words[0], words + 1, environ);
			_exit(125);
		}
		if (child < 0 || waitpid(child, &status, 0) < 0)
			die("vfork");
		if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
			killed++;
		else
			other++;
	}
	printf("killed %d other %d\n", killed, other);
	return 0;
}
