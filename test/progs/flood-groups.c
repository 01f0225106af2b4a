// SPDX-License-Identifier: Apache-2.0
/* A flood out of many cgroups: one worker in each starts short processes by vfork, one after the other, for argv[1] seconds.
 * Of standard input the words up to an empty one are the cgroups' directories; then the path, argv[0] and on. Tells how many
 * of the processes died of SIGKILL, and how many ended otherwise. */
#include "words.h"
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>

struct ends {
	long killed, other;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void join(const char *directory)
{
	char file[4096];
	int fd;

	snprintf(file, sizeof(file), "%s/cgroup.procs", directory);
	fd = open(file, O_WRONLY);
	if (fd < 0 || write(fd, "0", 1) != 1)
		die(file);
	close(fd);
}

static void flood(char **words, double seconds, struct ends *ends)
{
	double until = now() + seconds;

	while (now() < until) {
		pid_t child = vfork();
		int status;

		if (child == 0) {
			execve(words[0], words + 1, environ);
			_exit(125);
		}
		if (child < 0 || waitpid(child, &status, 0) < 0)
			die("vfork");
		if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
			ends->killed++;
		else
			ends->other++;
	}
}

int main(int argc, char **argv)
{
	char **groups = read_words(), **words, go;
	long killed = 0, other = 0;
	struct ends *ends;
	int count = 0, start[2], ready[2];

	while (groups[count] && *groups[count])
		count++;
	words = groups + count + 1;
	if (argc < 2 || pipe(start) || pipe(ready))
		die("pipe");
	ends = mmap(NULL, (size_t)(count + 1) * sizeof(*ends), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (ends == MAP_FAILED)
		die("mmap");
	for (int i = 0; i < count; i++) {
		pid_t worker = fork();

		if (worker < 0)
			die("fork");
		if (worker > 0)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(start[1]);
		join(groups[i]);
		if (write(ready[1], "r", 1) != 1 || read(start[0], &go, 1) != 0)
			die("wait for the start");
		fcntl(start[0], F_SETFD, FD_CLOEXEC);
		flood(words, atof(argv[1]), &ends[i]);
		_exit(0);
	}
	for (int i = 0; i < count; i++)
		if (read(ready[0], &go, 1) != 1)
			die("wait for the workers");
	close(start[0]);
	close(start[1]);
	for (int i = 0; i < count; i++) {
		int status;

		if (wait(&status) < 0 || !WIFEXITED(status) || WEXITSTATUS(status))
			die("a worker failed");
	}
	for (int i = 0; i < count; i++) {
		killed += ends[i].killed;
		other += ends[i].other;
	}
	printf("killed %ld other %ld\n", killed, other);
	return 0;
}
