// SPDX-License-Identifier: Apache-2.0
/* Runs a shell command whose standard error is a terminal of this mount namespace: own-terminal HOW COMMAND. HOW is `read` (what the
 * terminal shows goes to standard output), `full` (nobody reads, and no more fits), `stopped` (its user pressed Ctrl-S), `other-side` (the
 * master's side), or a path that is opened in its place. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static void fill(int terminal)
{
	static const char text[4096];

	fcntl(terminal, F_SETFL, O_NONBLOCK);
	/* The last bytes go one by one: the rest of a line may fit where the whole did not. */
	while (write(terminal, text, sizeof(text)) > 0)
		;
	while (write(terminal, text, 1) > 0)
		;
	fcntl(terminal, F_SETFL, 0);
}

int main(int argc, char **argv)
{
	const char *how = argv[1];
	int master = posix_openpt(O_RDWR | O_NOCTTY), terminal;
	char text[4096];
	ssize_t n;

	if (argc != 3 || master < 0 || grantpt(master) || unlockpt(master))
		return 1;
	terminal = open(ptsname(master), O_RDWR | O_NOCTTY);
	if (terminal < 0)
		return 1;
	if (fork() == 0) {
		setsid();
		ioctl(terminal, TIOCSCTTY, 0);
		if (how[0] == '/')
			terminal = open(how, O_RDWR);
		dup2(strcmp(how, "other-side") ? terminal : master, 2);
		if (!strcmp(how, "full"))
			fill(2);
		if (!strcmp(how, "stopped"))
			tcflow(2, TCOOFF);
		close(master);
		close(terminal);
		execl("/bin/sh", "sh", "-c", argv[2], NULL);
		return 1;
	}
	close(terminal);
	if (strcmp(how, "read"))
		pause();
	while ((n = read(master, text, sizeof(text))) > 0)
		if (write(1, text, (size_t)n) != n)
			return 1;
	return 0;
}
