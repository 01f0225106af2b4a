/* What a miner would pay for hiding: group E's division with its masks in registers, and in memory; an addition rounded by the
 * processor, and the same rounding made of nearest ones. Prints nanoseconds each, the
 * best of forty rounds. Usage: evasions [THOUSANDS] */
#include <emmintrin.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DEFAULT 0x1f80
#define UP 0x4000

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static double masks(long times, int from_memory)
{
	static const long long mantissa[2] __attribute__((aligned(16))) = { 0x00ffffffffffffff, 0x00ffffffffffffff };
	static const long long exponent[2] __attribute__((aligned(16))) = { 0x3000000000000000, 0x3000000000000000 };
	__m128d value = _mm_set_pd(1.5, 2.5), by = _mm_set_pd(1.25, 1.75);
	double began = now();

	if (from_memory)
		for (long i = 0; i < times; i++)
			__asm__ volatile("movapd %1, %%xmm8\n\tandps %2, %%xmm8\n\torps %3, %%xmm8\n\tdivpd %%xmm8, %0"
					 : "+x"(value) : "x"(by), "m"(mantissa), "m"(exponent) : "xmm8");
	else
		for (long i = 0; i < times; i++)
			__asm__ volatile("movapd %1, %%xmm8\n\tandps %2, %%xmm8\n\torps %3, %%xmm8\n\tdivpd %%xmm8, %0"
					 : "+x"(value) : "x"(by), "x"(*(const __m128i *)mantissa), "x"(*(const __m128i *)exponent)
					 : "xmm8");
	return (now() - began) / times;
}

/* Towards plus infinity, of nearest operations alone: Knuth's sum tells the error, and one step up follows where it is positive. */
static double add_up(double a, double b)
{
	volatile double s = a + b;
	double rest = s - a, error = (a - (s - rest)) + (b - rest);
	int64_t bits;

	if (!(error > 0))
		return s;
	s += 0.0;
	memcpy(&bits, (const void *)&s, sizeof(bits));
	bits += bits >= 0 ? 1 : -1;
	memcpy((void *)&s, &bits, sizeof(bits));
	return s;
}

static double additions(long times, int in_software)
{
	volatile double b = 1e-7;
	double a = 1, began;

	if (!in_software)
		_mm_setcsr(DEFAULT | UP);
	began = now();
	for (long i = 0; i < times; i++) {
		double next = in_software ? add_up(a, b) : a + b;

		__asm__ volatile("" : "+x"(next));
		a = next;
	}
	_mm_setcsr(DEFAULT);
	return (now() - began) / times;
}

static double least(double (*measure)(long, int), int which, long times)
{
	double best = measure(times, which);

	for (int i = 1; i < 40; i++) {
		double one = measure(times, which);

		best = one < best ? one : best;
	}
	return best;
}

int main(int argc, char **argv)
{
	long times = (argc > 1 ? atol(argv[1]) : 500) * 1000;

	printf("division: masks in registers %.2f, in memory %.2f; addition: by the processor %.2f, in software %.2f\n",
	       least(masks, 0, times), least(masks, 1, times), least(additions, 0, times), least(additions, 1, times));
	return 0;
}
