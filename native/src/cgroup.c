/* A cgroup2 file system of the agent's own, for nodes that have none mounted. */
#define _GNU_SOURCE
#include "addon.h"

#include <errno.h>
#include <linux/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Two calls that libraries before glibc 2.36 do not have. */
static int mount_detached(void)
{
	int context = (int)syscall(SYS_fsopen, "cgroup2", FSOPEN_CLOEXEC), mounted, error;

	if (context < 0)
		return -1;
	if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		mounted = -1;
	else
		mounted = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, 0);
	error = errno;
	close(context);
	errno = error;
	return mounted;
}

/* mountCgroup2(): fd. Its root is that of the cgroup namespace; it stands nowhere in the tree of files, and ends with its
 * descriptor and what is opened by it. */
static napi_value mount_cgroup2_method(napi_env env, napi_callback_info info)
{
	int fd = mount_detached();

	(void)info;
	return fd < 0 ? throw_errno(env, errno, "mount cgroup2", NULL) : number(env, fd);
}

bool register_cgroup(napi_env env, napi_value exports)
{
	static const struct method methods[] = { { "mountCgroup2", mount_cgroup2_method } };

	return add_methods(env, exports, methods, COUNT_OF(methods));
}
