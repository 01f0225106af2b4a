/* Processes: pidfds, and the clock of their start times. */
#define _GNU_SOURCE
#include "addon.h"

#include <errno.h>
#include <sys/types.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

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

void register_process(napi_env env, napi_value exports)
{
	add_method(env, exports, "pidfdOpen", pidfd_open_method, NULL);
	add_method(env, exports, "pidfdSendSignal", pidfd_send_signal_method, NULL);
	add_method(env, exports, "closeFd", close_fd_method, NULL);
	add_method(env, exports, "bootTimeNs", boot_time_method, NULL);
}
