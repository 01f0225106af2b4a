// SPDX-License-Identifier: Apache-2.0
/* Makes other memory its argument area (PR_SET_MM_MAP, which needs no privilege): argv[1] bytes of NULs (argv[2] `empty`), of
 * dashes (`dashes`), or of dashes that end with the first word of standard input (`word`). With a third argument the area
 * changes once a second. Tells its process id. */
#define _GNU_SOURCE
#include "words.h"
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>

/* Of /proc/self/stat, by its number there. */
static unsigned long long field(int wanted)
{
	static char text[2048];
	ssize_t n;
	int fd = open("/proc/self/stat", O_RDONLY);
	char *at;

	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = 0;
	at = strrchr(text, ')') + 1;
	for (int i = 3; i < wanted; i++)
		at = strchr(at + 1, ' ');
	return strtoull(at, NULL, 10);
}

int main(int argc, char **argv)
{
	size_t size = argc > 2 ? (size_t)atol(argv[1]) : 0;
	char **words = read_words(), *area = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct prctl_mm_map map = {
		.start_code = field(26), .end_code = field(27), .start_data = field(45), .end_data = field(46),
		.start_brk = field(47), .brk = (uintptr_t)sbrk(0), .start_stack = field(28), .env_start = field(50),
		.env_end = field(51), .exe_fd = (__u32)-1,
	};

	if (area == MAP_FAILED)
		die("mmap");
	memset(area, strcmp(argv[2], "empty") ? '-' : 0, size);
	area[size - 1] = 0;
	if (strcmp(argv[2], "word") == 0) {
		memcpy(area + size - 1 - strlen(words[0]), words[0], strlen(words[0]));
		area[size - 2 - strlen(words[0])] = ' ';
	}
	map.arg_start = (uintptr_t)area;
	map.arg_end = (uintptr_t)area + size;
	if (prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof(map), 0))
		die("PR_SET_MM_MAP");
	printf("child %d\n", (int)getpid());
	fflush(stdout);
	for (unsigned turn = 0;; turn++) {
		sleep(1);
		if (argc > 3)
			snprintf(area, 16, "%u", turn);
	}
}
