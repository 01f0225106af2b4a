/* One read of another process, or one line to its terminal, that may never be answered, and what came of it. */
#ifndef CRYPTNONO_PROC_WORK_H
#define CRYPTNONO_PROC_WORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of an argument area that are read and hashed at a time. */
#define PIECE_BYTES (64 * 1024)
#define NAME_BYTES 4096
/* Of one SEARCH_MEMORY: some 5 ms. */
#define SEARCH_PAGES 1024

enum act { READ_AREA, CHECK_NAME, LIST_TIMES, LIST_CODE, SEARCH_MEMORY, SEARCH_EXE, TELL_TERMINAL };

/* Whether a path names the file that a process executes. UNKNOWN: the file systems on the way are not asked. */
enum answer { NAME_SAME, NAME_OTHER, NAME_NONE, NAME_UNKNOWN };

struct ask {
	enum act act;
	bool wants_head; /* CHECK_NAME: the first bytes of the file too */
	bool environment; /* READ_AREA: that area, not the arguments' */
	uint32_t pid;
	uint32_t deadline_ms;
	/* READ_AREA: offset, and how many bytes from there to hash at most; LIST_TIMES: least process; LIST_CODE: least address; SEARCH_MEMORY: address and length;
	 * SEARCH_EXE: offset and length */
	uint64_t from;
	uint64_t limit;
	uint64_t hash; /* READ_AREA: of the pieces before `from` */
	union {
		char path[NAME_BYTES]; /* CHECK_NAME: absolute; TELL_TERMINAL: what is written, up to a NUL */
		uint8_t known[SEARCH_PAGES / 8]; /* SEARCH_MEMORY: pages of the file that need not be read again, a bit each */
	};
};

struct said {
	int error; /* a positive errno; 0 for none */
	enum answer answer;
	bool has_head;
	uint32_t used; /* of data */
	uint64_t length; /* READ_AREA: bytes from `from` to the area's end or the limit; SEARCH_MEMORY: bytes that were read */
	uint64_t hash; /* READ_AREA: of all pieces up to there, each with the hash before it; else ns of CPU time */
};

/* SEARCH_MEMORY: what stands before the hits. */
struct searched {
	uint64_t next; /* where there was no room for more of them; else the end */
	uint8_t known[SEARCH_PAGES / 8]; /* with those pages of the file that were read now */
};

/* SEARCH_EXE: what stands before the hits. The file is the same, with the same content, while all but `next` is. */
struct searched_file {
	uint64_t next; /* offset of what was not searched yet, if the file is longer */
	uint64_t size, inode, changed_ns, written_ns;
	uint32_t device_major, device_minor;
};

struct work {
	struct ask ask;
	struct said said;
	uint8_t data[PIECE_BYTES + sizeof(struct searched)]; /* the first piece, or the file's head */
	uint8_t scratch[PIECE_BYTES];
};

/* LIST_TIMES: a process that has memory of its own, as /proc/PID/stat tells it. */
struct process_times {
	uint32_t pid, ppid;
	uint64_t start_ticks; /* field 22: from boot to its start */
	uint64_t cpu_ticks; /* fields 14 and 15: of all its threads, in user mode and in the kernel */
};

/* LIST_CODE: a mapping that may hold code, or constants of code: readable, and a file's that is executable or not written to, a
 * file's that has no name any more, or anonymous and executable or not written to. */
struct code_mapping {
	uint64_t start, end, offset, inode;
	uint64_t changed_ns; /* of a file that has a name: its last change (statx stx_ctime), which nobody can set; 0: not known */
	uint32_t device_major, device_minor;
	uint32_t flags; /* enum mapping_flags */
	uint32_t reserved;
};

enum mapping_flags { MAPPING_EXECUTABLE = 1, MAPPING_FILE = 2, MAPPING_NAMELESS = 4 };

#define MAX_PATTERN_BYTES 16

/* What SEARCH_MEMORY looks for, at any byte. None begins with another one: so no byte has two hits. */
struct pattern {
	uint8_t length; /* 4 to MAX_PATTERN_BYTES */
	uint8_t bytes[MAX_PATTERN_BYTES];
};

/* SEARCH_MEMORY: one of the patterns, and where it stands. */
struct pattern_hit {
	uint64_t address;
	uint32_t pattern; /* its index */
	uint32_t reserved;
};

/* Set before the first search; shared by all children. */
void prepare_search(const struct pattern *patterns, size_t count);
#define MAX_PATTERNS 1024

/* In a child that may be killed at any time. It has no descriptors, and shares the agent's memory: it writes to `work` alone,
 * and takes no lock. */
void do_work(struct work *work, const uint64_t key[2]);
/* The part of it that writes to a terminal. */
void tell_terminal(struct work *work);

#endif
