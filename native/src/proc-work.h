/* One read of another process that may never be answered, and what came of it. */
#ifndef CRYPTNONO_PROC_WORK_H
#define CRYPTNONO_PROC_WORK_H

#include <stdbool.h>
#include <stdint.h>

/* Bytes of an argument area that are read and hashed at a time. */
#define PIECE_BYTES (64 * 1024)
#define NAME_BYTES 4096

enum act { READ_AREA, CHECK_NAME };

/* Whether a path names the file that a process executes. UNKNOWN: the file systems on the way are not asked. */
enum answer { NAME_SAME, NAME_OTHER, NAME_NONE, NAME_UNKNOWN };

struct ask {
	enum act act;
	bool wants_head; /* CHECK_NAME: the first bytes of the file too */
	uint32_t pid;
	uint32_t deadline_ms;
	uint64_t from; /* READ_AREA: offset, and how many bytes from there to hash at most */
	uint64_t limit;
	uint64_t hash; /* READ_AREA: of the pieces before `from` */
	char path[NAME_BYTES]; /* CHECK_NAME: absolute */
};

struct said {
	int error; /* a positive errno; 0 for none */
	enum answer answer;
	bool has_head;
	uint32_t used; /* of data */
	uint64_t length; /* READ_AREA: bytes from `from` to the area's end or the limit */
	uint64_t hash; /* READ_AREA: of all pieces up to there, each with the hash before it */
};

struct work {
	struct ask ask;
	struct said said;
	uint8_t data[PIECE_BYTES]; /* the first piece, or the file's head */
	uint8_t scratch[PIECE_BYTES];
};

/* In a child that may be killed at any time. It has no descriptors, and shares the agent's memory: it writes to `work` alone,
 * and takes no lock. */
void do_work(struct work *work, const uint64_t key[2]);

#endif
