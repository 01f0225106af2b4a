/* JavaScript's values: to and from C, each call checked. */
#define _GNU_SOURCE
#include "addon.h"

#include <errno.h>
#include <string.h>

/* Best effort: it is what is done when something else has failed already. */
napi_value throw_errno(napi_env env, int error, const char *operation, const char *detail)
{
	const char *name = strerrorname_np(error);
	napi_value message, code, object, value;

	if (napi_create_string_utf8(env, detail && *detail ? detail : strerror(error), NAPI_AUTO_LENGTH, &message) != napi_ok ||
	    napi_create_string_utf8(env, name ? name : "UNKNOWN", NAPI_AUTO_LENGTH, &code) != napi_ok ||
	    napi_create_error(env, code, message, &object) != napi_ok)
		return NULL;
	if (napi_create_double(env, error, &value) == napi_ok)
		napi_set_named_property(env, object, "errno", value);
	if (napi_create_string_utf8(env, operation, NAPI_AUTO_LENGTH, &value) == napi_ok)
		napi_set_named_property(env, object, "operation", value);
	napi_throw(env, object);
	return NULL;
}

bool succeeded(napi_env env, napi_status status)
{
	const napi_extended_error_info *info = NULL;
	bool pending = false;

	if (status == napi_ok)
		return true;
	napi_get_last_error_info(env, &info);
	napi_is_exception_pending(env, &pending);
	if (!pending)
		throw_errno(env, EINVAL, "call", info ? info->error_message : NULL);
	return false;
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

bool get_double(napi_env env, napi_value value, double *number)
{
	if (napi_get_value_double(env, value, number) == napi_ok)
		return true;
	throw_errno(env, EINVAL, "call", "not a number");
	return false;
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

bool get_length(napi_env env, napi_value array, uint32_t *length)
{
	if (napi_get_array_length(env, array, length) == napi_ok)
		return true;
	throw_errno(env, EINVAL, "call", "not an array");
	return false;
}

bool get_element(napi_env env, napi_value array, uint32_t index, napi_value *element)
{
	return succeeded(env, napi_get_element(env, array, index, element));
}

napi_value undefined(napi_env env)
{
	napi_value value;

	return succeeded(env, napi_get_undefined(env, &value)) ? value : NULL;
}

napi_value null(napi_env env)
{
	napi_value value;

	return succeeded(env, napi_get_null(env, &value)) ? value : NULL;
}

napi_value number(napi_env env, double value)
{
	napi_value result;

	return succeeded(env, napi_create_double(env, value, &result)) ? result : NULL;
}

napi_value boolean(napi_env env, bool value)
{
	napi_value result;

	return succeeded(env, napi_get_boolean(env, value, &result)) ? result : NULL;
}

napi_value text(napi_env env, const char *value)
{
	napi_value result;

	return succeeded(env, napi_create_string_utf8(env, value, NAPI_AUTO_LENGTH, &result)) ? result : NULL;
}

napi_value new_bytes(napi_env env, size_t length, uint8_t **data)
{
	napi_value buffer, result;

	if (!succeeded(env, napi_create_arraybuffer(env, length, (void **)data, &buffer)) ||
	    !succeeded(env, napi_create_typedarray(env, napi_uint8_array, length, buffer, 0, &result)))
		return NULL;
	return result;
}

bool set_property(napi_env env, napi_value object, const char *name, napi_value value)
{
	return value && succeeded(env, napi_set_named_property(env, object, name, value));
}

bool set_number(napi_env env, napi_value object, const char *name, double value)
{
	return set_property(env, object, name, number(env, value));
}

bool add_methods(napi_env env, napi_value exports, const struct method *methods, size_t count)
{
	napi_value function;

	for (size_t i = 0; i < count; i++)
		if (!succeeded(env, napi_create_function(env, methods[i].name, NAPI_AUTO_LENGTH, methods[i].call, NULL,
							 &function)) ||
		    !set_property(env, exports, methods[i].name, function))
			return false;
	return true;
}
