// SPDX-License-Identifier: Apache-2.0
/* Writes the last word over its own arguments after it has begun, and waits. */
#include "words.h"

int main(int argc, char **argv)
{
	char **words = read_words(), *text = words[0];

	if (argc < 2 || strlen(argv[1]) < strlen(text))
		die("too little room");
	strcpy(argv[1], text);
	if (write(1, "rewritten\n", 10) != 10)
		die("write");
	for (;;)
		pause();
}
