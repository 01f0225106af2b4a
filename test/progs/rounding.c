/* Computes as RandomX does, harmlessly: changes the rounding mode, or holds RandomX's constants in registers. Two threads on one
 * processor, so that each takes it from the other again and again.
 * Usage: rounding WHAT SECONDS [ANYTHING], seconds of processor time; WHAT: registers (one directed mode, the masks), key (one
 * directed mode, an AES key), nearest (the masks, no directed mode), half (one mask alone), four (all modes), two (down and up), calls (all modes, and a system
 * call each time), none. Prints «lived» at its end, which SIGTERM makes sooner. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <emmintrin.h>

#define DOWN 0x2000
#define UP 0x4000
#define ZERO 0x6000
#define DEFAULT 0x1f80

static const char *what;
static double until;
static volatile sig_atomic_t ended;

static void end(int signal)
{
	ended = signal;
}

static double now(void)
{
	struct timespec t;

	/* What it computed counts: on a busy machine it waits. */
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* Some ten microseconds with these registers. */
static void hold(__m128i a, __m128i b)
{
	__asm__ volatile("movdqa %0, %%xmm14\n\tmovdqa %1, %%xmm15\n\tmov $20000, %%ecx\n1:\tdec %%ecx\n\tjnz 1b"
			 : : "x"(a), "x"(b) : "xmm14", "xmm15", "ecx");
}

static unsigned mode_of(unsigned turn)
{
	static const unsigned four[] = { 0, DOWN, UP, ZERO };

	if (!strcmp(what, "four") || !strcmp(what, "calls"))
		return four[turn % 4];
	if (!strcmp(what, "two"))
		return four[1 + turn % 2];
	return strcmp(what, "none") && strcmp(what, "nearest") ? UP : 0;
}

static void *work(void *nothing)
{
	const __m128i scale = _mm_set1_epi64x(0x80f0000000000000), mantissa = _mm_set1_epi64x(0x00ffffffffffffff);
	const __m128i key = _mm_set_epi64x(0xb4f44917dbb5552b, 0x627166096daca553), none = _mm_set1_epi64x(1);
	int masks = !strcmp(what, "registers") || !strcmp(what, "nearest"), half = !strcmp(what, "half");
	__m128i a = masks || half ? scale : !strcmp(what, "key") ? key : none, b = masks ? mantissa : none;

	(void)nothing;
	for (unsigned turn = rand(); !ended && now() < until; turn++) {
		_mm_setcsr(DEFAULT | mode_of(turn / 7));
		if (!strcmp(what, "calls"))
			getppid();
		hold(a, b);
	}
	_mm_setcsr(DEFAULT);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t other;
	cpu_set_t one;

	if (argc < 3)
		return 2;
	what = argv[1];
	until = now() + atof(argv[2]);
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
	signal(SIGTERM, end);
	pthread_create(&other, NULL, work, NULL);
	work(NULL);
	pthread_join(other, NULL);
	printf("lived\n");
	return 0;
}
