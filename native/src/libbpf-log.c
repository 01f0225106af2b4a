/* What libbpf printed last. Each thread has a log of its own: one sensor may be loading while another is used. */
#define _GNU_SOURCE
#include "libbpf-log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local struct libbpf_log *current;

void libbpf_log_to(struct libbpf_log *log)
{
	current = log;
	if (!log)
		return;
	log->used = 0;
	log->text[0] = 0;
}

int keep_libbpf_log(enum libbpf_print_level level, const char *format, va_list arguments)
{
	struct libbpf_log *log = current;
	size_t length, kept, room;
	char *message;

	if (!log || level == LIBBPF_DEBUG || vasprintf(&message, format, arguments) < 0)
		return 0;
	length = strlen(message);
	kept = length < sizeof(log->text) / 2 ? length : sizeof(log->text) / 2;
	room = sizeof(log->text) - 1 - kept;
	if (log->used > room) {
		memmove(log->text, log->text + log->used - room, room);
		log->used = room;
	}
	memcpy(log->text + log->used, message + length - kept, kept + 1);
	log->used += kept;
	free(message);
	return 0;
}
