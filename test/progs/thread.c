// SPDX-License-Identifier: Apache-2.0
/* Executes from a thread that is not the first, while others run. */
#include "words.h"
#include <pthread.h>

static char **words;

static void *spin(void *unused)
{
	for (;;)
		(void)getppid();
	return unused;
}

static void *execute(void *unused)
{
	execve(words[0], words + 1, environ);
	die("execve");
	return unused;
}

int main(void)
{
	pthread_t thread;

	words = read_words();
	for (int i = 0; i < 3; i++)
		if (pthread_create(&thread, NULL, i < 2 ? spin : execute, NULL))
			die("pthread_create");
	for (;;)
		pause();
}
