// SPDX-License-Identifier: Apache-2.0
/* Executes as user 65534 without any privilege. */
#define _GNU_SOURCE
#include "words.h"
#include <grp.h>

int main(void)
{
	char **words = read_words();

	if (setgroups(0, NULL) || setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
		die("become nobody");
	execve(words[0], words + 1, environ);
	die("execve");
}
