/* What the addon's files share. Everything runs on the JavaScript thread unless a comment says otherwise. */
#ifndef CRYPTNONO_ADDON_H
#define CRYPTNONO_ADDON_H

#define NAPI_VERSION 8
#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* ---- values.c: JavaScript's values ---- */

/* Throws `Error(message)` with `code` (an errno name), `errno` and `operation`; the TypeScript face makes it a
 * NativeError. `error` is a positive errno. Returns NULL, so that a method can `return throw_errno(...)`. */
napi_value throw_errno(napi_env env, int error, const char *operation, const char *detail);
/* Whether a Node-API call did what it was to do; false with an exception pending. */
bool succeeded(napi_env env, napi_status status);

/* Arguments of a call, `wanted` of them; false with an exception pending if there are fewer. */
bool get_arguments(napi_env env, napi_callback_info info, size_t wanted, napi_value *arguments);
bool get_u32(napi_env env, napi_value value, uint32_t *number);
bool get_double(napi_env env, napi_value value, double *number);
/* A Uint8Array's memory; valid while the array lives and JavaScript does not run. */
bool get_bytes(napi_env env, napi_value value, uint8_t **data, size_t *length);
bool get_text(napi_env env, napi_value value, char *text, size_t room);
/* An array's length, and one of its elements. */
bool get_length(napi_env env, napi_value array, uint32_t *length);
bool get_element(napi_env env, napi_value array, uint32_t index, napi_value *element);

/* These return NULL with an exception pending when they fail. */
napi_value undefined(napi_env env);
napi_value null(napi_env env);
napi_value number(napi_env env, double value);
napi_value boolean(napi_env env, bool value);
napi_value text(napi_env env, const char *value);
/* A Uint8Array of its own with `length` bytes at `*data`, to be written before JavaScript runs. */
napi_value new_bytes(napi_env env, size_t length, uint8_t **data);
bool set_property(napi_env env, napi_value object, const char *name, napi_value value);
bool set_number(napi_env env, napi_value object, const char *name, double value);

struct method {
	const char *name;
	napi_callback call;
};
bool add_methods(napi_env env, napi_value exports, const struct method *methods, size_t count);

/* ---- one register function a file with methods ---- */

bool register_loop(napi_env env, napi_value exports);
bool register_memory(napi_env env, napi_value exports);
bool register_object(napi_env env, napi_value exports);
bool register_layout(napi_env env, napi_value exports);
bool register_maps(napi_env env, napi_value exports);
bool register_slots(napi_env env, napi_value exports);
bool register_pins(napi_env env, napi_value exports);
bool register_rings(napi_env env, napi_value exports);
bool register_hash(napi_env env, napi_value exports);
bool register_cgroup(napi_env env, napi_value exports);
bool register_ticker(napi_env env, napi_value exports);
bool register_rounding(napi_env env, napi_value exports);
bool register_process(napi_env env, napi_value exports);
bool register_proc_read(napi_env env, napi_value exports);

#endif
