/* Switches of tasks on one processor, as many as standard input asks for, a number a line. Usage: switch-cost HOW; HOW: user (two
 * processes hand a byte to and fro by pipes), kernel (a process waits for a kernel thread each time), interrupted (a process that computes
 * is interrupted by one that wakes up). Answers each line with nanoseconds of processor time, and switches. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static pid_t other;
static int there[2], back[2], refresh;

static long long ns_of(clockid_t clock)
{
	struct timespec t;

	if (clock_gettime(clock, &t))
		exit(1);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void echo(void)
{
	char byte;

	while (read(there[0], &byte, 1) == 1)
		if (write(back[1], &byte, 1) != 1)
			break;
	_exit(0);
}

static void compute(void)
{
	volatile double x = 1;

	for (;;)
		x = x * 1.000001 + 0.1;
}

static void hand_over(void)
{
	char byte = 0;

	if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
		exit(1);
}

/* Each processor's kworker adds up its counters, and we wait for them (linux mm/vmstat.c, vmstat_refresh). */
static void wait_for_kernel(void)
{
	if (pwrite(refresh, "1", 1, 0) != 1)
		exit(1);
}

static void wake_up(void)
{
	struct timespec t = { .tv_nsec = 50000 };

	clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
}

int main(int argc, char **argv)
{
	struct sched_param first = { .sched_priority = 1 };
	void (*child)(void) = NULL, (*turn)(void);
	clockid_t others;
	cpu_set_t one;
	long rounds;

	if (argc < 2)
		return 2;
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
	if (!strcmp(argv[1], "user")) {
		child = echo;
		turn = hand_over;
	} else if (!strcmp(argv[1], "kernel")) {
		turn = wait_for_kernel;
	} else {
		child = compute;
		turn = wake_up;
	}
	refresh = open("/proc/sys/vm/stat_refresh", O_WRONLY | O_CLOEXEC);
	if (pipe(there) || pipe(back) || refresh < 0)
		return 1;
	if (child) {
		other = fork();
		if (other == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			close(there[1]);
			child();
		}
		if (clock_getcpuclockid(other, &others))
			return 1;
	}
	if (turn == wake_up && (sched_setscheduler(0, SCHED_FIFO, &first) || prctl(PR_SET_TIMERSLACK, 1)))
		return 1;
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (scanf("%ld", &rounds) == 1) {
		long long cpu = ns_of(CLOCK_PROCESS_CPUTIME_ID) + (child ? ns_of(others) : 0);

		for (long i = 0; i < rounds; i++)
			turn();
		cpu = ns_of(CLOCK_PROCESS_CPUTIME_ID) + (child ? ns_of(others) : 0) - cpu;
		printf("%lld %ld\n", cpu, rounds * 2);
	}
	if (child)
		kill(other, SIGKILL);
	return 0;
}
