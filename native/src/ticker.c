/* A thread that takes processors from whoever computes there, some times a second, and gives them back at once. It does nothing:
 * what the kernel saves of the other's registers is the reason. */
#define _GNU_SOURCE
#include "addon.h"
#include "thread.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_CPUS 4096
#define THREAD_STACK_BYTES (64 * 1024)
#define NS_PER_S 1000000000ULL

/* One for the addon. Everything under `lock`. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool has_thread;
	uint32_t count; /* of cpus */
	uint16_t cpus[MAX_CPUS];
	uint64_t pause_ns; /* between two processors */
	uint64_t ticks, refused, cpu_ns;
} ticker = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

/* On the processor from where this returns. False: it is not among those that the agent may use. */
static bool go_to(uint32_t cpu)
{
	size_t bytes = CPU_ALLOC_SIZE(MAX_CPUS);
	cpu_set_t *set = CPU_ALLOC(MAX_CPUS);
	bool went = false;

	if (set) {
		CPU_ZERO_S(bytes, set);
		CPU_SET_S(cpu, bytes, set);
		went = !sched_setaffinity(0, bytes, set);
		CPU_FREE(set);
	}
	return went;
}

static _Noreturn void *tick(void *nothing)
{
	struct timespec used;
	uint32_t at = 0;

	(void)nothing;
	pthread_mutex_lock(&ticker.lock);
	for (;;) {
		struct timespec pause;
		uint32_t cpu;
		bool went;

		while (ticker.count == 0)
			pthread_cond_wait(&ticker.changed, &ticker.lock);
		at = (at + 1) % ticker.count;
		cpu = ticker.cpus[at];
		pause = (struct timespec){ (time_t)(ticker.pause_ns / NS_PER_S), (long)(ticker.pause_ns % NS_PER_S) };
		pthread_mutex_unlock(&ticker.lock);

		went = go_to(cpu);
		nanosleep(&pause, NULL);

		pthread_mutex_lock(&ticker.lock);
		ticker.ticks += went;
		ticker.refused += !went;
		if (!clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used))
			ticker.cpu_ns = (uint64_t)used.tv_sec * NS_PER_S + (uint64_t)used.tv_nsec;
	}
}

/* setTicks(cpus: number[], perSecond): each of these processors so often; none: rest. On JavaScript's thread. */
static napi_value set_ticks_method(napi_env env, napi_callback_info info)
{
	napi_value arguments[2], element;
	uint32_t count, per_second, cpu;
	static uint16_t cpus[MAX_CPUS];
	int error = 0;

	if (!get_arguments(env, info, 2, arguments) || !get_length(env, arguments[0], &count) ||
	    !get_u32(env, arguments[1], &per_second))
		return NULL;
	if (count > MAX_CPUS || (count > 0 && per_second == 0))
		return throw_errno(env, EINVAL, "tick", NULL);
	for (uint32_t i = 0; i < count; i++) {
		if (!get_element(env, arguments[0], i, &element) || !get_u32(env, element, &cpu))
			return NULL;
		if (cpu >= MAX_CPUS)
			return throw_errno(env, EINVAL, "tick", NULL);
		cpus[i] = (uint16_t)cpu;
	}
	pthread_mutex_lock(&ticker.lock);
	if (count > 0 && !ticker.has_thread) {
		error = start_detached_thread(tick, NULL, THREAD_STACK_BYTES);
		ticker.has_thread = !error;
	}
	ticker.count = count;
	if (count > 0) {
		memcpy(ticker.cpus, cpus, count * sizeof(cpus[0]));
		ticker.pause_ns = NS_PER_S / per_second / count;
	}
	pthread_cond_signal(&ticker.changed);
	pthread_mutex_unlock(&ticker.lock);
	return error ? throw_errno(env, error, "start a thread", NULL) : undefined(env);
}

/* ticks(): { ticks, refused, cpuNs } */
static napi_value ticks_method(napi_env env, napi_callback_info info)
{
	uint64_t ticks, refused, cpu_ns;
	napi_value result;

	(void)info;
	pthread_mutex_lock(&ticker.lock);
	ticks = ticker.ticks;
	refused = ticker.refused;
	cpu_ns = ticker.cpu_ns;
	pthread_mutex_unlock(&ticker.lock);
	if (!succeeded(env, napi_create_object(env, &result)) || !set_number(env, result, "ticks", (double)ticks) ||
	    !set_number(env, result, "refused", (double)refused) || !set_number(env, result, "cpuNs", (double)cpu_ns))
		return NULL;
	return result;
}

bool register_ticker(napi_env env, napi_value exports)
{
	static const struct method methods[] = {
		{ "setTicks", set_ticks_method },
		{ "ticks", ticks_method },
	};

	return add_methods(env, exports, methods, COUNT_OF(methods));
}
