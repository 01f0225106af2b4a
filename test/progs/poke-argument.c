// SPDX-License-Identifier: Apache-2.0
/* Hides an argument in the middle of exec: watches the child's new memory, writes other bytes over its first argument behind
 * argv[0] as soon as it can be reached, and the true ones back some time later. By process_vm_writev, or, with a second
 * argument "mem", by /proc/PID/mem. Does so argv[1] times; tells how many children died of SIGKILL, how many ended well, and in
 * how many it wrote. */
#define _GNU_SOURCE
#include "words.h"
#include <signal.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <time.h>

/* Long enough for the judge to have looked, short enough for main to see it. */
#define HIDDEN_NS 150000

static char **words;
static int by_file;

static int transfer(pid_t child, int mem, unsigned long at, char *bytes, size_t length, int writes)
{
	struct iovec local = { bytes, length }, remote = { (void *)at, length };

	if (by_file)
		return (writes ? pwrite(mem, bytes, length, (off_t)at) : pread(mem, bytes, length, (off_t)at)) == (ssize_t)length;
	return (writes ? process_vm_writev(child, &local, 1, &remote, 1, 0) :
			 process_vm_readv(child, &local, 1, &remote, 1, 0)) == (ssize_t)length;
}

static void execute(int from)
{
	char go;

	if (read(from, &go, 1) == 1)
		execve(words[0], words + 1, environ);
	_exit(99);
}

/* Where the argument lies: addresses are not random here, so one look at a child that is stopped at its start is enough. */
static unsigned long find(void)
{
	char *innocent = strdup(words[2]), *arguments[] = { words[1], innocent, NULL }, line[4096], file[64], *at;
	unsigned long start;
	pid_t child;
	int fd, n;

	memset(innocent, '-', strlen(innocent));
	child = fork();
	if (child == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		execve(words[0], arguments, environ);
		_exit(99);
	}
	if (waitpid(child, &n, 0) < 0 || !WIFSTOPPED(n))
		die("stop at exec");
	snprintf(file, sizeof(file), "/proc/%d/stat", child);
	fd = open(file, O_RDONLY);
	n = read(fd, line, sizeof(line) - 1);
	line[n > 0 ? n : 0] = 0;
	close(fd);
	at = strrchr(line, ')') + 2; /* the third field; the 48th is arg_start */
	for (int field = 3; field < 48; field++)
		at = strchr(at, ' ') + 1;
	start = strtoul(at, NULL, 10);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return start + strlen(words[1]) + 1;
}

int main(int argc, char **argv)
{
	int killed = 0, ended = 0, wrote = 0, status, rounds = argc > 1 ? atoi(argv[1]) : 1;
	size_t length;
	unsigned long at;
	char *hidden, *seen;

	words = read_words();
	by_file = argc > 2;
	if (personality(ADDR_NO_RANDOMIZE) < 0) /* for the children */
		die("personality");
	length = strlen(words[2]);
	hidden = malloc(length + 1);
	seen = malloc(length + 1);
	memset(hidden, '-', length);
	at = find();
	for (int i = 0; i < rounds; i++) {
		struct timespec begun, now;
		int go[2], mem = -1, done = 0;
		char file[64];
		pid_t child;

		if (pipe(go))
			die("pipe");
		child = fork();
		if (child == 0) {
			close(go[1]);
			execute(go[0]);
		}
		close(go[0]);
		if (write(go[1], "g", 1) != 1)
			die("write");
		close(go[1]);
		clock_gettime(CLOCK_MONOTONIC, &begun);
		do {
			if (by_file) {
				/* The file stands for the memory that was there when it was opened. */
				if (mem >= 0)
					close(mem);
				snprintf(file, sizeof(file), "/proc/%d/mem", child);
				mem = open(file, O_RDWR);
			}
			if (transfer(child, mem, at, seen, length, 0) && !memcmp(seen, words[2], length) &&
			    transfer(child, mem, at, hidden, length, 1)) {
				done = 1;
				break;
			}
			clock_gettime(CLOCK_MONOTONIC, &now);
		} while (waitpid(child, &status, WNOHANG) == 0 && now.tv_sec - begun.tv_sec < 2);
		if (done) {
			struct timespec until;

			wrote++;
			clock_gettime(CLOCK_MONOTONIC, &until);
			until.tv_nsec += HIDDEN_NS;
			do
				clock_gettime(CLOCK_MONOTONIC, &now);
			while (now.tv_sec == until.tv_sec && now.tv_nsec < until.tv_nsec);
			transfer(child, mem, at, words[2], length, 1);
			waitpid(child, &status, 0);
		}
		if (mem >= 0)
			close(mem);
		killed += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
		ended += WIFEXITED(status) && WEXITSTATUS(status) == 0;
	}
	fprintf(stderr, "killed %d ended %d wrote %d\n", killed, ended, wrote);
	return 0;
}
