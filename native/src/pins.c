/* Links and maps as files of a BPF file system: what is pinned goes on without this process, and a later one opens it. */
#define _GNU_SOURCE
#include "sensor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

#include <linux/magic.h>

/* isPinFileSystem(dir): boolean */
static napi_value is_pin_file_system_method(napi_env env, napi_callback_info info)
{
	char dir[MAX_PATH_TEXT];
	napi_value argument;
	struct statfs fs;

	if (!get_arguments(env, info, 1, &argument) || !get_text(env, argument, dir, sizeof(dir)))
		return NULL;
	if (statfs(dir, &fs))
		return throw_errno(env, errno, "look at the file system of", dir);
	return boolean(env, fs.f_type == BPF_FS_MAGIC);
}

static int pin(int fd, const char *dir, const char *name)
{
	char path[MAX_PATH_TEXT + MAX_NAME_BYTES + 32];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return bpf_obj_pin(fd, path) ? errno : 0;
}

/* pin(sensor, dir, maps): these maps by their names and all links as `link-<position>-<program>`, so that their order can be
 * seen, in a directory that exists and has none of them. */
static napi_value pin_method(napi_env env, napi_callback_info info)
{
	napi_value arguments[3], element;
	struct sensor *s = get_sensor(env, info, 3, arguments);
	char dir[MAX_PATH_TEXT], name[MAX_NAME_BYTES + 32];
	struct sensor_map *map;
	uint32_t count;
	int error;

	if (!s || !get_text(env, arguments[1], dir, sizeof(dir)) || !get_length(env, arguments[2], &count))
		return NULL;
	for (uint32_t i = 0; i < count; i++) {
		if (!get_element(env, arguments[2], i, &element) || !(map = get_map(env, s, element)))
			return NULL;
		error = pin(map->fd, dir, map->name);
		if (error)
			return throw_errno(env, error, "pin a map", NULL);
	}
	for (size_t i = 0; i < s->link_count; i++) {
		snprintf(name, sizeof(name), "link-%zu-%s", i, s->links[i].name);
		error = pin(bpf_link__fd(s->links[i].link), dir, name);
		if (error)
			return throw_errno(env, error, "pin a link", NULL);
	}
	return undefined(env);
}

/* openPinned(dir, maps): sensor, with these maps and nothing else. The links that are pinned there stay as they are. */
static napi_value open_pinned_method(napi_env env, napi_callback_info info)
{
	char dir[MAX_PATH_TEXT], path[MAX_PATH_TEXT + MAX_NAME_BYTES];
	napi_value arguments[2], element, handle;
	struct sensor *s;
	uint32_t count;

	if (!get_arguments(env, info, 2, arguments) || !get_text(env, arguments[0], dir, sizeof(dir)) ||
	    !get_length(env, arguments[1], &count))
		return NULL;
	s = new_sensor(env, &handle);
	if (!s)
		return NULL;
	s->maps = calloc(count ? count : 1, sizeof(*s->maps));
	if (!s->maps)
		return throw_errno(env, ENOMEM, "open a pinned map", NULL);
	for (uint32_t i = 0; i < count; i++) {
		struct sensor_map *map = &s->maps[i];
		__u32 length = sizeof(map->info);

		if (!get_element(env, arguments[1], i, &element) || !get_text(env, element, map->name, sizeof(map->name)))
			return NULL;
		snprintf(path, sizeof(path), "%s/%s", dir, map->name);
		map->fd = bpf_obj_get(path);
		if (map->fd < 0)
			return throw_errno(env, errno, "open a pinned map", path);
		s->map_count++;
		if (bpf_obj_get_info_by_fd(map->fd, &map->info, &length))
			return throw_errno(env, errno, "open a pinned map", path);
	}
	return handle;
}

bool register_pins(napi_env env, napi_value exports)
{
	static const struct method methods[] = {
		{ "isPinFileSystem", is_pin_file_system_method },
		{ "pin", pin_method },
		{ "openPinned", open_pinned_method },
	};

	return add_methods(env, exports, methods, COUNT_OF(methods));
}
