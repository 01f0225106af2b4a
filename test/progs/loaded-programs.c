// SPDX-License-Identifier: Apache-2.0
/* Prints which of the BPF programs whose ids are its arguments the kernel has loaded, one a line. */
#include "words.h"
#include <linux/bpf.h>
#include <sys/syscall.h>

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		union bpf_attr attr = { .prog_id = (__u32)strtoul(argv[i], NULL, 10) };
		long fd = syscall(SYS_bpf, BPF_PROG_GET_FD_BY_ID, &attr, sizeof(attr));

		if (fd >= 0) {
			printf("%s\n", argv[i]);
			close((int)fd);
		} else if (errno != ENOENT)
			die("bpf");
	}
	return 0;
}
