/* Has the constants by which RandomX initialises its dataset in its file, and computes something else. Usage: carry-constants HOW SECONDS;
 * HOW: burn, idle (sleeps). Prints «lived» at its end. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Not volatile: that would be data, which the scan leaves alone. */
static const uint64_t constants[] = {
	0x810a978a59f5a1fcULL,
	0xa77099df38c2d846ULL,
	0x8126b91cbf22495cULL,
	0x494d2597179f8a62ULL,
	0x9237efb9ceaaec0cULL,
	0x2f2a56746ce62d78ULL,
	0x84853bf7b62ce54eULL,
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	volatile uint64_t x = 1;
	const volatile uint64_t *from = constants;
	double until;

	if (argc < 3)
		return 2;
	until = now() + atof(argv[2]);
	while (now() < until) {
		if (!strcmp(argv[1], "idle"))
			usleep(20000);
		else
			for (size_t i = 0; i < 1000000; i++)
				x = x * 3 + from[i % (sizeof(constants) / sizeof(constants[0]))];
	}
	printf("lived\n");
	return 0;
}
