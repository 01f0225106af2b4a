/* The border's types as the compiler laid them out: offsets, sizes and numbers out of the object's own BTF, so that TypeScript
 * repeats none. The types are those of the structure that BORDER names (bpf/lib/border.bpf.h), and what they contain. */
#define _GNU_SOURCE
#include "sensor.h"

#include <bpf/btf.h>
#include <errno.h>
#include <string.h>

/* Deepest nesting of types; C headers have a few. */
#define MAX_DEPTH 32

struct layout {
	napi_env env;
	const struct btf *btf;
	napi_value structs, enums;
};

static bool add_type(struct layout *l, __u32 id, int depth);

/* Behind typedefs, qualifiers and arrays. */
static __u32 plain_type(const struct btf *btf, __u32 id)
{
	for (int turn = 0; turn < MAX_DEPTH; turn++) {
		const struct btf_type *type = btf__type_by_id(btf, id);

		if (!type)
			return id;
		if (btf_is_array(type))
			id = btf_array(type)->type;
		else if (btf_is_mod(type) || btf_is_typedef(type))
			id = type->type;
		else
			break;
	}
	return id;
}

static bool has_property(struct layout *l, napi_value object, const char *name, bool *has)
{
	return succeeded(l->env, napi_has_named_property(l->env, object, name, has));
}

/* Members at `base` and on; those of a nested type without a name are the outer one's. */
static bool add_members(struct layout *l, const struct btf_type *type, __u32 base, napi_value offsets, napi_value sizes,
			int depth)
{
	const struct btf_member *member = btf_members(type);

	for (int i = 0; i < btf_vlen(type); i++, member++) {
		const char *name = btf__name_by_offset(l->btf, member->name_off);
		const struct btf_type *inner = btf__type_by_id(l->btf, plain_type(l->btf, member->type));
		__u32 at = base + btf_member_bit_offset(type, i) / 8;
		__s64 size = btf__resolve_size(l->btf, member->type);

		if (!*name && inner && btf_is_composite(inner)) {
			if (depth >= MAX_DEPTH || !add_members(l, inner, at, offsets, sizes, depth + 1))
				return false;
			continue;
		}
		if (!set_number(l->env, offsets, name, at) || !set_number(l->env, sizes, name, size < 0 ? 0 : (double)size) ||
		    !add_type(l, member->type, depth + 1))
			return false;
	}
	return true;
}

static bool add_struct(struct layout *l, const struct btf_type *type, const char *name, int depth)
{
	napi_value object, offsets, sizes;
	bool known;

	if (!has_property(l, l->structs, name, &known))
		return false;
	if (known)
		return true;
	return succeeded(l->env, napi_create_object(l->env, &object)) &&
	       succeeded(l->env, napi_create_object(l->env, &offsets)) && succeeded(l->env, napi_create_object(l->env, &sizes)) &&
	       set_property(l->env, l->structs, name, object) && set_number(l->env, object, "size", type->size) &&
	       set_property(l->env, object, "offsets", offsets) && set_property(l->env, object, "sizes", sizes) &&
	       add_members(l, type, 0, offsets, sizes, depth);
}

static bool add_enum(struct layout *l, const struct btf_type *type, const char *name)
{
	const struct btf_enum *value = btf_enum(type);
	napi_value object;

	if (!succeeded(l->env, napi_create_object(l->env, &object)) || !set_property(l->env, l->enums, name, object))
		return false;
	for (int i = 0; i < btf_vlen(type); i++, value++)
		if (!set_number(l->env, object, btf__name_by_offset(l->btf, value->name_off),
				btf_kflag(type) ? (double)value->val : (double)(__u32)value->val))
			return false;
	return true;
}

static bool add_type(struct layout *l, __u32 id, int depth)
{
	const struct btf_type *type = btf__type_by_id(l->btf, plain_type(l->btf, id));
	const char *name = type ? btf__name_by_offset(l->btf, type->name_off) : "";

	if (depth > MAX_DEPTH)
		return true;
	if (type && btf_is_composite(type))
		return add_struct(l, type, name, depth);
	return !type || !btf_is_enum(type) || add_enum(l, type, name);
}

/* The structure that BORDER names; NULL when the object has none. */
static const struct btf_type *find_border(const struct btf *btf)
{
	int id = btf ? btf__find_by_name_kind(btf, "border", BTF_KIND_FUNC) : -1;
	const struct btf_type *function = id > 0 ? btf__type_by_id(btf, id) : NULL;
	const struct btf_type *prototype = function ? btf__type_by_id(btf, function->type) : NULL;
	const struct btf_type *pointer =
		prototype && btf_vlen(prototype) == 1 ? btf__type_by_id(btf, btf_params(prototype)->type) : NULL;
	const struct btf_type *type =
		pointer && btf_is_ptr(pointer) ? btf__type_by_id(btf, plain_type(btf, pointer->type)) : NULL;

	return type && btf_is_composite(type) ? type : NULL;
}

/* layout(sensor): {structs: {name: {size, offsets, sizes}}, enums: {name: {VALUE: number}}}. It needs no load. */
static napi_value layout_method(napi_env env, napi_callback_info info)
{
	napi_value argument, result;
	struct sensor *s = get_any_sensor(env, info, 1, &argument);
	struct layout l = { .env = env };
	const struct btf_type *border;
	const struct btf_member *member;

	if (!s)
		return NULL;
	l.btf = s->object ? bpf_object__btf(s->object) : NULL;
	border = find_border(l.btf);
	if (!border)
		return throw_errno(env, ENOENT, "read the object's types", "no BORDER is in it");
	if (!succeeded(env, napi_create_object(env, &result)) || !succeeded(env, napi_create_object(env, &l.structs)) ||
	    !succeeded(env, napi_create_object(env, &l.enums)) || !set_property(env, result, "structs", l.structs) ||
	    !set_property(env, result, "enums", l.enums))
		return NULL;
	member = btf_members(border);
	for (int i = 0; i < btf_vlen(border); i++, member++)
		if (!add_type(&l, member->type, 0))
			return NULL;
	return result;
}

bool register_layout(napi_env env, napi_value exports)
{
	static const struct method methods[] = { { "layout", layout_method } };

	return add_methods(env, exports, methods, COUNT_OF(methods));
}
