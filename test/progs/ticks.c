// SPDX-License-Identifier: Apache-2.0
/* Writes to its standard output, a file, when it began and over and over what time it is: two numbers of 8 bytes, in nanoseconds of
 * CLOCK_MONOTONIC. Whoever reads them when it is dead knows how long it lived. */
#include <stdint.h>
#include <time.h>
#include <unistd.h>

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

int main(void)
{
	uint64_t begun = now(), last;

	if (pwrite(1, &begun, sizeof(begun), 0) != sizeof(begun))
		return 1;
	do {
		last = now();
		if (pwrite(1, &last, sizeof(last), sizeof(begun)) != sizeof(last))
			return 1;
	} while (last - begun < 10000000000ULL);
	return 0;
}
