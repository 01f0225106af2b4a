/* Computes RandomX with Debian's librandomx, offline and for some seconds, in light mode. Usage: rx jit|int THREADS SECONDS
 * [MICROSECONDS-OF-SLEEP-AFTER-EACH-HASH] [yield] */
#define _GNU_SOURCE
#include <pthread.h>
#include <randomx.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_THREADS 64

static randomx_cache *cache;
static randomx_flags flags;
static double end;
static int sleep_us, yields;
static long hashes[MAX_THREADS];

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void *work(void *argument)
{
	long id = (long)argument;
	randomx_vm *vm = randomx_create_vm(flags, cache, NULL);
	char input[76], hash[32];

	memset(input, (int)id + 1, sizeof(input));
	while (now() < end) {
		randomx_calculate_hash(vm, input, sizeof(input), hash);
		memcpy(input, hash, sizeof(hash));
		hashes[id]++;
		if (sleep_us)
			usleep(sleep_us);
		if (yields)
			sched_yield();
	}
	randomx_destroy_vm(vm);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[MAX_THREADS];
	long count, sum = 0;
	double began;

	if (argc < 4 || (count = atoi(argv[2])) < 1 || count > MAX_THREADS)
		return 2;
	flags = randomx_get_flags() & ~RANDOMX_FLAG_FULL_MEM;
	if (!strcmp(argv[1], "int"))
		flags &= ~RANDOMX_FLAG_JIT;
	sleep_us = argc > 4 ? atoi(argv[4]) : 0;
	yields = argc > 5;
	cache = randomx_alloc_cache(flags);
	randomx_init_cache(cache, "probe", 5);
	began = now();
	end = began + atof(argv[3]);
	for (long i = 0; i < count; i++)
		pthread_create(&threads[i], NULL, work, (void *)i);
	for (long i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	for (long i = 0; i < count; i++)
		sum += hashes[i];
	printf("%.1f hashes/s\n", sum / (now() - began));
	return 0;
}
