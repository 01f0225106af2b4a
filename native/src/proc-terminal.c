/* A line to the terminal that a process has for its standard error, if that is a pty of its own container, and nothing else.
 *
 * What it is, is known before anything is opened: the descriptor's mount and inode number, and of that mount that it is a devpts on
 * /dev/pts, are in the kernel's memory. The name is then looked up in the process's root from the kernel's cache alone, without links, so
 * that no file system is asked; and what is opened is that same inode. A terminal's own locks are waited for killably, and writing to
 * one does not wait: linux drivers/tty/tty_io.c, tty_open() and tty_write_lock(). */
#define _GNU_SOURCE
#include "proc-work.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/openat2.h>

/* UNIX98_PTY_SLAVE_MAJOR and the seven behind it: linux include/uapi/linux/major.h */
#define FIRST_MAJOR 136
#define LAST_MAJOR 143
/* An inode of devpts has the number of its terminal and this: linux fs/devpts/inode.c, devpts_pty_new() */
#define FIRST_INODE 3
/* A process's mount table, as much of it as is searched. */
#define MOUNTS_BYTES (1024 * 1024)

struct place {
	int mount;
	unsigned long inode;
};

/* Of the descriptor that an fdinfo tells of. `ino` is there from 5.14 on. */
static bool place_of(int folder, const char *path, struct place *place)
{
	int info = openat(folder, path, O_RDONLY | O_CLOEXEC);
	char text[512], *mount, *inode;
	ssize_t n;

	if (info < 0)
		return false;
	n = read(info, text, sizeof(text) - 1);
	close(info);
	text[n > 0 ? n : 0] = 0;
	mount = strstr(text, "\nmnt_id:");
	inode = strstr(text, "\nino:");
	errno = ENOTTY;
	if (!mount || !inode)
		return false;
	place->mount = atoi(mount + strlen("\nmnt_id:"));
	place->inode = strtoul(inode + strlen("\nino:"), NULL, 10);
	return place->inode >= FIRST_INODE;
}

/* Of a line of mountinfo, `36 35 0:24 / /dev/pts options optional... - devpts source options`: the device, if the mount is that.
 * Blanks in names are escaped. */
static unsigned long terminals_of(const char *line)
{
	unsigned int major, minor;
	char root[8], where[16];

	if (sscanf(line, "%*d %*d %u:%u %7s %15s ", &major, &minor, root, where) != 4 || strcmp(root, "/") ||
	    strcmp(where, "/dev/pts") || !strstr(line, " - devpts "))
		return 0;
	return (unsigned long)major << 32 | minor;
}

/* The first mount of terminals in a table that is `id`, or that is of `device`: its device; 0: there is none. */
static unsigned long find(struct work *work, int mounts, int id, unsigned long device)
{
	char *text = (char *)work->scratch, *line, *end;
	size_t kept = 0, total = 0;
	unsigned long found = 0;
	ssize_t n;

	while (mounts >= 0 && !found && total < MOUNTS_BYTES) {
		n = read(mounts, text + kept, sizeof(work->scratch) - 1 - kept);
		if (n <= 0)
			break;
		total += (size_t)n;
		text[kept + (size_t)n] = 0;
		for (line = text; !found && (end = strchr(line, '\n')); line = end + 1) {
			*end = 0;
			found = terminals_of(line);
			if (atoi(line) != id && found != device)
				found = 0;
		}
		kept = strlen(line);
		memmove(text, line, kept);
	}
	if (mounts >= 0)
		close(mounts);
	return found;
}

static int look_up(int root, const char *path)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC | O_NOFOLLOW,
				.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_CACHED };

	return (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
}

static bool is_terminal(int fd, unsigned long device)
{
	struct statx file;

	return !statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_TYPE, &file) && S_ISCHR(file.stx_mode) &&
	       file.stx_rdev_major >= FIRST_MAJOR && file.stx_rdev_major <= LAST_MAJOR &&
	       ((unsigned long)file.stx_dev_major << 32 | file.stx_dev_minor) == device;
}

/* 0, or why not: ENOTTY for whatever is no terminal of the process's own container. */
static int tell(struct work *work)
{
	struct place wanted, found;
	int process, node, root, file, terminal;
	size_t length = strlen(work->ask.path);
	unsigned long device;
	char path[48];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%u", work->ask.pid);
	process = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (process < 0 || !place_of(process, "fdinfo/2", &wanted))
		return errno;
	device = find(work, openat(process, "mountinfo", O_RDONLY | O_CLOEXEC), wanted.mount, 0);
	if (!device)
		return ENOTTY;
	/* The node's own terminals are no container's. Where its table can't be read, nothing is known to be another's. */
	node = open("/proc/1/mountinfo", O_RDONLY | O_CLOEXEC);
	if (node < 0)
		return errno;
	if (find(work, node, -1, device))
		return ENOTTY;
	root = openat(process, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return errno;
	snprintf(path, sizeof(path), "dev/pts/%lu", wanted.inode - FIRST_INODE);
	file = look_up(root, path);
	if (file < 0)
		return ENOTTY;
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", file);
	if (!place_of(AT_FDCWD, path, &found) || found.mount != wanted.mount || found.inode != wanted.inode ||
	    !is_terminal(file, device))
		return ENOTTY;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	terminal = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (terminal < 0)
		return errno;
	if (!is_terminal(terminal, device))
		return ENOTTY;
	n = write(terminal, work->ask.path, length);
	return n == (ssize_t)length ? 0 : n < 0 ? errno : EAGAIN;
}

void tell_terminal(struct work *work)
{
	work->said.error = tell(work);
}
