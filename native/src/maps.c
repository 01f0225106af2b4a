/* A map's entries, as bytes. On a per-CPU map an entry's value is that of all CPUs, one behind the other, each rounded up to 8
 * bytes. */
#define _GNU_SOURCE
#include "sensor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* linux include/linux/errno.h; what a kernel answers to a batch on a map that has none. */
#define ENOTSUPP 524

/* Entries asked for at a time. A batch of a hash is of whole buckets: it is doubled when one has more. */
#define BATCH_ENTRIES 256

static bool is_per_cpu(const struct sensor_map *map)
{
	switch (map->info.type) {
	case BPF_MAP_TYPE_PERCPU_ARRAY:
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
		return true;
	default:
		return false;
	}
}

static size_t cpu_value_size(const struct sensor_map *map)
{
	return (map->info.value_size + 7) & ~(size_t)7;
}

static size_t value_bytes(const struct sensor_map *map)
{
	int cpus = libbpf_num_possible_cpus();

	return is_per_cpu(map) ? cpu_value_size(map) * (cpus > 0 ? (size_t)cpus : 1) : map->info.value_size;
}

/* A Uint8Array of just `size` bytes, or an exception. */
static uint8_t *get_exactly(napi_env env, napi_value value, size_t size, const char *what)
{
	uint8_t *bytes;
	size_t length;

	if (!get_bytes(env, value, &bytes, &length))
		return NULL;
	if (length == size)
		return bytes;
	throw_errno(env, EINVAL, "call", what);
	return NULL;
}

static uint8_t *get_key(napi_env env, struct sensor_map *map, napi_value value)
{
	return get_exactly(env, value, map->info.key_size, "a key of another size");
}

/* mapShape(sensor, map): {id, keySize, valueSize, maxEntries, cpus} */
static napi_value map_shape_method(napi_env env, napi_callback_info info)
{
	napi_value arguments[2], shape;
	struct sensor *s = get_sensor(env, info, 2, arguments);
	struct sensor_map *map = s ? get_map(env, s, arguments[1]) : NULL;

	if (!map || !succeeded(env, napi_create_object(env, &shape)) || !set_number(env, shape, "id", map->info.id) ||
	    !set_number(env, shape, "keySize", map->info.key_size) ||
	    !set_number(env, shape, "valueSize", map->info.value_size) ||
	    !set_number(env, shape, "maxEntries", map->info.max_entries) ||
	    !set_number(env, shape, "cpus", is_per_cpu(map) ? (double)(value_bytes(map) / cpu_value_size(map)) : 1))
		return NULL;
	return shape;
}

/* mapGet(sensor, map, key): Uint8Array | null */
static napi_value map_get_method(napi_env env, napi_callback_info info)
{
	napi_value arguments[3], result;
	struct sensor *s = get_sensor(env, info, 3, arguments);
	struct sensor_map *map = s ? get_map(env, s, arguments[1]) : NULL;
	uint8_t *key = map ? get_key(env, map, arguments[2]) : NULL;
	uint8_t *value;

	if (!key)
		return NULL;
	result = new_bytes(env, value_bytes(map), &value);
	if (!result)
		return NULL;
	if (!bpf_map_lookup_elem(map->fd, key, value))
		return result;
	return errno == ENOENT ? null(env) : throw_errno(env, errno, "read a map", map->name);
}

/* mapSet(sensor, map, key, value) */
static napi_value map_set_method(napi_env env, napi_callback_info info)
{
	napi_value arguments[4];
	struct sensor *s = get_sensor(env, info, 4, arguments);
	struct sensor_map *map = s ? get_map(env, s, arguments[1]) : NULL;
	uint8_t *key = map ? get_key(env, map, arguments[2]) : NULL;
	uint8_t *value = key ? get_exactly(env, arguments[3], value_bytes(map), "a value of another size") : NULL;

	if (!value)
		return NULL;
	if (bpf_map_update_elem(map->fd, key, value, BPF_ANY))
		return throw_errno(env, errno, "write a map", map->name);
	return undefined(env);
}

/* mapDelete(sensor, map, key): boolean, whether it was there. */
static napi_value map_delete_method(napi_env env, napi_callback_info info)
{
	napi_value arguments[3];
	struct sensor *s = get_sensor(env, info, 3, arguments);
	struct sensor_map *map = s ? get_map(env, s, arguments[1]) : NULL;
	uint8_t *key = map ? get_key(env, map, arguments[2]) : NULL;

	if (!key)
		return NULL;
	if (!bpf_map_delete_elem(map->fd, key))
		return boolean(env, true);
	return errno == ENOENT ? boolean(env, false) : throw_errno(env, errno, "delete in a map", map->name);
}

/* ---- all entries ---- */

struct entries {
	uint8_t *keys, *values;
	uint32_t count, room;
};

static void free_entries(struct entries *e)
{
	free(e->keys);
	free(e->values);
}

static bool make_room(struct entries *e, const struct sensor_map *map, uint32_t room)
{
	uint8_t *grown;

	if (room <= e->room)
		return true;
	grown = realloc(e->keys, (size_t)room * map->info.key_size);
	if (!grown)
		return false;
	e->keys = grown;
	grown = realloc(e->values, (size_t)room * value_bytes(map));
	if (!grown)
		return false;
	e->values = grown;
	e->room = room;
	return true;
}

/* Whole buckets at a time, by the kernel's own cursor. Returns 0 or an errno; EOPNOTSUPP when the map has no batches. */
static int read_batches(struct sensor_map *map, struct entries *e)
{
	LIBBPF_OPTS(bpf_map_batch_opts, options);
	uint32_t step = BATCH_ENTRIES, count;
	/* A hash's cursor is a bucket's number, an array's a key. */
	size_t cursor_bytes = map->info.key_size > sizeof(uint32_t) ? map->info.key_size : sizeof(uint32_t);
	uint8_t *cursor = malloc(cursor_bytes);
	bool begun = false;
	int error = 0;

	if (!cursor)
		return ENOMEM;
	for (;;) {
		if (!make_room(e, map, e->count + step)) {
			error = ENOMEM;
			break;
		}
		count = e->room - e->count;
		if (!bpf_map_lookup_batch(map->fd, begun ? cursor : NULL, cursor, e->keys + (size_t)e->count * map->info.key_size,
					  e->values + (size_t)e->count * value_bytes(map), &count, &options)) {
			e->count += count;
			begun = true;
			continue;
		}
		error = errno;
		if (error == ENOENT) { /* the end; `count` came before it */
			e->count += count;
			error = 0;
			break;
		}
		if (error == ENOSPC && step < map->info.max_entries) {
			step *= 2;
			continue;
		}
		break;
	}
	free(cursor);
	return error == EINVAL || error == ENOTSUPP ? EOPNOTSUPP : error;
}

/* Key by key. One that is deleted meanwhile sends the kernel back to the first, so the number of steps is bounded and an entry
 * may come twice. */
static int walk_keys(struct sensor_map *map, struct entries *e)
{
	size_t key_size = map->info.key_size;
	uint8_t *previous = NULL;

	if (!make_room(e, map, map->info.max_entries))
		return ENOMEM;
	while (e->count < e->room) {
		uint8_t *key = e->keys + (size_t)e->count * key_size;

		if (bpf_map_get_next_key(map->fd, previous, key))
			return errno == ENOENT ? 0 : errno;
		previous = key;
		if (!bpf_map_lookup_elem(map->fd, key, e->values + (size_t)e->count * value_bytes(map)))
			e->count++;
		else if (errno != ENOENT)
			return errno;
	}
	return 0;
}

/* mapEntries(sensor, map): [keys, values], each the bytes of all of them one behind the other. */
static napi_value map_entries_method(napi_env env, napi_callback_info info)
{
	napi_value arguments[2], result, bytes;
	struct sensor *s = get_sensor(env, info, 2, arguments);
	struct sensor_map *map = s ? get_map(env, s, arguments[1]) : NULL;
	struct entries e = {};
	uint8_t *to;
	int error;

	if (!map)
		return NULL;
	error = read_batches(map, &e);
	if (error == EOPNOTSUPP) {
		e.count = 0;
		error = walk_keys(map, &e);
	}
	if (error) {
		free_entries(&e);
		return throw_errno(env, error, "read a map", map->name);
	}
	result = NULL;
	if (!succeeded(env, napi_create_array_with_length(env, 2, &result)))
		goto out;
	bytes = new_bytes(env, (size_t)e.count * map->info.key_size, &to);
	if (!bytes || !succeeded(env, napi_set_element(env, result, 0, bytes))) {
		result = NULL;
		goto out;
	}
	if (e.count)
		memcpy(to, e.keys, (size_t)e.count * map->info.key_size);
	bytes = new_bytes(env, (size_t)e.count * value_bytes(map), &to);
	if (!bytes || !succeeded(env, napi_set_element(env, result, 1, bytes))) {
		result = NULL;
		goto out;
	}
	if (e.count)
		memcpy(to, e.values, (size_t)e.count * value_bytes(map));
out:
	free_entries(&e);
	return result;
}

bool register_maps(napi_env env, napi_value exports)
{
	static const struct method methods[] = {
		{ "mapShape", map_shape_method }, { "mapGet", map_get_method },		{ "mapSet", map_set_method },
		{ "mapDelete", map_delete_method }, { "mapEntries", map_entries_method },
	};

	return add_methods(env, exports, methods, COUNT_OF(methods));
}
