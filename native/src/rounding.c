/* Harmless children that look to the kernel as if they computed RandomX: the proof that what looks for that works. They change
 * nothing, read nothing and end by themselves. */
#define _GNU_SOURCE
#include "addon.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <emmintrin.h>

/* RandomX specification 5.2.2 and 5.3: the masks of floating point groups E and F. */
#define MANTISSA_MASK 0x00ffffffffffffffLL
#define SCALE_MASK ((long long)0x80f0000000000000ULL)
#define MXCSR_DEFAULT 0x1f80
#define ROUNDING(turn) (((turn) & 3) << 13)
/* Some ten microseconds between two changes of the mode. */
#define SPINS 20000

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static _Noreturn void compute(uint64_t until_ms)
{
	const __m128i scale = _mm_set1_epi64x(SCALE_MASK), mantissa = _mm_set1_epi64x(MANTISSA_MASK);

	for (unsigned turn = 0; now_ms() < until_ms; turn++) {
		_mm_setcsr(MXCSR_DEFAULT | ROUNDING(turn));
		__asm__ volatile("movdqa %0, %%xmm14\n\tmovdqa %1, %%xmm15\n\tmov %2, %%ecx\n1:\tdec %%ecx\n\tjnz 1b"
				 :
				 : "x"(scale), "x"(mantissa), "i"(SPINS)
				 : "xmm14", "xmm15", "ecx", "cc");
	}
	_exit(0);
}

/* Two on one processor, so that each takes it from the other: the kernel looks when one is taken off. */
static pid_t start_child(int cpu, uint64_t until_ms, pid_t agent)
{
	cpu_set_t one;
	pid_t child = fork();

	if (child)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != agent)
		_exit(0);
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	sched_setaffinity(0, sizeof(one), &one);
	compute(until_ms);
}

/* startComputing(ms): [pid, pid]; each is to be reaped. On JavaScript's thread. */
static napi_value start_computing_method(napi_env env, napi_callback_info info)
{
	napi_value argument, pids;
	uint64_t until_ms;
	uint32_t ms;
	int cpu = sched_getcpu();

	if (!get_arguments(env, info, 1, &argument) || !get_u32(env, argument, &ms) ||
	    !succeeded(env, napi_create_array(env, &pids)))
		return NULL;
	until_ms = now_ms() + ms;
	for (uint32_t i = 0; i < 2; i++) {
		pid_t child = start_child(cpu, until_ms, getpid());

		if (child < 0)
			return throw_errno(env, errno, "start a child", NULL);
		if (!succeeded(env, napi_set_element(env, pids, i, number(env, child))))
			return NULL;
	}
	return pids;
}
#else
static napi_value start_computing_method(napi_env env, napi_callback_info info)
{
	(void)info;
	return throw_errno(env, ENOTSUP, "compute as RandomX does", NULL);
}
#endif

/* reap(pid): the signal that ended it, 0 for none, -1 while it runs. */
static napi_value reap_method(napi_env env, napi_callback_info info)
{
	napi_value argument;
	uint32_t pid;
	int status;

	if (!get_arguments(env, info, 1, &argument) || !get_u32(env, argument, &pid))
		return NULL;
	switch (waitpid((pid_t)pid, &status, WNOHANG)) {
	case 0:
		return number(env, -1);
	case -1:
		return throw_errno(env, errno, "wait for a child", NULL);
	default:
		return number(env, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	}
}

bool register_rounding(napi_env env, napi_value exports)
{
	static const struct method methods[] = {
		{ "startComputing", start_computing_method },
		{ "reap", reap_method },
	};

	return add_methods(env, exports, methods, COUNT_OF(methods));
}
