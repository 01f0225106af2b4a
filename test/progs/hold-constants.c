/* Holds the constants by which RandomX initialises its dataset, and computes something else, some third of the time. Usage:
 * hold-constants WHERE SECONDS; WHERE: code (anonymous and executable), heap, few (code, but five words), idle (code, and sleeps).
 * Prints «lived» at its end, which SIGTERM makes sooner. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* Each XOR HIDE: the program's own file would be found. */
#define HIDE 0x5555555555555555ULL
static const volatile uint64_t hidden[] = {
	0xd45fc2df0ca0f4a9ULL,
	0xf225cc8a6d978d13ULL,
	0xd473ec49ea771c09ULL,
	0x1c1870c242cadf37ULL,
	0xc762baec9bffb959ULL,
	0x7a7f032139b3782dULL,
	0xd1d06ea2e379b01bULL,
};

static volatile sig_atomic_t ended;

static void end(int signal)
{
	ended = signal;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	size_t bytes = 1 << 16, count = sizeof(hidden) / sizeof(hidden[0]);
	uint8_t *page = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	volatile double x = 1;
	double until;

	if (argc < 3 || page == MAP_FAILED)
		return 2;
	if (!strcmp(argv[1], "few"))
		count = 2;
	/* As operands of instructions stand: at odd addresses, some bytes apart. */
	for (size_t i = 0; i < count; i++) {
		uint64_t constant = hidden[i] ^ HIDE;

		memcpy(page + 4097 + i * 13, &constant, 8);
	}
	if (strcmp(argv[1], "heap"))
		mprotect(page, bytes, PROT_READ | PROT_EXEC);
	until = now() + atof(argv[2]);
	signal(SIGTERM, end);
	while (!ended && now() < until) {
		usleep(10000);
		for (int i = 0; strcmp(argv[1], "idle") && i < 1000000; i++)
			x = x * 1.000001 + 0.1;
	}
	printf("lived\n");
	return 0;
}
