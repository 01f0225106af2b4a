/* A sensor: the programs, maps, links and rings of one BPF object, from open to close; or what was pinned of one. It knows
 * them by the names that the object gives them. */
#ifndef CRYPTNONO_SENSOR_H
#define CRYPTNONO_SENSOR_H

#include "addon.h"
#include "libbpf-log.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <pthread.h>

/* A BPF object's names are C names; a directory of pins has the names of links and maps. */
#define MAX_NAME_BYTES 128
#define MAX_PATH_TEXT 4096

/* Of the maps that a map holds. */
struct inner_shape {
	enum bpf_map_type type;
	uint32_t key_size, value_size, flags;
};

struct sensor_map {
	char name[MAX_NAME_BYTES];
	int fd;
	struct bpf_map_info info;
	bool holds_maps;
	struct inner_shape inner;
	/* Of a ring buffer, once it is read. */
	struct ring *ring;
};

struct sensor_link {
	char name[MAX_NAME_BYTES]; /* the program's */
	struct bpf_link *link;
};

struct sensor {
	napi_env env;
	struct bpf_object *object; /* NULL when opened from pins */
	struct sensor_map *maps;
	size_t map_count;
	struct sensor_link *links;
	size_t link_count;
	struct libbpf_log log;
	/* The loader: a thread, so that the verifier works while JavaScript does something else. */
	enum { UNLOADED, LOADING, LOADED } load_state;
	pthread_t loader;
	struct libbpf_log loader_log;
	int load_error;
	_Atomic bool load_ended; /* the thread's last word */
	/* The waiter on the rings; NULL while nobody waits. */
	struct waiter *waiter;
	bool closed;
};

/* ---- object.c ---- */

/* The sensor, its load begun and ended, that a method was called with as its first argument, and the other arguments. NULL
 * with an exception pending when it is closed or could not be loaded. */
struct sensor *get_sensor(napi_env env, napi_callback_info info, size_t wanted, napi_value *arguments);
/* The same before its load. */
struct sensor *get_unloaded(napi_env env, napi_callback_info info, size_t wanted, napi_value *arguments);
/* The same, open or closed, loaded or not. */
struct sensor *get_any_sensor(napi_env env, napi_callback_info info, size_t wanted, napi_value *arguments);
/* A sensor without object or maps, and its handle in JavaScript, whose end is its own. */
struct sensor *new_sensor(napi_env env, napi_value *handle);
/* A map by a JavaScript string; NULL with an exception pending. */
struct sensor_map *get_map(napi_env env, struct sensor *sensor, napi_value name);
/* Begin `run` on a thread that no signal reaches: those are JavaScript's, and the verifier gives up when its thread gets one.
 * Returns 0 or an errno. */
int start_thread(pthread_t *thread, void *(*run)(void *), void *data);

/* ---- rings.c ---- */

void stop_waiting(struct sensor *sensor);
void close_ring(struct ring *ring);

#endif
