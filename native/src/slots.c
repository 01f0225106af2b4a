/* Maps within maps: an outer map's slot gets a fresh inner map, whole, so that programs see all of the old content or all of
 * the new. */
#define _GNU_SOURCE
#include "sensor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/membarrier.h>

/* What one slot gets. */
struct content {
	int outer, inner, error;
	uint32_t slot;
	const struct inner_shape *shape;
	bool has_keys; /* an array has none */
	const uint8_t *keys, *values; /* NULL when there are no entries */
	size_t entries;
	pthread_t thread;
	bool on_thread;
};

static int copy_to_array(int fd, const struct content *c)
{
	size_t length = c->entries * c->shape->value_size, page = (size_t)sysconf(_SC_PAGESIZE);
	size_t size = (length + page - 1) & ~(page - 1);
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED)
		return errno;
	memcpy(memory, c->values, length);
	munmap(memory, size);
	return 0;
}

static int write_one_by_one(int fd, const struct content *c)
{
	for (size_t i = 0; i < c->entries; i++)
		if (bpf_map_update_elem(fd, c->keys + i * c->shape->key_size, c->values + i * c->shape->value_size, BPF_ANY))
			return errno;
	return 0;
}

static int write_entries(int fd, const struct content *c)
{
	LIBBPF_OPTS(bpf_map_batch_opts, options);
	uint32_t count = (uint32_t)c->entries;

	/* A kernel without batches for this kind of map says so before it writes anything. */
	if (count && !bpf_map_update_batch(fd, c->keys, c->values, &count, &options))
		return 0;
	return write_one_by_one(fd, c);
}

/* A fresh inner map with the content. Returns its descriptor or a negative errno. */
static int new_inner(const char *name, const struct content *c)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = c->shape->flags);
	uint32_t entries = c->entries ? (uint32_t)c->entries : 1;
	int fd = bpf_map_create(c->shape->type, name, c->shape->key_size, c->shape->value_size,
				entries, &options);
	int error;

	if (fd < 0)
		return fd;
	error = c->has_keys ? write_entries(fd, c) : copy_to_array(fd, c);
	if (!error)
		return fd;
	close(fd);
	return -error;
}

/* On a thread of its own, or on JavaScript's. */
static void *set_slot(void *data)
{
	struct content *c = data;

	if (bpf_map_update_elem(c->outer, &c->slot, &c->inner, BPF_ANY))
		c->error = errno;
	return NULL;
}

/* Each update waits some 10 ms for the programs that may still see what was there before; on threads they wait together. */
static int set_slots(struct content *contents, size_t count)
{
	int error = 0;

	for (size_t i = 1; i < count; i++)
		contents[i].on_thread = !start_thread(&contents[i].thread, set_slot, &contents[i]);
	for (size_t i = 0; i < count; i++) {
		if (contents[i].on_thread)
			pthread_join(contents[i].thread, NULL);
		else
			set_slot(&contents[i]);
		if (contents[i].error)
			error = contents[i].error;
	}
	return error;
}

/* Wait until every program that may have chosen a slot before the last switch has ended: it looks its maps up more than
 * once, and must not meet new ones. Programs run within an RCU read-side section, so a grace period is enough, which this
 * membarrier command waits for. Kernels with nohz_full refuse it; no program runs for as long as the sleep. */
static void wait_for_programs(void)
{
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		usleep(100 * 1000);
}

static bool get_content(napi_env env, struct sensor *s, napi_value outer, napi_value values, napi_value keys,
			struct content *c)
{
	struct sensor_map *map = get_map(env, s, outer);
	size_t length, keys_length, value_size;
	napi_valuetype type;
	uint8_t *bytes;

	if (!map || !get_bytes(env, values, &bytes, &length))
		return false;
	if (!map->holds_maps) {
		throw_errno(env, EINVAL, "fill a slot", "the map holds no maps");
		return false;
	}
	c->shape = &map->inner;
	c->outer = map->fd;
	c->values = bytes;
	value_size = c->shape->value_size;
	c->entries = length / value_size;
	if (!succeeded(env, napi_typeof(env, keys, &type)))
		return false;
	if (length % value_size || (type == napi_null && length == 0)) {
		throw_errno(env, EINVAL, "fill a slot", map->name);
		return false;
	}
	if (type == napi_null)
		return true;
	if (!get_bytes(env, keys, &bytes, &keys_length))
		return false;
	c->has_keys = true;
	c->keys = bytes;
	if (keys_length == c->entries * c->shape->key_size)
		return true;
	throw_errno(env, EINVAL, "fill a slot", "as many keys as values are needed");
	return false;
}

/* fill(sensor, slot, outers, values, keys): a fresh inner map for the slot of each outer map. An array's values are given in the
 * order of its keys, with null for these; of every other map each entry's key and value. The slot must not be the one in
 * force. */
static napi_value fill_method(napi_env env, napi_callback_info info)
{
	napi_value arguments[5], outer, values, keys, result = NULL;
	struct sensor *s = get_sensor(env, info, 5, arguments);
	struct content *contents;
	uint32_t slot, count, filled = 0;
	int error;

	if (!s || !get_u32(env, arguments[1], &slot) || !get_length(env, arguments[2], &count))
		return NULL;
	contents = calloc(count ? count : 1, sizeof(*contents));
	if (!contents)
		return throw_errno(env, ENOMEM, "fill a slot", NULL);
	for (uint32_t i = 0; i < count; i++) {
		contents[i].slot = slot;
		if (!get_element(env, arguments[2], i, &outer) || !get_element(env, arguments[3], i, &values) ||
		    !get_element(env, arguments[4], i, &keys) || !get_content(env, s, outer, values, keys, &contents[i]))
			goto out;
	}
	if (s->link_count)
		wait_for_programs();
	for (; filled < count; filled++) {
		contents[filled].inner = new_inner("cn_inner", &contents[filled]);
		if (contents[filled].inner < 0) {
			throw_errno(env, -contents[filled].inner, "fill a slot", NULL);
			goto out;
		}
	}
	error = set_slots(contents, count);
	if (error)
		throw_errno(env, error, "fill a slot", NULL);
	else
		result = undefined(env);
out:
	while (filled-- > 0)
		close(contents[filled].inner); /* the outer map holds it now, if it took it */
	free(contents);
	return result;
}

bool register_slots(napi_env env, napi_value exports)
{
	static const struct method methods[] = { { "fill", fill_method } };

	return add_methods(env, exports, methods, COUNT_OF(methods));
}
