/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Which file runs. The path given to exec is text: «/allowed/../elsewhere/v» and «//allowed/v» name what they name. A plain
 * path (absolute, without empty components, «.» and «..», not in /proc or /dev/fd) says so itself; for any other the file's own path is read, from the
 * process's root, as the kernel's d_path makes it (its helper is not for programs like these). */
#ifndef CRYPTNONO_TRUE_PATH_BPF_H
#define CRYPTNONO_TRUE_PATH_BPF_H

#include "search.bpf.h"

/* More, and the path is not told: the outermost names are those that count. */
#define MAX_COMPONENTS 256
#define MAX_NAME_BYTES 256 /* linux NAME_MAX, and its NUL */

struct true_path {
	__u32 bytes; /* without a NUL; 0: not known */
	__u32 components;
	__u64 names[MAX_COMPONENTS]; /* of the file, then of the folder that it is in, and so on: struct dentry */
	__u8 path[MAX_PATH_BYTES + MAX_NAME_BYTES];
};

/* By copy of the exec program. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct true_path);
} true_paths SEC(".maps");

struct plain_walk {
	__u32 turns;
	__u32 bytes;
	__u32 suspect;
	__u32 not_plain;
	struct search *s;
};

/* Of eight bytes, whether one is a slash with a dot, a slash or the end behind it. */
static __always_inline bool is_suspect(struct search *s, __u32 at)
{
	__u64 slashes, next;

	barrier_var(at);
	if (at > MAX_PATH_BYTES)
		return true;
	slashes = bytes_between(*(any_u64 *)(s->buffer + at), '/', '/');
	next = *(any_u64 *)(s->buffer + at + 1);
	return slashes & (bytes_between(next, '.', '/') | bytes_between(next, 0, 0));
}

/* As many of a path's words are looked at without a loop's call: most paths are no longer. */
#define FIRST_WORDS 4

LOOP_BODY(suspect_word, struct plain_walk)
{
	ctx->suspect = is_suspect(ctx->s, (FIRST_WORDS + turn) * 8);
	return ctx->suspect;
}

LOOP_BODY(plain_byte, struct plain_walk)
{
	__u8 a, b, c;

	if (buffer_byte(ctx->s, turn) != '/')
		return 0;
	a = turn + 1 < ctx->bytes ? buffer_byte(ctx->s, turn + 1) : '/';
	b = turn + 2 < ctx->bytes ? buffer_byte(ctx->s, turn + 2) : '/';
	c = turn + 3 < ctx->bytes ? buffer_byte(ctx->s, turn + 3) : '/';
	ctx->not_plain = a == '/' || (a == '.' && (b == '/' || (b == '.' && c == '/')));
	return ctx->not_plain;
}

/* "/proc/" and "/dev/fd/" (execveat's): what stands there are links of the kernel's making, which say nothing. */
static __always_inline bool begins_in_magic(__u64 first)
{
	__u64 proc = 0x2f636f72702fULL, fd = 0x2f64662f7665642fULL; /* little-endian */

	return (first & low_bytes(6)) == proc || first == fd;
}

/* What looks so may be a name that begins with a dot. A global function: it needs no room on the callers' stack. */
__attribute__((noinline)) int is_plain_in_fact(struct search *s)
{
	struct plain_walk walk = { .s = s };

	if (!s)
		return 0;
	walk.bytes = s->path_bytes;
	LOOP(plain_byte, walk.bytes, &walk);
	return !walk.not_plain;
}

__attribute__((noinline)) int is_long_path_suspect(struct search *s)
{
	struct plain_walk walk = { .s = s };

	if (!s)
		return 0;
	LOOP(suspect_word, (s->path_bytes + 7) / 8 - FIRST_WORDS, &walk);
	return walk.suspect;
}

/* Whether the path at the buffer's start is plain; a NUL follows it. matcher/src/plain-path.ts says the same. */
static __always_inline bool is_plain_path(struct search *s)
{
	bool suspect = false;

	if (s->buffer[0] != '/' || begins_in_magic(*(any_u64 *)s->buffer))
		return false;
#pragma unroll
	for (int i = 0; i < FIRST_WORDS; i++)
		if (i * 8 < s->path_bytes)
			suspect |= is_suspect(s, i * 8);
	if (!suspect && s->path_bytes > FIRST_WORDS * 8)
		suspect = is_long_path_suspect(s);
	return !suspect || is_plain_in_fact(s);
}

struct path_up {
	__u32 turns;
	__u32 arrived;
	struct dentry *dentry;
	struct mount *mount;
	struct dentry *root;
	struct vfsmount *root_mount;
	struct true_path *t;
};

LOOP_BODY(path_component, struct path_up)
{
	/* CO-RE would relocate our own struct otherwise */
	struct dentry *dentry = ctx->dentry, *parent = BPF_CORE_READ(dentry, d_parent);
	struct mount *mount = ctx->mount, *above;

	if (dentry == ctx->root && __builtin_preserve_access_index(&mount->mnt) == ctx->root_mount) {
		ctx->arrived = 1;
		return 1;
	}
	if (dentry == BPF_CORE_READ(mount, mnt.mnt_root) || dentry == parent) {
		above = BPF_CORE_READ(mount, mnt_parent);
		if (above == mount)
			return 1; /* not below the process's root: a memfd, a folder outside of it */
		ctx->dentry = BPF_CORE_READ(mount, mnt_mountpoint);
		ctx->mount = above;
		return 0;
	}
	ctx->t->names[ctx->t->components & (MAX_COMPONENTS - 1)] = (__u64)dentry;
	ctx->t->components++;
	ctx->dentry = parent;
	return 0;
}

struct path_down {
	__u32 turns;
	__u32 reserved;
	struct true_path *t;
};

LOOP_BODY(path_name, struct path_down)
{
	struct true_path *t = ctx->t;
	struct dentry *dentry = (void *)t->names[(t->components - 1 - turn) & (MAX_COMPONENTS - 1)];
	__u32 at = t->bytes;
	const unsigned char *name;
	long n;

	barrier_var(at);
	if (at >= MAX_PATH_BYTES - 1)
		return 1;
	t->path[at] = '/';
	name = BPF_CORE_READ(dentry, d_name.name);
	n = bpf_probe_read_kernel_str(t->path + at + 1, MAX_NAME_BYTES, name);
	if (n <= 1)
		return 1;
	t->bytes = at + n;
	return 0;
}

/* Read the path of the file that runs. A file that has no name any more has no path. */
__attribute__((noinline)) int read_true_path(__u32 copy)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct file *file = BPF_CORE_READ(task, mm, exe_file);
	struct true_path *t = bpf_map_lookup_elem(&true_paths, &copy);
	struct path_down down = { .t = t };
	struct path_up up = { .t = t };
	struct dentry *dentry;
	struct vfsmount *mount;

	if (!t)
		return 0;
	t->bytes = t->components = 0;
	dentry = BPF_CORE_READ(file, f_path.dentry);
	if (!BPF_CORE_READ(dentry, d_hash.pprev))
		return 0;
	up.dentry = dentry;
	mount = BPF_CORE_READ(file, f_path.mnt);
	up.mount = (void *)mount - bpf_core_field_offset(struct mount, mnt);
	up.root = BPF_CORE_READ(task, fs, root.dentry);
	up.root_mount = BPF_CORE_READ(task, fs, root.mnt);
	LOOP(path_component, 2 * MAX_COMPONENTS, &up);
	if (!up.arrived || t->components > MAX_COMPONENTS)
		return 0;
	LOOP(path_name, t->components, &down);
	if (t->bytes >= MAX_PATH_BYTES)
		t->bytes = 0;
	return 0;
}

/* Put it where the search has its path; its length. */
static __always_inline __u32 take_true_path(struct search *s)
{
	__u32 copy = s->copy, n;
	struct true_path *t = s->has_true_path ? bpf_map_lookup_elem(&true_paths, &copy) : NULL;

	if (!t)
		return 0;
	n = t->bytes;
	barrier_var(n);
	if (n == 0 || n >= MAX_PATH_BYTES || bpf_probe_read_kernel(s->buffer, n + 1, t->path))
		return 0;
	return n;
}

#endif
