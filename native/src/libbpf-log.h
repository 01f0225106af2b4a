/* What libbpf printed last, which says what the kernel refused and why. */
#ifndef CRYPTNONO_LIBBPF_LOG_H
#define CRYPTNONO_LIBBPF_LOG_H

#include <bpf/libbpf.h>

/* Of what is too long (a verifier's log) the end is kept: it says why. */
struct libbpf_log {
	char text[8192];
	size_t used;
};

/* What libbpf prints on this thread goes to `log` from now on, which is emptied; NULL: nowhere. */
void libbpf_log_to(struct libbpf_log *log);

/* libbpf's print function is one for the process. */
int keep_libbpf_log(enum libbpf_print_level level, const char *format, va_list arguments);

#endif
