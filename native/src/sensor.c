/* The sensor: programs, maps, links and rings as one object, from open to close. */
#define _GNU_SOURCE
#include "addon.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <linux/membarrier.h>
#include <linux/types.h>

#include "../../bpf/execwhacker.h"

#define RINGS 2
static const char *const ring_names[RINGS] = { "kill_events", "other_events" };
/* Pinned so that a later agent can take over: the links keep deciding, the rest is what they write. */
static const char *const pinned_maps[] = { "kill_events", "other_events", "counters", "control" };
/* In the order of attaching, which is the order of running: guard_skipped looks after the others. */
static const char *const pinned_programs[] = { "agent_exit", "guard_exec", "guard_exec_2", "guard_exec_3",
					       "guard_skipped" };
#define GUARD_EXEC 1
/* guard_exec, guard_exec_2, guard_exec_3: each has a state of its own in these. */
#define GUARD_COPIES 3
static const char *const maps_by_copy[] = { "searches", "event_buffers" };
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
/* A batch handed to JavaScript is closed once it is this long: some 300 kills, which take it about 20 ms. */
#define BATCH_BYTES (1 << 17)

struct ring {
	struct ring_buffer *reader;
	uint8_t *batch;
	size_t used, room;
	uint32_t records;
	bool out_of_memory;
};

struct sensor {
	napi_env env;
	struct bpf_object *object; /* NULL when opened from pins */
	struct bpf_link *links[COUNT_OF(pinned_programs)];
	int map_fds[COUNT_OF(pinned_maps)];
	struct ring rings[RINGS];
	/* The waiter: a thread that turns «a ring has records» into one call on the JavaScript thread. */
	pthread_t waiter;
	/* The loader: a thread, so that the verifier works while JavaScript reads the config. */
	pthread_t loader;
	bool loading;
	int load_error;
	bool waiting, closed;
	_Atomic bool stopping;
	int wake_epoll, stop_event, drained_event;
	napi_threadsafe_function wake;
};

static const napi_type_tag sensor_tag = { 0x9c1b7a3c5f0e4d12ULL, 0xa8e2c5d47b90f361ULL };

static int map_fd(struct sensor *s, const char *name)
{
	for (size_t i = 0; i < COUNT_OF(pinned_maps); i++)
		if (!strcmp(pinned_maps[i], name))
			return s->map_fds[i];
	return s->object ? bpf_object__find_map_fd_by_name(s->object, name) : -1;
}

/* ---- the waiter ---- */

/* On the waiter's thread. */
static void *wait_for_records(void *data)
{
	struct sensor *s = data;
	struct epoll_event event;
	uint64_t count;

	for (;;) {
		int n = epoll_wait(s->wake_epoll, &event, 1, -1);

		if (n < 0 && errno == EINTR)
			continue;
		/* Not by the event alone: records that no one reads keep a ring readable, and epoll may name that one. */
		if (n <= 0 || s->stopping)
			return NULL;
		if (napi_call_threadsafe_function(s->wake, NULL, napi_tsfn_nonblocking) != napi_ok)
			return NULL;
		/* The rings stay readable until JavaScript has emptied them. */
		while (read(s->drained_event, &count, sizeof(count)) < 0 && errno == EINTR)
			;
	}
}

static void stop_waiting(struct sensor *s)
{
	uint64_t one = 1;

	if (!s->waiting)
		return;
	s->stopping = true;
	if (write(s->stop_event, &one, sizeof(one)) < 0 || write(s->drained_event, &one, sizeof(one)) < 0)
		abort(); /* an eventfd takes a 1 */
	pthread_join(s->waiter, NULL);
	napi_release_threadsafe_function(s->wake, napi_tsfn_abort);
	close(s->wake_epoll);
	close(s->stop_event);
	close(s->drained_event);
	s->waiting = false;
}

/* ---- closing ---- */

static void join_loader(struct sensor *s)
{
	if (s->loading)
		pthread_join(s->loader, NULL);
	s->loading = false;
}

/* In reverse: guard_skipped without the others would find every exec skipped. */
static void destroy_links(struct sensor *s)
{
	for (size_t i = COUNT_OF(s->links); i-- > 0;) {
		bpf_link__destroy(s->links[i]);
		s->links[i] = NULL;
	}
}

static void close_sensor(struct sensor *s)
{
	join_loader(s);
	stop_waiting(s);
	destroy_links(s);
	for (int i = 0; i < RINGS; i++) {
		ring_buffer__free(s->rings[i].reader);
		free(s->rings[i].batch);
		memset(&s->rings[i], 0, sizeof(s->rings[i]));
	}
	for (size_t i = 0; i < COUNT_OF(pinned_maps); i++) {
		if (!s->object && s->map_fds[i] >= 0)
			close(s->map_fds[i]);
		s->map_fds[i] = -1;
	}
	bpf_object__close(s->object);
	s->object = NULL;
	s->closed = true;
}

static void close_at_exit(void *data)
{
	close_sensor(data);
}

static void finalize_sensor(napi_env env, void *data, void *hint)
{
	(void)hint;
	napi_remove_env_cleanup_hook(env, close_at_exit, data);
	close_sensor(data);
	free(data);
}

static struct sensor *new_sensor(napi_env env, napi_value *object)
{
	struct sensor *s = calloc(1, sizeof(*s));

	if (!s) {
		throw_errno(env, ENOMEM, "open the sensor", NULL);
		return NULL;
	}
	s->env = env;
	for (size_t i = 0; i < COUNT_OF(pinned_maps); i++)
		s->map_fds[i] = -1;
	if (napi_create_object(env, object) != napi_ok || napi_type_tag_object(env, *object, &sensor_tag) != napi_ok ||
	    napi_wrap(env, *object, s, finalize_sensor, NULL, NULL) != napi_ok) {
		free(s);
		return NULL;
	}
	napi_add_env_cleanup_hook(env, close_at_exit, s);
	return s;
}

static int open_rings(struct sensor *s);

/* On the loader's thread. */
static void *load_object(void *data)
{
	struct sensor *s = data;

	s->load_error = -bpf_object__load(s->object);
	return NULL;
}

static int start_loading(struct sensor *s)
{
	sigset_t all, old;
	int error;

	/* Signals are JavaScript's, and the verifier gives up when its thread gets one. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(&s->loader, NULL, load_object, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	s->loading = !error;
	return error;
}

/* Wait for the load. False: it failed, and that is thrown. */
static bool finish_loading(napi_env env, struct sensor *s)
{
	int error;

	if (s->loading) {
		join_loader(s);
		if (!s->load_error) {
			for (size_t i = 0; i < COUNT_OF(pinned_maps); i++)
				s->map_fds[i] = bpf_object__find_map_fd_by_name(s->object, pinned_maps[i]);
			error = open_rings(s);
			if (error) {
				throw_errno(env, error, "open the event rings", libbpf_log());
				return false;
			}
		}
	}
	if (!s->load_error)
		return true;
	throw_errno(env, s->load_error, "load the BPF object", libbpf_log());
	return false;
}

/* The sensor, open or closed, that a method was called with as its first argument, and the other arguments. */
static struct sensor *get_any_sensor(napi_env env, napi_callback_info info, size_t wanted, napi_value *arguments)
{
	bool tagged = false;
	struct sensor *s;

	if (!get_arguments(env, info, wanted, arguments))
		return NULL;
	if (napi_check_object_type_tag(env, arguments[0], &sensor_tag, &tagged) != napi_ok || !tagged ||
	    napi_unwrap(env, arguments[0], (void **)&s) != napi_ok) {
		throw_errno(env, EINVAL, "call", "not a sensor");
		return NULL;
	}
	return s;
}

static struct sensor *get_sensor(napi_env env, napi_callback_info info, size_t wanted, napi_value *arguments)
{
	struct sensor *s = get_any_sensor(env, info, wanted, arguments);

	if (!s)
		return NULL;
	if (s->closed) {
		throw_errno(env, EBADF, "call", "the sensor is closed");
		return NULL;
	}
	return finish_loading(env, s) ? s : NULL;
}

/* ---- opening ---- */

static int keep_record(void *data, void *record, size_t size)
{
	struct ring *ring = data;
	size_t step = 8 + ((size + 7) & ~(size_t)7);

	if (ring->used + step > ring->room) {
		size_t room = ring->room ? ring->room * 2 : 1 << 16;
		uint8_t *grown;

		while (room < ring->used + step)
			room *= 2;
		grown = realloc(ring->batch, room);
		if (!grown) {
			ring->out_of_memory = true;
			return 0; /* the record is lost, and told */
		}
		ring->batch = grown;
		ring->room = room;
	}
	*(uint64_t *)(ring->batch + ring->used) = size;
	memcpy(ring->batch + ring->used + 8, record, size);
	ring->used += step;
	ring->records++;
	return ring->used >= BATCH_BYTES ? -EAGAIN : 0;
}

static int open_rings(struct sensor *s)
{
	for (int i = 0; i < RINGS; i++) {
		s->rings[i].reader = ring_buffer__new(map_fd(s, ring_names[i]), keep_record, &s->rings[i], NULL);
		if (!s->rings[i].reader)
			return errno;
	}
	return 0;
}

static uint32_t option_u32(napi_env env, napi_value options, const char *name)
{
	napi_value value;
	uint32_t number = 0;

	napi_get_named_property(env, options, name, &value);
	napi_get_value_uint32(env, value, &number);
	return number;
}

static void set_rodata(struct bpf_object *object, const char *name, bool value)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, ".rodata");
	struct btf *btf = bpf_object__btf(object);
	int section = btf__find_by_name_kind(btf, ".rodata", BTF_KIND_DATASEC);
	const struct btf_type *type = section > 0 ? btf__type_by_id(btf, section) : NULL;
	const struct btf_var_secinfo *variable = type ? btf_var_secinfos(type) : NULL;
	uint8_t *data;
	size_t size;

	data = map ? (uint8_t *)bpf_map__initial_value(map, &size) : NULL;
	for (int i = 0; data && type && i < btf_vlen(type); i++, variable++)
		if (!strcmp(btf__name_by_offset(btf, btf__type_by_id(btf, variable->type)->name_off), name))
			data[variable->offset] = value;
}

/* From Linux 7.0 on (bpf/execwhacker.bpf.c, may_be_skipped). Elsewhere the programs that look for skipped execs would cost
 * each exec their call. */
static bool tracing_is_preempted(void)
{
	struct utsname kernel;

	return uname(&kernel) == 0 && atoi(kernel.release) >= 7;
}

/* openSensor(objectBytes, {killRingBytes, otherRingBytes, withoutBpfLoop, reportAll, testEntry, inBackground}): sensor
 * Loads the programs and maps; attaches nothing. In the background: the next method called waits for the load, and throws
 * what became of it. */
static napi_value open_sensor_method(napi_env env, napi_callback_info info)
{
	napi_value arguments[2], object;
	struct bpf_map *map;
	struct bpf_program *program;
	struct sensor *s;
	uint8_t *bytes;
	size_t length;
	int error;

	if (!get_arguments(env, info, 2, arguments) || !get_bytes(env, arguments[0], &bytes, &length))
		return NULL;
	s = new_sensor(env, &object);
	if (!s)
		return NULL;
	libbpf_log_clear();
	LIBBPF_OPTS(bpf_object_open_opts, open_options, .object_name = "cryptnono");
	s->object = bpf_object__open_mem(bytes, length, &open_options);
	if (!s->object)
		return throw_errno(env, errno, "open the BPF object", libbpf_log());
	for (int i = 0; i < RINGS; i++) {
		uint32_t size = option_u32(env, arguments[1], i ? "otherRingBytes" : "killRingBytes");

		map = bpf_object__find_map_by_name(s->object, ring_names[i]);
		if (map && size)
			bpf_map__set_max_entries(map, size);
	}
	set_rodata(s->object, "without_bpf_loop", get_bool(env, arguments[1], "withoutBpfLoop"));
	set_rodata(s->object, "report_all", get_bool(env, arguments[1], "reportAll"));
	program = bpf_object__find_program_by_name(s->object, "judge_buffer");
	if (program)
		bpf_program__set_autoload(program, get_bool(env, arguments[1], "testEntry"));
	if (tracing_is_preempted()) {
		for (size_t i = 0; i < COUNT_OF(maps_by_copy); i++)
			bpf_map__set_max_entries(bpf_object__find_map_by_name(s->object, maps_by_copy[i]), GUARD_COPIES);
	} else
		for (size_t i = GUARD_EXEC + 1; i < COUNT_OF(pinned_programs); i++)
			bpf_program__set_autoload(bpf_object__find_program_by_name(s->object, pinned_programs[i]), false);
	error = start_loading(s);
	if (error)
		return throw_errno(env, error, "load the BPF object", NULL);
	if (!get_bool(env, arguments[1], "inBackground") && !finish_loading(env, s))
		return NULL;
	return object;
}

/* ---- tables ---- */

/* A map of one kind for one slot, filled through a mapping. Returns its descriptor or a negative errno. */
static int filled_map(const char *name, uint32_t value_size, uint32_t entries, uint32_t flags, const uint8_t *bytes,
		      size_t length)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = flags);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, name, sizeof(uint32_t), value_size, entries, &options);
	size_t page = (size_t)sysconf(_SC_PAGESIZE), size = (length + page - 1) & ~(page - 1);
	void *memory;

	if (fd < 0)
		return fd;
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED) {
		int error = errno;

		close(fd);
		return -error;
	}
	memcpy(memory, bytes, length);
	munmap(memory, size);
	return fd;
}

struct slot_update {
	int outer, inner, error;
	uint32_t slot;
};

static void *set_slot(void *data)
{
	struct slot_update *update = data;

	if (bpf_map_update_elem(update->outer, &update->slot, &update->inner, BPF_ANY))
		update->error = errno;
	return NULL;
}

/* Each update waits some 10 ms for the programs that may still see what was there before; on threads they wait together. */
static void set_slots(struct slot_update *updates, size_t count)
{
	pthread_t threads[count];
	bool started[count];
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	for (size_t i = 0; i < count; i++)
		started[i] = i > 0 && !pthread_create(&threads[i], NULL, set_slot, &updates[i]);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	for (size_t i = 0; i < count; i++) {
		if (started[i])
			pthread_join(threads[i], NULL);
		else
			set_slot(&updates[i]);
		close(updates[i].inner); /* the outer map holds it now */
	}
}

/* Wait until every program that may have chosen a slot before the last switch has ended: it looks its maps up more than
 * once, and must not meet new ones. Programs run with preemption off, so an RCU grace period is enough, which this
 * membarrier command waits for. Kernels with nohz_full refuse it; no exec is searched for as long as the sleep. */
static void wait_for_programs(void)
{
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		usleep(100 * 1000);
}

/* fillSlot(sensor, slot, filters, cells, allow): copies the tables into fresh maps and puts these into the slot. The
 * slot must not be the one in force. */
static napi_value fill_slot_method(napi_env env, napi_callback_info info)
{
	struct {
		const char *outer, *name;
		uint32_t value_size, flags;
		uint8_t *bytes;
		size_t length;
	} tables[] = {
		{ "filters_slots", "cn_filters", sizeof(struct filters), BPF_F_MMAPABLE, NULL, 0 },
		{ "cells_slots", "cn_cells", sizeof(struct cell), BPF_F_MMAPABLE | BPF_F_INNER_MAP, NULL, 0 },
		{ "allow_slots", "cn_allow", sizeof(struct allow_table), BPF_F_MMAPABLE, NULL, 0 },
	};
	struct slot_update updates[COUNT_OF(tables)];
	napi_value arguments[5];
	struct sensor *s = get_sensor(env, info, 5, arguments);
	uint32_t slot;

	if (!s || !get_u32(env, arguments[1], &slot))
		return NULL;
	for (size_t i = 0; i < COUNT_OF(tables); i++) {
		if (!get_bytes(env, arguments[i + 2], &tables[i].bytes, &tables[i].length))
			return NULL;
		if (tables[i].length == 0 || tables[i].length % tables[i].value_size)
			return throw_errno(env, EINVAL, "fill a table slot", tables[i].name);
	}
	if (s->links[GUARD_EXEC])
		wait_for_programs();
	for (size_t i = 0; i < COUNT_OF(tables); i++) {
		int fd = filled_map(tables[i].name, tables[i].value_size, tables[i].length / tables[i].value_size, tables[i].flags,
				    tables[i].bytes, tables[i].length);

		if (fd < 0) {
			while (i-- > 0)
				close(updates[i].inner);
			return throw_errno(env, -fd, "fill a table slot", NULL);
		}
		updates[i] = (struct slot_update){ .outer = map_fd(s, tables[i].outer), .inner = fd, .slot = slot };
	}
	set_slots(updates, COUNT_OF(updates));
	for (size_t i = 0; i < COUNT_OF(updates); i++)
		if (updates[i].error)
			return throw_errno(env, updates[i].error, "fill a table slot", NULL);
	return undefined(env);
}

/* setControl(sensor, key, value) */
static napi_value set_control_method(napi_env env, napi_callback_info info)
{
	napi_value arguments[3];
	struct sensor *s = get_sensor(env, info, 3, arguments);
	uint32_t key, value;

	if (!s || !get_u32(env, arguments[1], &key) || !get_u32(env, arguments[2], &value))
		return NULL;
	if (bpf_map_update_elem(map_fd(s, "control"), &key, &value, BPF_ANY))
		return throw_errno(env, errno, "set a control", NULL);
	return undefined(env);
}

/* ---- attaching and pinning ---- */

/* attach(sensor): both programs, or none and an error. */
static napi_value attach_method(napi_env env, napi_callback_info info)
{
	napi_value argument;
	struct sensor *s = get_sensor(env, info, 1, &argument);

	if (!s)
		return NULL;
	libbpf_log_clear();
	for (size_t i = 0; i < COUNT_OF(pinned_programs); i++) {
		struct bpf_program *program = bpf_object__find_program_by_name(s->object, pinned_programs[i]);

		if (program && !bpf_program__autoload(program))
			continue;
		s->links[i] = program ? bpf_program__attach(program) : NULL;
		if (!s->links[i]) {
			int error = program ? errno : ENOENT;

			destroy_links(s);
			return throw_errno(env, error, i ? "attach tp_btf/sched_process_exec" : "attach tp_btf/sched_process_exit",
					   libbpf_log());
		}
	}
	return undefined(env);
}

/* detach(sensor): from the next exec on nothing of this sensor decides, unless its links are pinned. */
static napi_value detach_method(napi_env env, napi_callback_info info)
{
	napi_value argument;
	struct sensor *s = get_sensor(env, info, 1, &argument);

	if (!s)
		return NULL;
	destroy_links(s);
	return undefined(env);
}

/* pin(sensor, dir): links and maps, as files in a directory of a BPF file system that exists and is empty. */
static napi_value pin_method(napi_env env, napi_callback_info info)
{
	napi_value arguments[2];
	struct sensor *s = get_sensor(env, info, 2, arguments);
	char dir[512], path[640];

	if (!s || !get_text(env, arguments[1], dir, sizeof(dir)))
		return NULL;
	for (size_t i = 0; i < COUNT_OF(pinned_maps); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, pinned_maps[i]);
		if (bpf_obj_pin(s->map_fds[i], path))
			return throw_errno(env, errno, "pin a map", NULL);
	}
	for (size_t i = 0; i < COUNT_OF(s->links); i++) {
		if (!s->links[i])
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, pinned_programs[i]);
		if (bpf_obj_pin(bpf_link__fd(s->links[i]), path))
			return throw_errno(env, errno, "pin a link", NULL);
	}
	return undefined(env);
}

/* openPinned(dir): sensor. Its rings, counters and controls; its links stay as they are pinned. */
static napi_value open_pinned_method(napi_env env, napi_callback_info info)
{
	napi_value argument, object;
	char dir[512], path[640];
	struct sensor *s;
	int error;

	if (!get_arguments(env, info, 1, &argument) || !get_text(env, argument, dir, sizeof(dir)))
		return NULL;
	s = new_sensor(env, &object);
	if (!s)
		return NULL;
	for (size_t i = 0; i < COUNT_OF(pinned_maps); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, pinned_maps[i]);
		s->map_fds[i] = bpf_obj_get(path);
		if (s->map_fds[i] < 0)
			return throw_errno(env, errno, "open a pinned map", NULL);
	}
	error = open_rings(s);
	if (error)
		return throw_errno(env, error, "open the pinned event rings", NULL);
	return object;
}

/* ---- reading ---- */

/* readRing(sensor, ring): Uint8Array | null. What lies in ring 0 (kills) or 1 (others), at most about 128 KiB: each record
 * is its length as a 64-bit number, its bytes, and filling up to 8. */
static napi_value read_ring_method(napi_env env, napi_callback_info info)
{
	napi_value arguments[2], buffer, result;
	struct sensor *s = get_sensor(env, info, 2, arguments);
	struct ring *ring;
	uint32_t index;
	void *memory;
	int n;

	if (!s || !get_u32(env, arguments[1], &index) || index >= RINGS || !s->rings[index].reader)
		return NULL;
	ring = &s->rings[index];
	ring->used = 0;
	ring->records = 0;
	n = ring_buffer__consume(ring->reader);
	if (n < 0 && n != -EAGAIN)
		return throw_errno(env, -n, "read the event ring", NULL);
	if (ring->out_of_memory) {
		ring->out_of_memory = false;
		return throw_errno(env, ENOMEM, "read the event ring", NULL);
	}
	if (ring->used == 0) {
		napi_get_null(env, &result);
		return result;
	}
	napi_create_arraybuffer(env, ring->used, &memory, &buffer);
	memcpy(memory, ring->batch, ring->used);
	napi_create_typedarray(env, napi_uint8_array, ring->used, buffer, 0, &result);
	if (ring->room > BATCH_BYTES) {
		free(ring->batch); /* a burst's memory is not kept */
		ring->batch = NULL;
		ring->room = 0;
	}
	return result;
}

/* onRecords(sensor, callback): callback() runs when a ring has records; then drained(sensor) must be called once the
 * rings are empty, and it may be called again. */
static napi_value on_records_method(napi_env env, napi_callback_info info)
{
	struct epoll_event event = { .events = EPOLLIN };
	napi_value arguments[2], name;
	struct sensor *s = get_sensor(env, info, 2, arguments);
	sigset_t all, old;
	int error;

	if (!s || s->waiting)
		return NULL;
	s->wake_epoll = epoll_create1(EPOLL_CLOEXEC);
	s->stop_event = eventfd(0, EFD_CLOEXEC);
	s->drained_event = eventfd(0, EFD_CLOEXEC);
	if (s->wake_epoll < 0 || s->stop_event < 0 || s->drained_event < 0)
		return throw_errno(env, errno, "wait for events", NULL);
	event.data.fd = s->stop_event;
	epoll_ctl(s->wake_epoll, EPOLL_CTL_ADD, s->stop_event, &event);
	for (int i = 0; i < RINGS; i++) {
		event.data.fd = ring_buffer__epoll_fd(s->rings[i].reader);
		if (epoll_ctl(s->wake_epoll, EPOLL_CTL_ADD, event.data.fd, &event))
			return throw_errno(env, errno, "wait for events", NULL);
	}
	napi_create_string_utf8(env, "cryptnono records", NAPI_AUTO_LENGTH, &name);
	if (napi_create_threadsafe_function(env, arguments[1], NULL, name, 0, 1, NULL, NULL, NULL, NULL, &s->wake) != napi_ok)
		return throw_errno(env, ENOMEM, "wait for events", NULL);
	/* Signals are JavaScript's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(&s->waiter, NULL, wait_for_records, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (error)
		return throw_errno(env, error, "wait for events", NULL);
	s->waiting = true;
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
	if (s->waiting && write(s->drained_event, &one, sizeof(one)) < 0)
		return throw_errno(env, errno, "wait for events", NULL);
	return undefined(env);
}

/* counters(sensor): BigUint64Array, one number an enum counter, summed over CPUs. */
static napi_value counters_method(napi_env env, napi_callback_info info)
{
	napi_value argument, buffer, result;
	struct sensor *s = get_sensor(env, info, 1, &argument);
	int cpus = libbpf_num_possible_cpus();
	uint64_t *sums, *values;

	if (!s)
		return NULL;
	values = calloc(cpus > 0 ? (size_t)cpus : 1, sizeof(*values));
	napi_create_arraybuffer(env, COUNTER_COUNT * sizeof(*sums), (void **)&sums, &buffer);
	for (uint32_t key = 0; values && key < COUNTER_COUNT; key++) {
		sums[key] = 0;
		if (bpf_map_lookup_elem(map_fd(s, "counters"), &key, values))
			continue;
		for (int i = 0; i < cpus; i++)
			sums[key] += values[i];
	}
	free(values);
	napi_create_typedarray(env, napi_biguint64_array, COUNTER_COUNT, buffer, 0, &result);
	return result;
}

/* programStatistics(sensor): {runs, runTimeNs, missed} of the exec program. The first two count only while the kernel's
 * BPF statistics are on; missed are execs at which it could not run. */
static napi_value program_statistics_method(napi_env env, napi_callback_info info)
{
	napi_value argument, result;
	struct sensor *s = get_sensor(env, info, 1, &argument);
	struct bpf_prog_info program_info = {};
	uint32_t length = sizeof(program_info);
	struct bpf_program *program;

	if (!s)
		return NULL;
	program = s->object ? bpf_object__find_program_by_name(s->object, "guard_exec") : NULL;
	if (!program || bpf_obj_get_info_by_fd(bpf_program__fd(program), &program_info, &length))
		return throw_errno(env, program ? errno : ENOENT, "read the program's statistics", NULL);
	napi_create_object(env, &result);
	set_number(env, result, "runs", (double)program_info.run_cnt);
	set_number(env, result, "runTimeNs", (double)program_info.run_time_ns);
	set_number(env, result, "missed", (double)program_info.recursion_misses);
	set_number(env, result, "verifiedInstructions", (double)program_info.verified_insns);
	return result;
}

/* ---- the test entry ---- */

/* judgeBuffer(sensor, path, args, script): the search and verdict on bytes of ours, by the very programs' code. `path`
 * ends with a NUL, `args` is an argument area. No signal is sent. */
static napi_value judge_buffer_method(napi_env env, napi_callback_info info)
{
	struct judge_args in = {};
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = &in, .ctx_size_in = sizeof(in));
	napi_value arguments[4], result;
	struct sensor *s = get_sensor(env, info, 4, arguments);
	struct bpf_program *program;
	uint8_t *path, *args;
	size_t path_length, args_length;
	bool script = false;

	if (!s || !get_bytes(env, arguments[1], &path, &path_length) || !get_bytes(env, arguments[2], &args, &args_length))
		return NULL;
	napi_get_value_bool(env, arguments[3], &script);
	program = s->object ? bpf_object__find_program_by_name(s->object, "judge_buffer") : NULL;
	if (!program)
		return throw_errno(env, ENOENT, "judge a buffer", NULL);
	in.path = (uintptr_t)path;
	in.args = (uintptr_t)args;
	in.args_bytes = (uint32_t)args_length;
	in.script_interpreter = script;
	if (bpf_prog_test_run_opts(bpf_program__fd(program), &options))
		return throw_errno(env, errno, "judge a buffer", NULL);
	if (options.retval)
		return throw_errno(env, ENODATA, "judge a buffer", "no tables in force");
	napi_create_object(env, &result);
	set_number(env, result, "verdict", in.verdict);
	set_number(env, result, "stringId", in.string_id);
	set_number(env, result, "patternId", in.pattern_id);
	set_number(env, result, "flags", in.flags);
	set_number(env, result, "matchOffset", in.match_offset);
	set_number(env, result, "matchInPath", in.match_in_path);
	set_number(env, result, "work", in.work);
	set_number(env, result, "elapsedNs", (double)in.elapsed_ns);
	return result;
}

/* closeSensor(sensor): detaches, ends the waiter, frees. What is pinned stays. */
static napi_value close_sensor_method(napi_env env, napi_callback_info info)
{
	napi_value argument;
	struct sensor *s = get_any_sensor(env, info, 1, &argument);

	if (!s)
		return NULL;
	close_sensor(s);
	return undefined(env);
}

void register_sensor(napi_env env, napi_value exports)
{
	add_method(env, exports, "openSensor", open_sensor_method, NULL);
	add_method(env, exports, "openPinned", open_pinned_method, NULL);
	add_method(env, exports, "fillSlot", fill_slot_method, NULL);
	add_method(env, exports, "setControl", set_control_method, NULL);
	add_method(env, exports, "attach", attach_method, NULL);
	add_method(env, exports, "detach", detach_method, NULL);
	add_method(env, exports, "pin", pin_method, NULL);
	add_method(env, exports, "readRing", read_ring_method, NULL);
	add_method(env, exports, "onRecords", on_records_method, NULL);
	add_method(env, exports, "drained", drained_method, NULL);
	add_method(env, exports, "counters", counters_method, NULL);
	add_method(env, exports, "programStatistics", program_statistics_method, NULL);
	add_method(env, exports, "judgeBuffer", judge_buffer_method, NULL);
	add_method(env, exports, "closeSensor", close_sensor_method, NULL);
}
