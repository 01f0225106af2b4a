/* The hash that bpf/execwhacker/copied.bpf.h takes of a process's arguments, of a copy of them. */
#include "addon.h"

#include <errno.h>
#include <string.h>

#include <linux/types.h>

/* hashStrings(area, bytes, keys): bigint. The first `bytes` bytes of `area`, which end with a NUL; keys are 16 bytes. */
static napi_value hash_strings_method(napi_env env, napi_callback_info info)
{
	napi_value arguments[3], result;
	size_t length, keys_length;
	uint64_t keys[2], hash, word;
	uint8_t *area, *key_bytes;
	uint32_t bytes, strings = 0;

	if (!get_arguments(env, info, 3, arguments) || !get_bytes(env, arguments[0], &area, &length) ||
	    !get_u32(env, arguments[1], &bytes) || !get_bytes(env, arguments[2], &key_bytes, &keys_length))
		return NULL;
	if (keys_length != sizeof(keys) || bytes > length)
		return throw_errno(env, EINVAL, "hash strings", NULL);
	memcpy(keys, key_bytes, sizeof(keys));
	for (uint32_t i = 0; i < bytes; i++)
		strings += area[i] == 0;
	hash = keys[0] ^ strings;
	for (uint32_t at = 0; at < bytes; at += 8) {
		word = 0;
		memcpy(&word, area + at, bytes - at < 8 ? bytes - at : 8);
		hash = (hash ^ word) * keys[0];
		hash ^= hash >> 32;
		hash *= keys[1];
	}
	return succeeded(env, napi_create_bigint_uint64(env, hash, &result)) ? result : NULL;
}

bool register_hash(napi_env env, napi_value exports)
{
	static const struct method methods[] = { { "hashStrings", hash_strings_method } };

	return add_methods(env, exports, methods, COUNT_OF(methods));
}
