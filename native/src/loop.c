/* How long Node's event loop keeps what waits for it. A sampling timer would wake an idle agent fifty times a second; this
 * runs once a turn, and an idle loop has none. */
#include "addon.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Of libuv's stable version 1, which Node exports; its header is no part of Node-API's. Each handle begins with `data`. */
typedef struct uv_loop_s uv_loop_t;
typedef struct {
	void *data;
} uv_handle_t;
enum { UV_CHECK = 2 };
size_t uv_handle_size(int type);
int uv_check_init(uv_loop_t *loop, uv_handle_t *check);
int uv_check_start(uv_handle_t *check, void (*callback)(uv_handle_t *));
void uv_unref(uv_handle_t *handle);
void uv_close(uv_handle_t *handle, void (*callback)(uv_handle_t *));
uint64_t uv_hrtime(void);
/* What the loop has waited for events, in nanoseconds: Node has libuv keep it. */
uint64_t uv_metrics_idle_time(uv_loop_t *loop);

/* Turns by how long they took: below 2^16 ns (65 us), each below twice the one before, and all the rest. */
#define FIRST_BITS 16
#define BUCKETS 24

struct turns {
	/* Since when, and read: how long; and the longest turn of it. */
	uint64_t since_ns, longest_ns;
	uint64_t counts[BUCKETS], sums_ns[BUCKETS];
};

struct loop_watch {
	uv_loop_t *loop;
	uv_handle_t *check;
	napi_async_cleanup_hook_handle hook;
	uint64_t last_ns, last_idle_ns;
	struct turns turns;
};

static void count_turn(uv_handle_t *check)
{
	struct loop_watch *watch = check->data;
	uint64_t now = uv_hrtime(), idle = uv_metrics_idle_time(watch->loop);
	uint64_t turn = now - watch->last_ns - (idle - watch->last_idle_ns);
	unsigned int bucket = 0;

	watch->last_ns = now;
	watch->last_idle_ns = idle;
	while (bucket < BUCKETS - 1 && turn >> (FIRST_BITS + bucket))
		bucket++;
	watch->turns.counts[bucket]++;
	watch->turns.sums_ns[bucket] += turn;
	if (turn > watch->turns.longest_ns)
		watch->turns.longest_ns = turn;
}

static void free_watch(uv_handle_t *check)
{
	struct loop_watch *watch = check->data;

	if (watch->hook)
		napi_remove_async_cleanup_hook(watch->hook);
	free(check);
	free(watch);
}

static void end_watch(napi_async_cleanup_hook_handle hook, void *data)
{
	struct loop_watch *watch = data;

	watch->hook = hook;
	uv_close(watch->check, free_watch);
}

/* watchLoop(): begins to watch this environment's loop, for as long as it runs. */
static napi_value watch_loop_method(napi_env env, napi_callback_info info)
{
	struct loop_watch *watch = calloc(1, sizeof(*watch));
	uv_handle_t *check = calloc(1, uv_handle_size(UV_CHECK));
	napi_value handle;

	(void)info;
	if (!watch || !check || napi_get_uv_event_loop(env, (struct uv_loop_s **)&watch->loop) != napi_ok ||
	    uv_check_init(watch->loop, check)) {
		free(check);
		free(watch);
		return throw_errno(env, ENOMEM, "watch the event loop", NULL);
	}
	watch->check = check;
	check->data = watch;
	uv_check_start(check, count_turn);
	uv_unref(check);
	watch->last_ns = watch->turns.since_ns = uv_hrtime();
	watch->last_idle_ns = uv_metrics_idle_time(watch->loop);
	if (!succeeded(env, napi_add_async_cleanup_hook(env, end_watch, watch, NULL))) {
		uv_close(check, free_watch);
		return NULL;
	}
	return succeeded(env, napi_create_external(env, watch, NULL, NULL, &handle)) ? handle : NULL;
}

/* readTurns(watch): what came since the last call, as `struct turns`. The turn that is under way belongs to the next one. */
static napi_value read_turns_method(napi_env env, napi_callback_info info)
{
	napi_value argument, bytes;
	struct loop_watch *watch;
	uint64_t now = uv_hrtime();
	uint8_t *data;

	if (!get_arguments(env, info, 1, &argument) ||
	    !succeeded(env, napi_get_value_external(env, argument, (void **)&watch)))
		return NULL;
	bytes = new_bytes(env, sizeof(watch->turns), &data);
	if (!bytes)
		return NULL;
	watch->turns.since_ns = now - watch->turns.since_ns;
	memcpy(data, &watch->turns, sizeof(watch->turns));
	watch->turns = (struct turns){ .since_ns = now };
	return bytes;
}

bool register_loop(napi_env env, napi_value exports)
{
	static const struct method methods[] = { { "watchLoop", watch_loop_method },
						{ "readTurns", read_turns_method } };

	return add_methods(env, exports, methods, COUNT_OF(methods));
}
