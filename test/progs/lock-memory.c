// SPDX-License-Identifier: Apache-2.0
/* Takes its own memory's lock for good: a page that a FUSE file system of its own never delivers, read by a child through
 * /proc/PID/mem, keeps the lock for reading; then a mapping waits for it for writing, and everyone else behind that. Tells the
 * process id. With `page` as the first argument a page within the second, of 8 KiB at least, lies on that file instead.
 * Whoever lists command lines on this machine (ps) waits for it: it ends by itself after 15 seconds. */
#define _GNU_SOURCE
#include "words.h"
#include <stdint.h>
#include <linux/fuse.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#define PAGE 4096
#define LIFE_SECONDS 15

static void answer(int fuse, const struct fuse_in_header *in, int error, const void *body, size_t length)
{
	char text[512];
	struct fuse_out_header head = { .len = (uint32_t)(sizeof(head) + length), .error = error, .unique = in->unique };

	memcpy(text, &head, sizeof(head));
	if (length > 0)
		memcpy(text + sizeof(head), body, length);
	if (write(fuse, text, head.len) < 0 && errno != ENOENT)
		die("answer a request");
}

/* A folder with one file in it, whose reads are never answered. */
static void serve(int fuse)
{
	static char text[1 << 17];
	const struct fuse_in_header *in = (void *)text;
	const struct fuse_attr folder = { .ino = 1, .mode = S_IFDIR | 0755, .nlink = 2, .blksize = PAGE };
	const struct fuse_attr file = { .ino = 2, .mode = S_IFREG | 0644, .nlink = 1, .blksize = PAGE, .size = PAGE };

	while (read(fuse, text, sizeof(text)) > 0) {
		struct fuse_init_out init = { .major = 7, .minor = 31, .max_write = PAGE, .max_background = 16 };
		struct fuse_entry_out entry = { .nodeid = 2, .attr = file, .entry_valid = 1000, .attr_valid = 1000 };
		struct fuse_attr_out attributes = { .attr = in->nodeid == 1 ? folder : file, .attr_valid = 1000 };
		struct fuse_open_out opened = { 0 };

		if (in->opcode == FUSE_INIT)
			answer(fuse, in, 0, &init, sizeof(init));
		else if (in->opcode == FUSE_LOOKUP)
			answer(fuse, in, 0, &entry, sizeof(entry));
		else if (in->opcode == FUSE_GETATTR)
			answer(fuse, in, 0, &attributes, sizeof(attributes));
		else if (in->opcode == FUSE_OPEN)
			answer(fuse, in, 0, &opened, sizeof(opened));
		else if (in->opcode != FUSE_READ && in->opcode != FUSE_FORGET && in->opcode != FUSE_INTERRUPT)
			answer(fuse, in, -ENOSYS, NULL, 0);
	}
}

static void tell(void)
{
	char text[32];
	int length = snprintf(text, sizeof(text), "child %d\n", (int)getpid());

	if (write(1, text, (size_t)length) != length)
		die("write");
}

static void read_own_page(const char *page)
{
	char path[32], byte;
	int memory;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)getpid());
	if (fork() > 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	memory = open(path, O_RDONLY);
	if (memory < 0 || pread(memory, &byte, 1, (off_t)(uintptr_t)page) != 1)
		_exit(125);
	_exit(0);
}

static void hang(const char *file, char **argv)
{
	int fd = open(file, O_RDONLY);
	char *page;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (fd < 0)
		die("open the file");
	if (argv[1] && strcmp(argv[1], "page") == 0) {
		page = (char *)(((uintptr_t)argv[2] + PAGE - 1) & ~(uintptr_t)(PAGE - 1));
		if (mmap(page, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0) == MAP_FAILED)
			die("map the file over the arguments");
		tell();
		for (;;)
			pause();
	}
	page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	if (page == MAP_FAILED)
		die("map the file");
	read_own_page(page);
	usleep(200000); /* until the child waits */
	tell();
	mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

int main(int argc, char **argv)
{
	char folder[] = "/tmp/cn-fuse-XXXXXX", file[64], options[64];
	int fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (argc < 3)
		die("two arguments");
	if (fuse < 0 || unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("cryptnono", "/tmp", "tmpfs", 0, NULL) || !mkdtemp(folder))
		die("prepare");
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fuse);
	if (mount("cryptnono", folder, "fuse", 0, options))
		die("mount");
	snprintf(file, sizeof(file), "%s/file", folder);
	if (fork() == 0) {
		close(fuse);
		hang(file, argv);
	}
	alarm(LIFE_SECONDS); /* with its server the file system ends, and with that all that wait */
	serve(fuse);
	return 0;
}
