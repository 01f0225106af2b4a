// SPDX-License-Identifier: Apache-2.0
/* Has a page of its first argument, of 8 KiB at least, whose faults it is to serve itself (userfaultfd), and serves none. Tells
 * its process id. */
#define _GNU_SOURCE
#include "words.h"
#include <stdint.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define PAGE 4096

int main(int argc, char **argv)
{
	uintptr_t page = argc < 2 ? 0 : ((uintptr_t)argv[1] + PAGE - 1) & ~(uintptr_t)(PAGE - 1);
	struct uffdio_register area = { .range = { page, PAGE }, .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_api api = { .api = UFFD_API };
	int faults = (int)syscall(SYS_userfaultfd, O_CLOEXEC), length;
	char text[32];

	if (page == 0 || faults < 0 || ioctl(faults, UFFDIO_API, &api))
		die("userfaultfd");
	if (mmap((void *)page, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED ||
	    ioctl(faults, UFFDIO_REGISTER, &area))
		die("register the page");
	length = snprintf(text, sizeof(text), "child %d\n", (int)getpid());
	if (write(1, text, (size_t)length) != length)
		die("write");
	for (;;)
		pause();
}
