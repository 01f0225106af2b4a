/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Who a process is, in a record of fixed size: for programs that cannot have a buffer of their own on each CPU, as another task
 * may run them in between. */
#ifndef CRYPTNONO_IDENTITY_H
#define CRYPTNONO_IDENTITY_H

enum identity_limits {
	/* One hierarchy's cgroup names from the root down, each ended by NUL; an empty one in front when the root was not
	 * reached. */
	IDENTITY_CGROUP_BYTES = 1024,
	/* Longest name of one cgroup, with its NUL: room behind the last that begins within the bytes above. */
	IDENTITY_NAME_BYTES = 256,
	/* The outermost levels that are told. A power of two: the verifier takes the mask as the bound. */
	IDENTITY_LEVELS = 32,
	/* Argument bytes from the start of the area. A power of two, as above. */
	IDENTITY_ARGS_BYTES = 2048,
};

struct identity {
	__u64 start_time_ns; /* of the process, since boot */
	__u64 cgroup_id; /* default hierarchy */
	__u32 pid; /* tgid in the initial pid namespace */
	__u32 ppid;
	__u32 uid;
	__u32 pid_namespace; /* inode number */
	__u32 args_total_bytes; /* the whole area, without the last NUL */
	__u16 args_bytes;
	__u16 cgroup_bytes;
	__u16 cgroup_v1_bytes;
	__u16 reserved[3];
	__u8 comm[16];
	__u8 parent_comm[16];
	__u8 cgroup[IDENTITY_CGROUP_BYTES + IDENTITY_NAME_BYTES];
	__u8 cgroup_v1[IDENTITY_CGROUP_BYTES + IDENTITY_NAME_BYTES];
	__u8 args[IDENTITY_ARGS_BYTES];
	__u64 nodes[IDENTITY_LEVELS]; /* the program's own: zeros where it is read */
};

#endif
