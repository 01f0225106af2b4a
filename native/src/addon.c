/* The addon's entry, and what its files share. It decides nothing: memory, descriptors and the kernel's answers only. */
#define _GNU_SOURCE
#include "addon.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What libbpf said last. Of what is too long (a verifier's log) the end is kept: it says why. Process-wide like libbpf's
 * own print function; written on the JavaScript thread, and on a loader's while that one waits for it or does not look. */
static char log_text[8192];
static size_t log_used;

static int keep_log(enum libbpf_print_level level, const char *format, va_list arguments)
{
	size_t length, kept, room;
	char *message;

	if (level == LIBBPF_DEBUG || vasprintf(&message, format, arguments) < 0)
		return 0;
	length = strlen(message);
	kept = length < sizeof(log_text) / 2 ? length : sizeof(log_text) / 2;
	room = sizeof(log_text) - 1 - kept;
	if (log_used > room) {
		memmove(log_text, log_text + log_used - room, room);
		log_used = room;
	}
	memcpy(log_text + log_used, message + length - kept, kept + 1);
	log_used += kept;
	free(message);
	return 0;
}

const char *libbpf_log(void)
{
	return log_text;
}

void libbpf_log_clear(void)
{
	log_used = 0;
	log_text[0] = 0;
}

napi_value throw_errno(napi_env env, int error, const char *operation, const char *detail)
{
	const char *name = strerrorname_np(error);
	napi_value message, code, object, value;

	napi_create_string_utf8(env, detail && *detail ? detail : strerror(error), NAPI_AUTO_LENGTH, &message);
	napi_create_string_utf8(env, name ? name : "UNKNOWN", NAPI_AUTO_LENGTH, &code);
	if (napi_create_error(env, code, message, &object) != napi_ok)
		return NULL;
	set_number(env, object, "errno", error);
	napi_create_string_utf8(env, operation, NAPI_AUTO_LENGTH, &value);
	napi_set_named_property(env, object, "operation", value);
	napi_throw(env, object);
	return NULL;
}

bool get_arguments(napi_env env, napi_callback_info info, size_t wanted, napi_value *arguments)
{
	size_t count = wanted;

	if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) == napi_ok && count >= wanted)
		return true;
	throw_errno(env, EINVAL, "call", "too few arguments");
	return false;
}

bool get_u32(napi_env env, napi_value value, uint32_t *number)
{
	if (napi_get_value_uint32(env, value, number) == napi_ok)
		return true;
	throw_errno(env, EINVAL, "call", "not a number");
	return false;
}

bool get_bool(napi_env env, napi_value object, const char *name)
{
	napi_value value;
	bool set = false;

	if (napi_get_named_property(env, object, name, &value) != napi_ok)
		return false;
	napi_get_value_bool(env, value, &set);
	return set;
}

bool get_bytes(napi_env env, napi_value value, uint8_t **data, size_t *length)
{
	napi_typedarray_type type;

	if (napi_get_typedarray_info(env, value, &type, length, (void **)data, NULL, NULL) == napi_ok &&
	    type == napi_uint8_array)
		return true;
	throw_errno(env, EINVAL, "call", "not a Uint8Array");
	return false;
}

bool get_text(napi_env env, napi_value value, char *text, size_t room)
{
	size_t length;

	if (napi_get_value_string_utf8(env, value, text, room, &length) == napi_ok && length < room - 1)
		return true;
	throw_errno(env, EINVAL, "call", "not a string, or too long");
	return false;
}

napi_value undefined(napi_env env)
{
	napi_value value;

	napi_get_undefined(env, &value);
	return value;
}

void set_number(napi_env env, napi_value object, const char *name, double value)
{
	napi_value number;

	napi_create_double(env, value, &number);
	napi_set_named_property(env, object, name, number);
}

void add_method(napi_env env, napi_value object, const char *name, napi_callback method, void *data)
{
	napi_value function;

	napi_create_function(env, name, NAPI_AUTO_LENGTH, method, data, &function);
	napi_set_named_property(env, object, name, function);
}

NAPI_MODULE_INIT()
{
	libbpf_set_print(keep_log);
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	register_layout(env, exports);
	register_memory(env, exports);
	register_sensor(env, exports);
	register_process(env, exports);
	return exports;
}
