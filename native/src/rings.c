/* Ring buffers: records copied out in batches, and one call on the JavaScript thread when a ring has some. */
#define _GNU_SOURCE
#include "sensor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* A batch handed to JavaScript is closed once it is this long: some 300 kills, which take it about 20 ms. */
#define BATCH_BYTES (1 << 17)

struct ring {
	struct ring_buffer *reader;
	uint8_t *batch;
	size_t used, room;
	bool out_of_memory; /* a record was lost to it */
};

/* A thread that turns «a ring has records» into one call on the JavaScript thread. */
struct waiter {
	pthread_t thread;
	int epoll, stop_event, drained_event;
	napi_threadsafe_function wake;
	_Atomic bool stopping;
};

void close_ring(struct ring *ring)
{
	if (!ring)
		return;
	ring_buffer__free(ring->reader);
	free(ring->batch);
	free(ring);
}

/* ---- reading ---- */

static bool has_room(struct ring *ring, size_t step)
{
	size_t room = ring->room ? ring->room : 1 << 16;
	uint8_t *grown;

	if (ring->used + step <= ring->room)
		return true;
	while (room < ring->used + step)
		room *= 2;
	grown = realloc(ring->batch, room);
	if (!grown)
		return false;
	ring->batch = grown;
	ring->room = room;
	return true;
}

static int keep_record(void *data, void *record, size_t size)
{
	struct ring *ring = data;
	size_t step = 8 + ((size + 7) & ~(size_t)7);

	if (!has_room(ring, step)) {
		ring->out_of_memory = true;
		return -ENOMEM; /* this one is lost; the ring's rest stays where it is */
	}
	*(uint64_t *)(ring->batch + ring->used) = size;
	memcpy(ring->batch + ring->used + 8, record, size);
	ring->used += step;
	return ring->used >= BATCH_BYTES ? -EAGAIN : 0;
}

/* The map's ring, its reader made when it is first wanted. NULL with an exception pending. */
static struct ring *get_ring(napi_env env, struct sensor_map *map)
{
	struct ring *ring = map->ring;
	int error;

	if (ring)
		return ring;
	ring = calloc(1, sizeof(*ring));
	if (!ring) {
		throw_errno(env, ENOMEM, "open a ring", map->name);
		return NULL;
	}
	ring->reader = ring_buffer__new(map->fd, keep_record, ring, NULL);
	if (!ring->reader) {
		error = errno;
		free(ring);
		throw_errno(env, error, "open a ring", map->name);
		return NULL;
	}
	map->ring = ring;
	return ring;
}

/* readRing(sensor, map): Uint8Array | null. What lies in the ring, at most about 128 KiB: each record is its length as a
 * 64-bit number, its bytes, and filling up to 8. What was read and could not be handed over comes with the next call. */
static napi_value read_ring_method(napi_env env, napi_callback_info info)
{
	napi_value arguments[2], result;
	struct sensor *s = get_sensor(env, info, 2, arguments);
	struct sensor_map *map = s ? get_map(env, s, arguments[1]) : NULL;
	struct ring *ring = map ? get_ring(env, map) : NULL;
	uint8_t *to;
	int n;

	if (!ring)
		return NULL;
	if (ring->used == 0) {
		n = ring_buffer__consume(ring->reader);
		if (n < 0 && n != -EAGAIN && n != -ENOMEM)
			return throw_errno(env, -n, "read a ring", map->name);
	}
	if (ring->used == 0) {
		if (!ring->out_of_memory)
			return null(env);
		ring->out_of_memory = false;
		return throw_errno(env, ENOMEM, "read a ring", map->name);
	}
	result = new_bytes(env, ring->used, &to);
	if (!result)
		return NULL;
	memcpy(to, ring->batch, ring->used);
	ring->used = 0;
	if (ring->room > BATCH_BYTES) {
		free(ring->batch); /* a burst's memory is not kept */
		ring->batch = NULL;
		ring->room = 0;
	}
	return result;
}

/* ---- waiting ---- */

/* On the waiter's thread. */
static void *wait_for_records(void *data)
{
	struct waiter *waiter = data;
	struct epoll_event event;
	uint64_t count;

	for (;;) {
		int n = epoll_wait(waiter->epoll, &event, 1, -1);

		if (n < 0 && errno == EINTR)
			continue;
		/* Not by the event alone: records that no one reads keep a ring readable, and epoll may name that one. */
		if (n <= 0 || waiter->stopping)
			return NULL;
		if (napi_call_threadsafe_function(waiter->wake, NULL, napi_tsfn_nonblocking) != napi_ok)
			return NULL;
		/* The rings stay readable until JavaScript has emptied them. */
		while (read(waiter->drained_event, &count, sizeof(count)) < 0 && errno == EINTR)
			;
	}
}

static void free_waiter(struct waiter *waiter)
{
	if (waiter->wake)
		napi_release_threadsafe_function(waiter->wake, napi_tsfn_abort);
	if (waiter->epoll >= 0)
		close(waiter->epoll);
	if (waiter->stop_event >= 0)
		close(waiter->stop_event);
	if (waiter->drained_event >= 0)
		close(waiter->drained_event);
	free(waiter);
}

void stop_waiting(struct sensor *s)
{
	struct waiter *waiter = s->waiter;
	uint64_t one = 1;

	if (!waiter)
		return;
	waiter->stopping = true;
	if (write(waiter->stop_event, &one, sizeof(one)) < 0 || write(waiter->drained_event, &one, sizeof(one)) < 0)
		abort(); /* an eventfd takes a 1 */
	pthread_join(waiter->thread, NULL);
	free_waiter(waiter);
	s->waiter = NULL;
}

static int watch(struct waiter *waiter, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(waiter->epoll, EPOLL_CTL_ADD, fd, &event) ? errno : 0;
}

/* A waiter on the named rings that has not begun. NULL with an exception pending. */
static struct waiter *new_waiter(napi_env env, struct sensor *s, napi_value names, napi_value callback)
{
	struct waiter *waiter = calloc(1, sizeof(*waiter));
	napi_value name;
	uint32_t count;
	int error = 0;

	if (!waiter) {
		throw_errno(env, ENOMEM, "wait for records", NULL);
		return NULL;
	}
	waiter->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (waiter->epoll < 0)
		error = errno;
	waiter->stop_event = eventfd(0, EFD_CLOEXEC);
	if (waiter->stop_event < 0)
		error = errno;
	waiter->drained_event = eventfd(0, EFD_CLOEXEC);
	if (waiter->drained_event < 0)
		error = errno;
	if (!error)
		error = watch(waiter, waiter->stop_event);
	if (!error && !get_length(env, names, &count))
		goto fail;
	for (uint32_t i = 0; !error && i < count; i++) {
		struct sensor_map *map;
		struct ring *ring;

		if (!get_element(env, names, i, &name) || !(map = get_map(env, s, name)) || !(ring = get_ring(env, map)))
			goto fail;
		error = watch(waiter, ring_buffer__epoll_fd(ring->reader));
	}
	if (error) {
		throw_errno(env, error, "wait for records", NULL);
		goto fail;
	}
	name = text(env, "cryptnono records");
	if (!name || !succeeded(env, napi_create_threadsafe_function(env, callback, NULL, name, 0, 1, NULL, NULL, NULL, NULL,
								      &waiter->wake)))
		goto fail;
	return waiter;
fail:
	free_waiter(waiter);
	return NULL;
}

/* onRecords(sensor, maps, callback): callback() runs when one of the rings has records; then drained(sensor) must be called
 * once they are empty, and it may be called again. */
static napi_value on_records_method(napi_env env, napi_callback_info info)
{
	napi_value arguments[3];
	struct sensor *s = get_sensor(env, info, 3, arguments);
	struct waiter *waiter;
	int error;

	if (!s)
		return NULL;
	if (s->waiter)
		return throw_errno(env, EBUSY, "wait for records", "someone does already");
	waiter = new_waiter(env, s, arguments[1], arguments[2]);
	if (!waiter)
		return NULL;
	error = start_thread(&waiter->thread, wait_for_records, waiter);
	if (error) {
		free_waiter(waiter);
		return throw_errno(env, error, "wait for records", NULL);
	}
	s->waiter = waiter;
	return undefined(env);
}

/* drained(sensor) */
static napi_value drained_method(napi_env env, napi_callback_info info)
{
	napi_value argument;
	struct sensor *s = get_sensor(env, info, 1, &argument);
	uint64_t one = 1;

	if (!s)
		return NULL;
	if (s->waiter && write(s->waiter->drained_event, &one, sizeof(one)) < 0)
		return throw_errno(env, errno, "wait for records", NULL);
	return undefined(env);
}

bool register_rings(napi_env env, napi_value exports)
{
	static const struct method methods[] = {
		{ "readRing", read_ring_method },
		{ "onRecords", on_records_method },
		{ "drained", drained_method },
	};

	return add_methods(env, exports, methods, COUNT_OF(methods));
}
