// SPDX-License-Identifier: Apache-2.0
/* Has another root, that of the variable ROOT, and lives. Its arguments are for show. */
#define _GNU_SOURCE
#include "words.h"

int main(void)
{
	const char *root = getenv("ROOT");

	if (root && (chroot(root) || chdir("/")))
		die("chroot");
	if (write(1, "there\n", 6) != 6)
		die("write");
	for (;;)
		pause();
}
