/* From an object's bytes to programs that run: open, load, attach, detach, close; and what the kernel counts of them. */
#define _GNU_SOURCE
#include "sensor.h"

#include <bpf/btf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const napi_type_tag sensor_tag = { 0x9c1b7a3c5f0e4d12ULL, 0xa8e2c5d47b90f361ULL };

int start_thread(pthread_t *thread, void *(*run)(void *), void *data)
{
	sigset_t all, old;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(thread, NULL, run, data);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return error;
}

/* ---- closing ---- */

/* In reverse: a program may look after those that were attached before it. */
static void destroy_links(struct sensor *s)
{
	for (size_t i = s->link_count; i-- > 0;)
		bpf_link__destroy(s->links[i].link);
	free(s->links);
	s->links = NULL;
	s->link_count = 0;
}

static void close_sensor(struct sensor *s)
{
	if (s->load_state == LOADING)
		pthread_join(s->loader, NULL);
	s->load_state = LOADED;
	stop_waiting(s);
	destroy_links(s);
	for (size_t i = 0; i < s->map_count; i++) {
		close_ring(s->maps[i].ring);
		if (!s->object && s->maps[i].fd >= 0)
			close(s->maps[i].fd);
	}
	free(s->maps);
	s->maps = NULL;
	s->map_count = 0;
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

struct sensor *new_sensor(napi_env env, napi_value *handle)
{
	struct sensor *s = calloc(1, sizeof(*s));

	if (!s) {
		throw_errno(env, ENOMEM, "open the sensor", NULL);
		return NULL;
	}
	s->env = env;
	if (!succeeded(env, napi_create_object(env, handle)) ||
	    !succeeded(env, napi_type_tag_object(env, *handle, &sensor_tag)) ||
	    !succeeded(env, napi_wrap(env, *handle, s, finalize_sensor, NULL, NULL))) {
		free(s);
		return NULL;
	}
	/* From here on the handle's end is the sensor's. */
	return succeeded(env, napi_add_env_cleanup_hook(env, close_at_exit, s)) ? s : NULL;
}

/* ---- loading ---- */

/* On the loader's thread. */
static void *load_object(void *data)
{
	struct sensor *s = data;

	libbpf_log_to(&s->loader_log);
	s->load_error = -bpf_object__load(s->object);
	libbpf_log_to(NULL);
	s->load_ended = true;
	return NULL;
}

/* Before the load, which forgets what inner maps look like. */
static int list_maps(struct sensor *s)
{
	struct bpf_map *map;
	size_t count = 0;

	bpf_object__for_each_map(map, s->object)
		count++;
	s->maps = calloc(count ? count : 1, sizeof(*s->maps));
	if (!s->maps)
		return ENOMEM;
	bpf_object__for_each_map(map, s->object) {
		struct sensor_map *entry = &s->maps[s->map_count++];
		const struct bpf_map *inner = bpf_map__inner_map(map);

		snprintf(entry->name, sizeof(entry->name), "%s", bpf_map__name(map));
		entry->fd = -1;
		entry->holds_maps = inner;
		if (inner)
			entry->inner = (struct inner_shape){ .type = bpf_map__type(inner),
							     .key_size = bpf_map__key_size(inner),
							     .value_size = bpf_map__value_size(inner),
							     .flags = bpf_map__map_flags(inner) };
	}
	return 0;
}

static int start_loading(struct sensor *s)
{
	int error = s->maps ? 0 : list_maps(s);

	if (!error)
		error = start_thread(&s->loader, load_object, s);
	if (!error)
		s->load_state = LOADING;
	return error;
}

/* Once it is loaded. */
static int find_maps(struct sensor *s)
{
	for (size_t i = 0; i < s->map_count; i++) {
		__u32 length = sizeof(s->maps[i].info);

		s->maps[i].fd = bpf_object__find_map_fd_by_name(s->object, s->maps[i].name);
		if (s->maps[i].fd < 0 || bpf_obj_get_info_by_fd(s->maps[i].fd, &s->maps[i].info, &length))
			return errno;
	}
	return 0;
}

/* Wait for the load, which begins now if it has not yet. False: it failed, now or before, and that is thrown. */
static bool finish_loading(napi_env env, struct sensor *s)
{
	int error;

	if (!s->object)
		return true;
	if (s->load_state == UNLOADED) {
		error = start_loading(s);
		if (error) {
			throw_errno(env, error, "load the BPF object", NULL);
			return false;
		}
	}
	if (s->load_state == LOADING) {
		pthread_join(s->loader, NULL);
		s->load_state = LOADED;
		if (!s->load_error)
			s->load_error = find_maps(s);
	}
	if (!s->load_error)
		return true;
	throw_errno(env, s->load_error, "load the BPF object", s->loader_log.text);
	return false;
}

static struct sensor *unwrap(napi_env env, napi_value handle)
{
	bool tagged = false;
	struct sensor *s;

	if (napi_check_object_type_tag(env, handle, &sensor_tag, &tagged) != napi_ok || !tagged ||
	    napi_unwrap(env, handle, (void **)&s) != napi_ok) {
		throw_errno(env, EINVAL, "call", "not a sensor");
		return NULL;
	}
	return s;
}

struct sensor *get_any_sensor(napi_env env, napi_callback_info info, size_t wanted, napi_value *arguments)
{
	return get_arguments(env, info, wanted, arguments) ? unwrap(env, arguments[0]) : NULL;
}

static struct sensor *get_open(napi_env env, napi_callback_info info, size_t wanted, napi_value *arguments)
{
	struct sensor *s = get_any_sensor(env, info, wanted, arguments);

	if (!s || !s->closed)
		return s;
	throw_errno(env, EBADF, "call", "the sensor is closed");
	return NULL;
}

struct sensor *get_unloaded(napi_env env, napi_callback_info info, size_t wanted, napi_value *arguments)
{
	struct sensor *s = get_open(env, info, wanted, arguments);

	if (!s || (s->object && s->load_state == UNLOADED))
		return s;
	throw_errno(env, EBUSY, "call", "the sensor is loaded already");
	return NULL;
}

struct sensor *get_sensor(napi_env env, napi_callback_info info, size_t wanted, napi_value *arguments)
{
	struct sensor *s = get_open(env, info, wanted, arguments);

	return s && finish_loading(env, s) ? s : NULL;
}

struct sensor_map *get_map(napi_env env, struct sensor *s, napi_value value)
{
	char name[MAX_NAME_BYTES];

	if (!get_text(env, value, name, sizeof(name)))
		return NULL;
	for (size_t i = 0; i < s->map_count; i++)
		if (!strcmp(s->maps[i].name, name))
			return &s->maps[i];
	throw_errno(env, ENOENT, "find a map", name);
	return NULL;
}

static struct bpf_program *get_program(napi_env env, struct sensor *s, napi_value value)
{
	struct bpf_program *program;
	char name[MAX_NAME_BYTES];

	if (!get_text(env, value, name, sizeof(name)))
		return NULL;
	program = s->object ? bpf_object__find_program_by_name(s->object, name) : NULL;
	if (!program)
		throw_errno(env, ENOENT, "find a program", name);
	return program;
}

/* openSensor(objectBytes): sensor. Reads the object; loads and attaches nothing. */
static napi_value open_sensor_method(napi_env env, napi_callback_info info)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "cryptnono");
	napi_value argument, handle;
	struct sensor *s;
	uint8_t *bytes;
	size_t length;

	if (!get_arguments(env, info, 1, &argument) || !get_bytes(env, argument, &bytes, &length))
		return NULL;
	s = new_sensor(env, &handle);
	if (!s)
		return NULL;
	libbpf_log_to(&s->log);
	s->object = bpf_object__open_mem(bytes, length, &options);
	if (!s->object)
		return throw_errno(env, errno, "open the BPF object", s->log.text);
	return handle;
}

static int write_number(uint8_t *to, size_t size, double value)
{
	double most = size < 8 ? (double)(1ULL << 8 * size) : 0x1p63;
	int64_t whole;

	if (size > sizeof(whole) || !(value >= -most / 2 && value < most))
		return ERANGE;
	whole = (int64_t)value;
	if ((double)whole != value)
		return EINVAL;
	memcpy(to, &whole, size);
	return 0;
}

static int set_constant(struct bpf_object *object, const char *name, double value)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, ".rodata");
	struct btf *btf = bpf_object__btf(object);
	int section = btf__find_by_name_kind(btf, ".rodata", BTF_KIND_DATASEC);
	const struct btf_type *type = section > 0 ? btf__type_by_id(btf, section) : NULL;
	const struct btf_var_secinfo *variable = type ? btf_var_secinfos(type) : NULL;
	size_t size = 0;
	uint8_t *data = map ? (uint8_t *)bpf_map__initial_value(map, &size) : NULL;

	for (int i = 0; data && type && i < btf_vlen(type); i++, variable++)
		if (!strcmp(btf__name_by_offset(btf, btf__type_by_id(btf, variable->type)->name_off), name) &&
		    variable->offset + variable->size <= size)
			return write_number(data + variable->offset, variable->size, value);
	return ENOENT;
}

/* setConstant(sensor, name, number): a `const volatile` of the object, before it is loaded. */
static napi_value set_constant_method(napi_env env, napi_callback_info info)
{
	napi_value arguments[3];
	struct sensor *s = get_unloaded(env, info, 3, arguments);
	char name[MAX_NAME_BYTES];
	double value;
	int error;

	if (!s || !get_text(env, arguments[1], name, sizeof(name)) || !get_double(env, arguments[2], &value))
		return NULL;
	error = set_constant(s->object, name, value);
	return error ? throw_errno(env, error, "set a constant", name) : undefined(env);
}

/* setMaxEntries(sensor, map, number), before it is loaded. */
static napi_value set_max_entries_method(napi_env env, napi_callback_info info)
{
	napi_value arguments[3];
	struct sensor *s = get_unloaded(env, info, 3, arguments);
	char name[MAX_NAME_BYTES];
	struct bpf_map *map;
	uint32_t entries;

	if (!s || !get_text(env, arguments[1], name, sizeof(name)) || !get_u32(env, arguments[2], &entries))
		return NULL;
	map = bpf_object__find_map_by_name(s->object, name);
	if (!map)
		return throw_errno(env, ENOENT, "find a map", name);
	if (bpf_map__set_max_entries(map, entries))
		return throw_errno(env, errno, "size a map", name);
	return undefined(env);
}

/* skipProgram(sensor, name): it is not loaded. */
static napi_value skip_program_method(napi_env env, napi_callback_info info)
{
	napi_value arguments[2];
	struct sensor *s = get_unloaded(env, info, 2, arguments);
	struct bpf_program *program = s ? get_program(env, s, arguments[1]) : NULL;

	if (!program)
		return NULL;
	if (bpf_program__set_autoload(program, false))
		return throw_errno(env, errno, "skip a program", NULL);
	return undefined(env);
}

/* continueMap(sensor, map, path): boolean. Go on with what is pinned at `path` instead of making the map anew, when it is of
 * the same shape. */
static napi_value continue_map_method(napi_env env, napi_callback_info info)
{
	napi_value arguments[3];
	struct sensor *s = get_unloaded(env, info, 3, arguments);
	struct bpf_map_info pinned = {};
	char name[MAX_NAME_BYTES], path[MAX_PATH_TEXT];
	__u32 length = sizeof(pinned);
	struct bpf_map *map;
	bool same;
	int fd, error = 0;

	if (!s || !get_text(env, arguments[1], name, sizeof(name)) || !get_text(env, arguments[2], path, sizeof(path)))
		return NULL;
	map = bpf_object__find_map_by_name(s->object, name);
	if (!map)
		return throw_errno(env, ENOENT, "find a map", name);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return throw_errno(env, errno, "open a pinned map", path);
	same = !bpf_obj_get_info_by_fd(fd, &pinned, &length) && pinned.type == bpf_map__type(map) &&
	       pinned.key_size == bpf_map__key_size(map) && pinned.value_size == bpf_map__value_size(map) &&
	       pinned.max_entries == bpf_map__max_entries(map) && pinned.map_flags == bpf_map__map_flags(map);
	if (same && bpf_map__reuse_fd(map, fd)) /* which makes a descriptor of its own */
		error = errno;
	close(fd);
	return error ? throw_errno(env, error, "continue a map", name) : boolean(env, same);
}

static bool is_listed(napi_env env, napi_value names, const char *wanted)
{
	char name[MAX_NAME_BYTES];
	napi_value element;
	uint32_t count;

	if (!get_length(env, names, &count))
		return false;
	for (uint32_t i = 0; i < count; i++)
		if (get_element(env, names, i, &element) && get_text(env, element, name, sizeof(name)) && !strcmp(name, wanted))
			return true;
	return false;
}

/* shareMaps(sensor, other, own): go on with the maps of another sensor of the same object, but for its own ones and those of
 * constants. */
static napi_value share_maps_method(napi_env env, napi_callback_info info)
{
	napi_value arguments[3];
	struct sensor *s = get_unloaded(env, info, 3, arguments), *other = s ? unwrap(env, arguments[1]) : NULL;
	struct bpf_map *map;

	if (!other || !finish_loading(env, other))
		return NULL;
	bpf_object__for_each_map(map, s->object) {
		const char *name = bpf_map__name(map);

		if (bpf_map__is_internal(map) || is_listed(env, arguments[2], name))
			continue;
		for (size_t i = 0; i < other->map_count; i++)
			if (!strcmp(other->maps[i].name, name) && bpf_map__reuse_fd(map, other->maps[i].fd))
				return throw_errno(env, errno, "share a map", name);
	}
	return undefined(env);
}

/* load(sensor): begins. The next method that needs it waits, and throws what became of it. */
static napi_value load_method(napi_env env, napi_callback_info info)
{
	napi_value argument;
	struct sensor *s = get_unloaded(env, info, 1, &argument);
	int error = s ? start_loading(s) : 0;

	if (!s)
		return NULL;
	return error ? throw_errno(env, error, "load the BPF object", NULL) : undefined(env);
}

/* isLoading(sensor): boolean; whether a method that needs the load would have to wait for it. */
static napi_value is_loading_method(napi_env env, napi_callback_info info)
{
	napi_value argument;
	struct sensor *s = get_open(env, info, 1, &argument);

	return s ? boolean(env, s->load_state == LOADING && !s->load_ended) : NULL;
}

/* ---- attaching ---- */

/* Keeps errno: the caller says why. */
static struct bpf_link *attach(struct bpf_program *program, const char *cgroup)
{
	struct bpf_link *link;
	int fd, error;

	if (!*cgroup)
		return bpf_program__attach(program);
	fd = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	link = bpf_program__attach_cgroup(program, fd);
	error = errno;
	close(fd);
	errno = error;
	return link;
}

/* attach(sensor, programs, cgroups, optional): all of the programs, in their order, or none and an error. A cgroup's path for
 * those that are attached to one, "" for the others. What is optional may fail: an array of the names of those that did. */
static napi_value attach_method(napi_env env, napi_callback_info info)
{
	napi_value arguments[4], element, failed;
	struct sensor *s = get_sensor(env, info, 4, arguments);
	char cgroup[MAX_PATH_TEXT], operation[MAX_NAME_BYTES + 16];
	struct bpf_program *program;
	uint32_t count, optional, failures = 0;

	if (!s || !get_length(env, arguments[1], &count) || !succeeded(env, napi_create_array(env, &failed)))
		return NULL;
	if (s->link_count)
		return throw_errno(env, EBUSY, "attach", "the sensor is attached already");
	s->links = calloc(count ? count : 1, sizeof(*s->links));
	if (!s->links)
		return throw_errno(env, ENOMEM, "attach", NULL);
	libbpf_log_to(&s->log);
	for (uint32_t i = 0; i < count; i++) {
		struct sensor_link *to = &s->links[s->link_count];

		if (!get_element(env, arguments[1], i, &element) || !(program = get_program(env, s, element)) ||
		    !get_element(env, arguments[2], i, &element) || !get_text(env, element, cgroup, sizeof(cgroup)) ||
		    !get_element(env, arguments[3], i, &element) || !get_u32(env, element, &optional)) {
			destroy_links(s);
			return NULL;
		}
		snprintf(to->name, sizeof(to->name), "%s", bpf_program__name(program));
		to->link = attach(program, cgroup);
		if (to->link) {
			s->link_count++;
		} else if (optional) {
			element = text(env, to->name);
			if (!element || !succeeded(env, napi_set_element(env, failed, failures++, element))) {
				destroy_links(s);
				return NULL;
			}
		} else {
			int error = errno;

			destroy_links(s);
			snprintf(operation, sizeof(operation), "attach %s", bpf_program__section_name(program));
			return throw_errno(env, error, operation, s->log.text);
		}
	}
	return failed;
}

/* detach(sensor): from now on nothing of this sensor runs, unless its links are pinned. */
static napi_value detach_method(napi_env env, napi_callback_info info)
{
	napi_value argument;
	struct sensor *s = get_sensor(env, info, 1, &argument);

	if (!s)
		return NULL;
	destroy_links(s);
	return undefined(env);
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

/* ---- programs ---- */

/* programStatistics(sensor, program): {runs, runTimeNs, missed, verifiedInstructions}. The first two count only while the
 * kernel's BPF statistics are on. */
static napi_value program_statistics_method(napi_env env, napi_callback_info info)
{
	napi_value arguments[2], result;
	struct sensor *s = get_sensor(env, info, 2, arguments);
	struct bpf_program *program = s ? get_program(env, s, arguments[1]) : NULL;
	struct bpf_prog_info program_info = {};
	uint32_t length = sizeof(program_info);

	if (!program)
		return NULL;
	if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &program_info, &length))
		return throw_errno(env, errno, "read a program's statistics", bpf_program__name(program));
	if (!succeeded(env, napi_create_object(env, &result)) ||
	    !set_number(env, result, "runs", (double)program_info.run_cnt) ||
	    !set_number(env, result, "runTimeNs", (double)program_info.run_time_ns) ||
	    !set_number(env, result, "missed", (double)program_info.recursion_misses) ||
	    !set_number(env, result, "verifiedInstructions", (double)program_info.verified_insns))
		return NULL;
	return result;
}

/* testRun(sensor, program, context, offsets, buffers): number. Runs a syscall program once with `context`, which it may change,
 * and returns what it returned. Each buffer's address is written into the context at its offset. */
static napi_value test_run_method(napi_env env, napi_callback_info info)
{
	LIBBPF_OPTS(bpf_test_run_opts, options);
	napi_value arguments[5], element;
	struct sensor *s = get_sensor(env, info, 5, arguments);
	struct bpf_program *program = s ? get_program(env, s, arguments[1]) : NULL;
	uint8_t *context, *buffer;
	size_t length, buffer_length;
	uint32_t count, offset;

	if (!program || !get_bytes(env, arguments[2], &context, &length) || !get_length(env, arguments[3], &count))
		return NULL;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t address;

		if (!get_element(env, arguments[3], i, &element) || !get_u32(env, element, &offset) ||
		    !get_element(env, arguments[4], i, &element) || !get_bytes(env, element, &buffer, &buffer_length))
			return NULL;
		if (length < sizeof(address) || offset > length - sizeof(address))
			return throw_errno(env, EINVAL, "run a program", "an address beyond its context");
		address = (uintptr_t)buffer;
		memcpy(context + offset, &address, sizeof(address));
	}
	options.ctx_in = context;
	options.ctx_size_in = (__u32)length;
	if (bpf_prog_test_run_opts(bpf_program__fd(program), &options))
		return throw_errno(env, errno, "run a program", bpf_program__name(program));
	return number(env, options.retval);
}

bool register_object(napi_env env, napi_value exports)
{
	static const struct method methods[] = {
		{ "openSensor", open_sensor_method },
		{ "setConstant", set_constant_method },
		{ "setMaxEntries", set_max_entries_method },
		{ "skipProgram", skip_program_method },
		{ "continueMap", continue_map_method },
		{ "shareMaps", share_maps_method },
		{ "load", load_method },
		{ "isLoading", is_loading_method },
		{ "attach", attach_method },
		{ "detach", detach_method },
		{ "programStatistics", program_statistics_method },
		{ "testRun", test_run_method },
		{ "closeSensor", close_sensor_method },
	};

	return add_methods(env, exports, methods, COUNT_OF(methods));
}
