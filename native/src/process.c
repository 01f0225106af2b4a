/* Processes: pidfds, and the watchdog that releases what is held if the agent dies. */
#define _GNU_SOURCE
#include "addon.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/types.h>

#include "../../bpf/execwhacker.h"

/* pidfdOpen(pid): fd */
static napi_value pidfd_open_method(napi_env env, napi_callback_info info)
{
	napi_value argument, result;
	uint32_t pid;
	int fd;

	if (!get_arguments(env, info, 1, &argument) || !get_u32(env, argument, &pid))
		return NULL;
	fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
	if (fd < 0)
		return throw_errno(env, errno, "pidfd_open", NULL);
	napi_create_int32(env, fd, &result);
	return result;
}

/* pidfdSendSignal(fd, signal) */
static napi_value pidfd_send_signal_method(napi_env env, napi_callback_info info)
{
	napi_value arguments[2];
	uint32_t fd, signal;

	if (!get_arguments(env, info, 2, arguments) || !get_u32(env, arguments[0], &fd) || !get_u32(env, arguments[1], &signal))
		return NULL;
	if (syscall(SYS_pidfd_send_signal, (int)fd, (int)signal, NULL, 0))
		return throw_errno(env, errno, "pidfd_send_signal", NULL);
	return undefined(env);
}

/* closeFd(fd) */
static napi_value close_fd_method(napi_env env, napi_callback_info info)
{
	napi_value argument;
	uint32_t fd;

	if (!get_arguments(env, info, 1, &argument) || !get_u32(env, argument, &fd))
		return NULL;
	close((int)fd);
	return undefined(env);
}

/* bootTimeNs(): BigInt, CLOCK_BOOTTIME */
static napi_value boot_time_method(napi_env env, napi_callback_info info)
{
	struct timespec now;
	napi_value result;

	(void)info;
	clock_gettime(CLOCK_BOOTTIME, &now);
	napi_create_bigint_uint64(env, (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec, &result);
	return result;
}

/* Field 22 of /proc/PID/stat, in clock ticks since boot; 0 if there is no such process. Async-signal-safe. */
static uint64_t start_ticks(uint32_t pid)
{
	char path[32], text[1024], *at;
	uint64_t ticks = 0;
	ssize_t n;
	int fd, spaces = 0;

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = 0;
	at = strrchr(text, ')'); /* the name before it may hold anything */
	if (!at)
		return 0;
	for (; *at; at++) {
		if (*at == ' ' && ++spaces == 20) {
			for (at++; *at >= '0' && *at <= '9'; at++)
				ticks = ticks * 10 + (uint64_t)(*at - '0');
			break;
		}
	}
	return ticks;
}

/* The watchdog's whole life. It runs in a child without exec, so only async-signal-safe calls are made (snprintf of
 * integers does not allocate). */
static void watch(int pipe_fd, int held_fd, int signal, uint64_t ns_per_tick)
{
	uint32_t key, next, *previous = NULL;
	struct held entry;
	char byte;

	prctl(PR_SET_NAME, "cryptnono-watch");
	setsid();
	while (read(pipe_fd, &byte, 1) < 0 && errno == EINTR)
		;
	while (bpf_map_get_next_key(held_fd, previous, &next) == 0) {
		if (bpf_map_lookup_elem(held_fd, &next, &entry) == 0) {
			int fd = (int)syscall(SYS_pidfd_open, (pid_t)next, 0);

			if (fd >= 0) {
				if (start_ticks(next) == entry.start_time_ns / ns_per_tick)
					syscall(SYS_pidfd_send_signal, fd, signal, NULL, 0);
				close(fd);
			}
		}
		bpf_map_delete_elem(held_fd, &next);
		key = next;
		previous = &key;
	}
	_exit(0);
}

/* A child that waits for the agent's end, however it comes, and then sends
 * `signal` to each process that is still held. The pipe's other end closes with the agent. */
napi_value start_watchdog(napi_env env, int held_fd, int signal)
{
	uint64_t ns_per_tick = 1000000000ULL / (uint64_t)sysconf(_SC_CLK_TCK);
	napi_value result;
	int ends[2];
	pid_t child;

	if (pipe2(ends, O_CLOEXEC))
		return throw_errno(env, errno, "pipe", NULL);
	child = fork();
	if (child < 0)
		return throw_errno(env, errno, "fork the watchdog", NULL);
	if (child == 0) {
		sigset_t all;

		/* The agent's signals are not the watchdog's: a Ctrl-C ends the agent, and that ends the watchdog. */
		sigfillset(&all);
		sigprocmask(SIG_SETMASK, &all, NULL);
		held_fd = fcntl(held_fd, F_DUPFD, 16);
		ends[0] = fcntl(ends[0], F_DUPFD, 16);
		held_fd = dup2(held_fd, 3);
		ends[0] = dup2(ends[0], 4);
		for (int fd = 0; fd < 3; fd++)
			close(fd);
		syscall(SYS_close_range, 5U, ~0U, 0U); /* v5.9 */
		watch(ends[0], held_fd, signal, ns_per_tick);
	}
	close(ends[0]); /* ends[1] stays open for as long as the agent lives */
	napi_create_int32(env, child, &result);
	return result;
}

void register_process(napi_env env, napi_value exports)
{
	add_method(env, exports, "pidfdOpen", pidfd_open_method, NULL);
	add_method(env, exports, "pidfdSendSignal", pidfd_send_signal_method, NULL);
	add_method(env, exports, "closeFd", close_fd_method, NULL);
	add_method(env, exports, "bootTimeNs", boot_time_method, NULL);
}
