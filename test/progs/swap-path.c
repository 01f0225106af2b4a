// SPDX-License-Identifier: Apache-2.0
/* Turns a path between a file and a link, without a pause: argv[1] is the path, argv[2] the file, argv[3] where the link leads.
 * Meanwhile it counts how often the file argv[4] is opened, and tells that when standard input ends. */
#define _GNU_SOURCE
#include "words.h"
#include <pthread.h>
#include <sys/inotify.h>

static void *swap(void *data)
{
	char **argv = data, fresh[4200];

	snprintf(fresh, sizeof(fresh), "%s.fresh", argv[1]);
	for (;;) {
		unlink(fresh);
		if (link(argv[2], fresh) || rename(fresh, argv[1]))
			die("put the file");
		unlink(fresh);
		if (symlink(argv[3], fresh) || rename(fresh, argv[1]))
			die("put the link");
	}
	return data;
}

int main(int argc, char **argv)
{
	int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), opened = 0;
	char events[4096];
	pthread_t thread;
	ssize_t n;

	if (argc < 5 || watch < 0 || inotify_add_watch(watch, argv[4], IN_OPEN) < 0)
		die("watch");
	if (pthread_create(&thread, NULL, swap, argv) || write(1, "begun\n", 6) != 6)
		die("begin");
	while (read(0, events, sizeof(events)) > 0)
		;
	while ((n = read(watch, events, sizeof(events))) > 0)
		for (char *at = events; at < events + n; at += sizeof(struct inotify_event) + ((struct inotify_event *)at)->len)
			opened++;
	printf("opened %d\n", opened);
	return 0;
}
