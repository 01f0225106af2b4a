/* What the addon's files share. Everything runs on the JavaScript thread unless a comment says otherwise. */
#ifndef CRYPTNONO_ADDON_H
#define CRYPTNONO_ADDON_H

#define NAPI_VERSION 8
#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Throws `Error(message)` with `code` (an errno name), `errno` and `operation`; the TypeScript face makes it a
 * NativeError. `error` is a positive errno. Returns NULL, so that a method can `return throw_errno(...)`. */
napi_value throw_errno(napi_env env, int error, const char *operation, const char *detail);

/* Arguments of a call, `wanted` of them; false with an exception pending if there are fewer. */
bool get_arguments(napi_env env, napi_callback_info info, size_t wanted, napi_value *arguments);
bool get_u32(napi_env env, napi_value value, uint32_t *number);
bool get_bool(napi_env env, napi_value object, const char *name);
/* A Uint8Array's memory; valid while the array lives and JavaScript does not run. */
bool get_bytes(napi_env env, napi_value value, uint8_t **data, size_t *length);
bool get_text(napi_env env, napi_value value, char *text, size_t room);

napi_value undefined(napi_env env);
void set_number(napi_env env, napi_value object, const char *name, double value);
void add_method(napi_env env, napi_value object, const char *name, napi_callback method, void *data);

void register_layout(napi_env env, napi_value exports);
void register_memory(napi_env env, napi_value exports);
void register_sensor(napi_env env, napi_value exports);
void register_process(napi_env env, napi_value exports);

/* The last lines that libbpf printed, which say what the kernel refused and why. */
const char *libbpf_log(void);
void libbpf_log_clear(void);

#endif
