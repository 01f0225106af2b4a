/* Processes by pidfd. */
#define _GNU_SOURCE
#include "addon.h"

#include <errno.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/* pidfdOpen(pid): fd */
static napi_value pidfd_open_method(napi_env env, napi_callback_info info)
{
	napi_value argument;
	uint32_t pid;
	int fd;

	if (!get_arguments(env, info, 1, &argument) || !get_u32(env, argument, &pid))
		return NULL;
	fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
	return fd < 0 ? throw_errno(env, errno, "pidfd_open", NULL) : number(env, fd);
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

bool register_process(napi_env env, napi_value exports)
{
	static const struct method methods[] = {
		{ "pidfdOpen", pidfd_open_method },
		{ "pidfdSendSignal", pidfd_send_signal_method },
		{ "closeFd", close_fd_method },
	};

	return add_methods(env, exports, methods, COUNT_OF(methods));
}
