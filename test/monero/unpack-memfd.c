/* Unpacks the program that is appended to it into a file without a name, and executes that. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

extern unsigned char _binary_packed_bin_start[], _binary_packed_bin_end[];

int main(int argc, char **argv, char **environment)
{
	size_t bytes = (size_t)(_binary_packed_bin_end - _binary_packed_bin_start);
	unsigned char *program = malloc(bytes), key = 0x9d;
	int file = memfd_create("x", MFD_CLOEXEC);

	(void)argc;
	for (size_t i = 0; i < bytes; i++, key = key * 5 + 113)
		program[i] = _binary_packed_bin_start[i] ^ key;
	if (write(file, program, bytes) != (ssize_t)bytes)
		return 1;
	fexecve(file, argv, environment);
	return 1;
}
