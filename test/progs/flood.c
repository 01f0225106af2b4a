// SPDX-License-Identifier: Apache-2.0
/* Starts argv[1] short processes one after the other, by vfork, argv[2] at a time. Their paths are those of standard input
 * up to an empty word, in turn; the words after it are the arguments of all. Tells how many ended how, and what they printed. */
#include "words.h"
#include <pthread.h>

static char **paths, **arguments;
static int path_count, output, total, at_a_time;
static int next, killed, ended, other;

static void *start(void *unused)
{
	int status, i;

	while ((i = __sync_fetch_and_add(&next, 1)) < total) {
		pid_t child = vfork();

		if (child == 0) {
			dup2(output, 1);
			execve(paths[i % path_count], arguments, environ);
			_exit(125);
		}
		if (child < 0 || waitpid(child, &status, 0) < 0)
			die("vfork");
		if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
			__sync_fetch_and_add(&killed, 1);
		else if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
			__sync_fetch_and_add(&ended, 1);
		else
			__sync_fetch_and_add(&other, 1);
	}
	return unused;
}

static void *count_bytes(void *data)
{
	int *input = data;
	static char text[1 << 16];
	long bytes = 0;
	ssize_t n;

	while ((n = read(*input, text, sizeof(text))) > 0)
		bytes += n;
	return (void *)bytes;
}

int main(int argc, char **argv)
{
	pthread_t threads[16], reader;
	void *bytes;
	int ends[2];

	paths = read_words();
	if (argc < 3 || pipe(ends))
		die("flood");
	total = atoi(argv[1]);
	at_a_time = atoi(argv[2]) > 16 ? 16 : atoi(argv[2]);
	while (*paths[path_count])
		path_count++;
	arguments = paths + path_count + 1;
	output = ends[1];
	if (fcntl(ends[0], F_SETFD, FD_CLOEXEC) || fcntl(ends[1], F_SETFD, FD_CLOEXEC))
		die("fcntl");
	pthread_create(&reader, NULL, count_bytes, &ends[0]);
	for (int i = 0; i < at_a_time; i++)
		pthread_create(&threads[i], NULL, start, NULL);
	for (int i = 0; i < at_a_time; i++)
		pthread_join(threads[i], NULL);
	close(ends[1]);
	pthread_join(reader, &bytes);
	printf("killed %d ended %d other %d printed %ld\n", killed, ended, other, (long)bytes);
	return 0;
}
