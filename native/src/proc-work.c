/* What the children of proc-read.c do.
 *
 * Arguments are read through /proc/PID/cmdline and not by process_vm_readv. Both take the process's memory lock. The first waits
 * for it killably, gets no page from a userfaultfd and leaves alone what is mapped from a file (FUSE answers when it likes):
 * 7f7ccc2ccc2e "proc: do not access cmdline nor environ from file-backed areas", v4.17. The second waits for all three, and
 * for two of them until they answer, SIGKILL or not.
 *
 * Paths are looked up in the process's own root, without opening what they name. */
#define _GNU_SOURCE
#include "proc-work.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <linux/openat2.h>

/* Of a script's first line the kernel reads as much (linux include/uapi/linux/binfmts.h, BINPRM_BUF_SIZE). */
#define HEAD_BYTES 256
/* A process's mount table, as much of it as is searched for a file's mount. */
#define MOUNTS_BYTES (1024 * 1024)

/* ---- SipHash-1-3: a process must not be able to make other arguments with the hash of its old ones ---- */

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t x, int n)
{
	return x << n | x >> (64 - n);
}

static inline void sip_round(struct sip *s)
{
	s->v0 += s->v1, s->v1 = rotate(s->v1, 13) ^ s->v0, s->v0 = rotate(s->v0, 32);
	s->v2 += s->v3, s->v3 = rotate(s->v3, 16) ^ s->v2;
	s->v0 += s->v3, s->v3 = rotate(s->v3, 21) ^ s->v0;
	s->v2 += s->v1, s->v1 = rotate(s->v1, 17) ^ s->v2, s->v2 = rotate(s->v2, 32);
}

static inline void sip_word(struct sip *s, uint64_t word)
{
	s->v3 ^= word;
	sip_round(s);
	s->v0 ^= word;
}

/* Of `before`, the hash of the pieces before this one, and of this piece. */
static uint64_t hash_piece(const uint64_t key[2], uint64_t before, const uint8_t *bytes, size_t length)
{
	struct sip s = { key[0] ^ 0x736f6d6570736575ULL, key[1] ^ 0x646f72616e646f6dULL, key[0] ^ 0x6c7967656e657261ULL,
			 key[1] ^ 0x7465646279746573ULL };
	uint64_t word, last = (uint64_t)length << 56;
	size_t at;

	sip_word(&s, before);
	for (at = 0; at + 8 <= length; at += 8) {
		memcpy(&word, bytes + at, 8);
		sip_word(&s, word);
	}
	for (size_t i = 0; at + i < length; i++)
		last |= (uint64_t)bytes[at + i] << (8 * i);
	sip_word(&s, last);
	s.v2 ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

/* ---- the argument area ---- */

/* Up to a piece; less is the end. -1 for an error before the first byte. */
static ssize_t read_piece(int fd, uint8_t *piece, uint64_t from)
{
	size_t used = 0;
	ssize_t n;

	do {
		n = pread(fd, piece + used, PIECE_BYTES - used, (off_t)(from + used));
		if (n > 0)
			used += (size_t)n;
	} while (n > 0 && used < PIECE_BYTES);
	return used == 0 && n < 0 ? -1 : (ssize_t)used;
}

static void read_area(struct work *work, const uint64_t key[2])
{
	const struct ask *ask = &work->ask;
	struct said *said = &work->said;
	uint8_t *piece = work->data;
	char path[32];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/%s", ask->pid, ask->environment ? "environ" : "cmdline");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		said->error = errno;
		return;
	}
	said->hash = ask->hash;
	while (said->length < ask->limit) {
		n = read_piece(fd, piece, ask->from + said->length);
		if (n < 0 && said->length == 0) {
			said->error = errno;
			return;
		}
		if (n <= 0)
			return;
		said->hash = hash_piece(key, said->hash, piece, (size_t)n);
		if (piece == work->data)
			said->used = (uint32_t)n;
		said->length += (uint64_t)n;
		piece = work->scratch;
		if (n < PIECE_BYTES)
			return;
	}
}

/* ---- names ---- */

/* File systems of this machine alone, served by no process. */
static const char *const local_types[] = { "overlay", "ext4", "ext3",	  "ext2",  "xfs",  "btrfs", "tmpfs",   "ramfs",
					   "rootfs",  "zfs",  "squashfs", "erofs", "f2fs", "vfat",  "bcachefs" };

/* The mount that a descriptor is on; statx tells it from 5.8 on, but would ask the file system. */
static int mount_id(int fd)
{
	char path[48], text[256], *at;
	ssize_t n;
	int info;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = open(path, O_RDONLY | O_CLOEXEC);
	if (info < 0)
		return -1;
	n = read(info, text, sizeof(text) - 1);
	close(info);
	if (n <= 0)
		return -1;
	text[n] = 0;
	at = strstr(text, "mnt_id:");
	return at ? atoi(at + strlen("mnt_id:")) : -1;
}

/* A line of mountinfo: `36 35 98:0 /root /where options optional... - type source options`; blanks in names are escaped. */
static bool is_local_mount(char *line)
{
	char *type = strstr(line, " - "), *end;

	if (!type)
		return false;
	type += 3;
	end = strchr(type, ' ');
	if (end)
		*end = 0;
	for (size_t i = 0; i < sizeof(local_types) / sizeof(local_types[0]); i++)
		if (!strcmp(type, local_types[i]))
			return true;
	return false;
}

/* Whether mount `id` is in the table and local. */
static bool is_local_in(struct work *work, int mounts, int id)
{
	char *text = (char *)work->scratch, *line, *end;
	size_t kept = 0, total = 0;
	bool found = false, local = false;
	ssize_t n;

	while (mounts >= 0 && id >= 0 && !found && total < MOUNTS_BYTES) {
		n = read(mounts, text + kept, sizeof(work->scratch) - 1 - kept);
		if (n <= 0)
			break;
		total += (size_t)n;
		text[kept + (size_t)n] = 0;
		for (line = text; !found && (end = strchr(line, '\n')); line = end + 1) {
			*end = 0;
			found = atoi(line) == id;
			local = found && is_local_mount(line);
		}
		kept = strlen(line);
		memmove(text, line, kept);
	}
	if (mounts >= 0)
		close(mounts);
	return local;
}

/* By mount tables, which are in the kernel's memory: fstatfs would ask the file system, and FUSE's may never answer. A process's
 * own table has no mount that its root lies within (chroot): that may be in the agent's. */
static bool is_local(struct work *work, int process, int fd)
{
	int id = mount_id(fd);

	return is_local_in(work, openat(process, "mountinfo", O_RDONLY | O_CLOEXEC), id) ||
	       is_local_in(work, open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC), id);
}

static int look_up(int root, const char *path, uint64_t resolve)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve };

	return (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
}

/* What the kernel has of the file; no file system is asked. */
static bool identify(int fd, struct statx *file)
{
	return statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_TYPE | STATX_INO, file) == 0;
}

static bool is_same(const struct statx *a, const struct statx *b)
{
	return a->stx_ino == b->stx_ino && a->stx_dev_major == b->stx_dev_major && a->stx_dev_minor == b->stx_dev_minor;
}

/* The only opening of a file that somebody else named: a regular one, on a file system of this machine. A lease on it (fcntl
 * F_SETLEASE) is not waited for. */
static void read_head(struct work *work, int fd)
{
	char path[48];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return;
	n = pread(fd, work->data, HEAD_BYTES, 0);
	if (n < 0)
		return;
	work->said.used = (uint32_t)n;
	work->said.has_head = true;
}

static bool is_nowhere(int error)
{
	return error == ENOENT || error == ENOTDIR || error == ELOOP || error == ENAMETOOLONG || error == EACCES;
}

static void check_name(struct work *work)
{
	const struct ask *ask = &work->ask;
	struct said *said = &work->said;
	struct statx named, executed;
	int process, root, exe, file;
	char path[32];

	said->answer = NAME_UNKNOWN;
	snprintf(path, sizeof(path), "/proc/%u", ask->pid);
	process = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	root = process < 0 ? -1 : openat(process, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	exe = root < 0 ? -1 : openat(process, "exe", O_PATH | O_CLOEXEC);
	if (exe < 0) {
		said->error = errno;
		return;
	}
	/* From the kernel's cache, no file system is asked. Links of an overlay need more; then those that no process serves. */
	file = look_up(root, ask->path, RESOLVE_CACHED);
	if (file < 0 && errno == EAGAIN) {
		if (!is_local(work, process, root))
			return;
		file = look_up(root, ask->path, RESOLVE_NO_XDEV);
	}
	if (file < 0) {
		if (is_nowhere(errno))
			said->answer = NAME_NONE;
		else if (errno != EXDEV && errno != EAGAIN)
			said->error = errno;
		return;
	}
	if (!identify(file, &named) || !identify(exe, &executed)) {
		said->error = errno;
		return;
	}
	if (!S_ISREG(named.stx_mode)) {
		said->answer = NAME_NONE;
		return;
	}
	said->answer = is_same(&named, &executed) ? NAME_SAME : NAME_OTHER;
	if (ask->wants_head && is_local(work, process, file))
		read_head(work, file);
}

/* ---- the processor time of all ---- */

/* linux include/linux/sched.h */
#define PF_KTHREAD 0x00200000
/* Of a directory; its names are numbers, and a few others. */
#define ENTRIES_BYTES (16 * 1024)

/* What getdents64(2) gives. */
struct entry {
	uint64_t inode;
	int64_t next;
	unsigned short length;
	unsigned char type;
	char name[];
};

/* A line of /proc/PID/stat: `pid (name) state ppid ...`. The name may hold parentheses; no field after it does. */
static bool parse_times(const char *line, struct process_times *times)
{
	const char *name_end = strrchr(line, ')');
	unsigned long long user, kernel, start;
	unsigned int flags;

	if (!name_end || sscanf(name_end + 1, " %*c %u %*d %*d %*d %*d %u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %*d %*d %llu",
				&times->ppid, &flags, &user, &kernel, &start) < 5)
		return false;
	times->cpu_ticks = user + kernel;
	times->start_ticks = start;
	return !(flags & PF_KTHREAD);
}

static bool read_times(int proc, const char *pid, struct process_times *times)
{
	char path[32], text[1024];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%.10s/stat", pid);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = 0;
	return parse_times(text, times);
}

/* In the order of their numbers, as /proc has them. */
static void list_times(struct work *work)
{
	struct process_times *to = (void *)work->data, *last = to + PIECE_BYTES / sizeof(*to);
	int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	long n;

	if (proc < 0) {
		work->said.error = errno;
		return;
	}
	while (to < last && (n = syscall(SYS_getdents64, proc, work->scratch, ENTRIES_BYTES)) > 0) {
		for (long at = 0; at < n && to < last;) {
			const struct entry *entry = (void *)(work->scratch + at);

			to->pid = (uint32_t)strtoul(entry->name, NULL, 10);
			if (to->pid >= work->ask.from && to->pid > 0)
				to += read_times(proc, entry->name, to);
			at += entry->length;
		}
	}
	work->said.used = (uint32_t)((uint8_t *)to - work->data);
}

/* ---- code, and constants of code ---- */

static bool is_nameless(const char *path)
{
	size_t length = strlen(path);

	return !strncmp(path, "/memfd:", 7) || (length > 10 && !strcmp(path + length - 10, " (deleted)"));
}

static bool keeps(const char *path, uint32_t *flags, const char *permissions, uint64_t inode)
{
	bool is_executable = permissions[2] == 'x', is_written = permissions[1] == 'w', has_no_name = is_nameless(path);

	*flags = (is_executable ? MAPPING_EXECUTABLE : 0) | (inode ? MAPPING_FILE : 0) | (has_no_name ? MAPPING_NAMELESS : 0);
	if (permissions[0] != 'r' || path[0] == '[')
		return false;
	return is_executable || !is_written || (inode && has_no_name);
}

/* The file whose mappings were met last: they stand together. */
struct last_file {
	int root;
	uint64_t inode, changed_ns;
	char path[NAME_BYTES];
};

/* By its path in the process's own root, out of the kernel's cache: no file system is asked. Line breaks in a path stand escaped, and
 * are not found. */
static uint64_t changed_ns(struct last_file *last, const char *path, uint64_t inode)
{
	struct statx file;
	int fd;

	if (last->inode == inode && !strcmp(last->path, path))
		return last->changed_ns;
	last->inode = inode;
	last->changed_ns = 0;
	snprintf(last->path, sizeof(last->path), "%s", path);
	fd = look_up(last->root, path, RESOLVE_CACHED);
	if (fd < 0)
		return 0;
	if (!statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_INO | STATX_CTIME, &file) &&
	    file.stx_ino == inode)
		last->changed_ns = (uint64_t)file.stx_ctime.tv_sec * 1000000000ULL + file.stx_ctime.tv_nsec;
	close(fd);
	return last->changed_ns;
}

/* A line of /proc/PID/maps: `start-end rwxp offset major:minor inode   path`. */
static bool parse_mapping(const char *line, uint64_t from, struct last_file *last, struct code_mapping *mapping)
{
	unsigned long long start, end, offset, inode;
	char permissions[5];
	int rest = 0;

	if (sscanf(line, "%llx-%llx %4s %llx %x:%x %llu %n", &start, &end, permissions, &offset, &mapping->device_major,
		   &mapping->device_minor, &inode, &rest) < 7)
		return false;
	mapping->start = start;
	mapping->end = end;
	mapping->offset = offset;
	mapping->inode = inode;
	mapping->changed_ns = 0;
	mapping->reserved = 0;
	if (start < from || !keeps(line + rest, &mapping->flags, permissions, inode))
		return false;
	if (inode && !(mapping->flags & MAPPING_NAMELESS))
		mapping->changed_ns = changed_ns(last, line + rest, inode);
	return true;
}

static void list_code(struct work *work)
{
	char path[32], *text = (char *)work->scratch, *line, *end;
	struct code_mapping *to = (void *)work->data, *last = to + PIECE_BYTES / sizeof(*to);
	struct last_file file = { .inode = 0 };
	size_t kept = 0;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/maps", work->ask.pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		work->said.error = errno;
		return;
	}
	snprintf(path, sizeof(path), "/proc/%u/root", work->ask.pid);
	file.root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	while (to < last && (n = read(fd, text + kept, PIECE_BYTES - 1 - kept)) > 0) {
		text[kept + (size_t)n] = 0;
		for (line = text; to < last && (end = strchr(line, '\n')); line = end + 1) {
			*end = 0;
			to += parse_mapping(line, work->ask.from, &file, to);
		}
		kept = strlen(line);
		if (kept >= PIECE_BYTES - 1)
			break;
		memmove(text, line, kept);
	}
	work->said.used = (uint32_t)((uint8_t *)to - work->data);
}

#define FILTER_BITS 16
#define CHAIN_BITS 11
#define PAGE_SHIFT 12
#define PIECE_PAGES (PIECE_BYTES >> PAGE_SHIFT)
#define PAGE_PRESENT (1ULL << 63)
/* The page is the file's, and no copy that the process has written to (linux Documentation/admin-guide/mm/pagemap.rst). */
#define PAGE_OF_FILE (1ULL << 61)

static struct {
	struct pattern patterns[MAX_PATTERNS];
	/* Of those whose first four bytes have one hash: index + 1, 0 at the end. */
	uint16_t first[1 << CHAIN_BITS], next[MAX_PATTERNS];
	uint8_t filter[(1 << FILTER_BITS) / 8]; /* stays in the first cache level: what is not in it begins no pattern */
} wanted;

static inline uint32_t hash_word(uint32_t word)
{
	return word * 0x9E3779B1U;
}

static inline uint32_t first_word(const uint8_t *bytes)
{
	uint32_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

void prepare_search(const struct pattern *patterns, size_t count)
{
	memset(&wanted, 0, sizeof(wanted));
	memcpy(wanted.patterns, patterns, count * sizeof(*patterns));
	for (size_t i = 0; i < count; i++) {
		uint32_t hash = hash_word(first_word(patterns[i].bytes));
		uint16_t *first = &wanted.first[hash >> (32 - CHAIN_BITS)];

		wanted.next[i] = *first;
		*first = (uint16_t)(i + 1);
		hash >>= 32 - FILTER_BITS;
		wanted.filter[hash >> 3] |= (uint8_t)(1 << (hash & 7));
	}
}

/* Returns how many bytes were searched: fewer where there is no room for more hits. */
static size_t search_piece(const uint8_t *bytes, size_t length, uint64_t address, struct pattern_hit **to,
			   const struct pattern_hit *last)
{
	for (size_t at = 0; at + 4 <= length; at++) {
		uint32_t hash = hash_word(first_word(bytes + at)), bit = hash >> (32 - FILTER_BITS);

		if (!(wanted.filter[bit >> 3] >> (bit & 7) & 1))
			continue;
		for (uint16_t i = wanted.first[hash >> (32 - CHAIN_BITS)]; i; i = wanted.next[i - 1]) {
			const struct pattern *pattern = &wanted.patterns[i - 1];

			if (at + pattern->length > length || memcmp(bytes + at, pattern->bytes, pattern->length))
				continue;
			if (*to == last)
				return at;
			*(*to)++ = (struct pattern_hit){ .address = address + at, .pattern = (uint32_t)(i - 1) };
			break;
		}
	}
	return length;
}

static inline bool is_known(const uint8_t *known, size_t page)
{
	return known[page >> 3] >> (page & 7) & 1;
}

/* Only pages that are there: nothing is faulted in, and nobody asked to bring it (userfaultfd, FUSE). A page that goes in between may
 * be waited for; then the deadline ends this child. */
static void search_memory(struct work *work)
{
	const struct ask *ask = &work->ask;
	struct said *said = &work->said;
	struct pattern_hit *first = (void *)work->scratch, *to = first, *last = first + PIECE_BYTES / sizeof(*to);
	struct searched searched = { .next = 0 };
	uint64_t end = ask->from + ask->limit, present[PIECE_PAGES];
	size_t all = (size_t)(ask->limit >> PAGE_SHIFT);
	char path[32];
	int fd;

	setpriority(PRIO_PROCESS, 0, 19);
	snprintf(path, sizeof(path), "/proc/%u/pagemap", ask->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		said->error = errno;
		return;
	}
	if (all > SEARCH_PAGES)
		all = SEARCH_PAGES;
	memcpy(searched.known, ask->known, sizeof(searched.known));
	for (size_t page = 0; page < all && searched.next == 0;) {
		size_t pages = all - page < PIECE_PAGES ? all - page : PIECE_PAGES, at = 0;

		if (pread(fd, present, pages * 8, (off_t)((ask->from >> PAGE_SHIFT) + page) * 8) != (ssize_t)(pages * 8))
			break;
		while (at < pages && searched.next == 0) {
			uint64_t address = ask->from + ((page + at) << PAGE_SHIFT);
			size_t run = 0, read_pages;
			struct iovec here, there;
			ssize_t n;

			while (at + run < pages && present[at + run] & PAGE_PRESENT &&
			       !(present[at + run] & PAGE_OF_FILE && is_known(ask->known, page + at + run)))
				run++;
			if (run == 0) {
				at++;
				continue;
			}
			here = (struct iovec){ work->data, run << PAGE_SHIFT };
			there = (struct iovec){ (void *)address, run << PAGE_SHIFT };
			n = process_vm_readv((pid_t)ask->pid, &here, 1, &there, 1, 0);
			if (n < 0 && (errno == EPERM || errno == ESRCH)) {
				said->error = errno;
				return;
			}
			if (n > 0) {
				size_t searched_bytes = search_piece(work->data, (size_t)n, address, &to, last);

				said->length += searched_bytes;
				if (searched_bytes < (size_t)n)
					searched.next = address + (searched_bytes >> PAGE_SHIFT << PAGE_SHIFT);
				read_pages = searched_bytes >> PAGE_SHIFT;
				for (size_t i = page + at; i < page + at + read_pages; i++)
					if (present[i - page] & PAGE_OF_FILE)
						searched.known[i >> 3] |= (uint8_t)(1 << (i & 7));
			}
			at += run;
		}
		page += pages;
	}
	if (searched.next == 0)
		searched.next = end;
	memcpy(work->data, &searched, sizeof(searched));
	said->used = (uint32_t)((uint8_t *)to - (uint8_t *)first);
	memcpy(work->data + sizeof(searched), first, said->used);
	said->used += sizeof(searched);
}

static uint64_t time_ns(const struct statx_timestamp *time)
{
	return (uint64_t)time->tv_sec * 1000000000ULL + time->tv_nsec;
}

/* The file that a process executes, if no process serves it: EXDEV says that one might. A length of 0 asks what file it is. */
static void search_exe(struct work *work)
{
	const struct ask *ask = &work->ask;
	struct said *said = &work->said;
	struct pattern_hit *first = (void *)work->scratch, *to = first, *last = first + PIECE_BYTES / sizeof(*to);
	struct searched_file searched = { .next = ask->from };
	uint64_t end = ask->from + ask->limit;
	int process, exe, fd = -1;
	struct statx file;
	char path[48];

	setpriority(PRIO_PROCESS, 0, 19);
	snprintf(path, sizeof(path), "/proc/%u", ask->pid);
	process = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	exe = process < 0 ? -1 : openat(process, "exe", O_PATH | O_CLOEXEC);
	if (exe < 0) {
		said->error = errno;
		return;
	}
	if (!is_local(work, process, exe)) {
		said->error = EXDEV;
		return;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", exe);
	if (ask->limit)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if ((ask->limit && fd < 0) || statx(exe, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &file)) {
		said->error = errno;
		return;
	}
	searched.size = file.stx_size;
	searched.inode = file.stx_ino;
	searched.changed_ns = time_ns(&file.stx_ctime);
	searched.written_ns = time_ns(&file.stx_mtime);
	searched.device_major = file.stx_dev_major;
	searched.device_minor = file.stx_dev_minor;
	while (searched.next < end) {
		size_t bytes = end - searched.next < PIECE_BYTES ? (size_t)(end - searched.next) : PIECE_BYTES, done;
		ssize_t n = pread(fd, work->data, bytes, (off_t)searched.next);

		if (n < 0 && said->length == 0)
			said->error = errno;
		if (n <= 0)
			break;
		done = search_piece(work->data, (size_t)n, searched.next, &to, last);
		said->length += done;
		searched.next += done;
		if (done < (size_t)n)
			break;
	}
	memcpy(work->data, &searched, sizeof(searched));
	said->used = (uint32_t)((uint8_t *)to - (uint8_t *)first);
	memcpy(work->data + sizeof(searched), first, said->used);
	said->used += sizeof(searched);
}

/* Of this child, as it is about to end. */
static uint64_t used_ns(void)
{
	struct timespec used;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used))
		return 0;
	return (uint64_t)used.tv_sec * 1000000000ULL + (uint64_t)used.tv_nsec;
}

void do_work(struct work *work, const uint64_t key[2])
{
	memset(&work->said, 0, sizeof(work->said));
	switch (work->ask.act) {
	case READ_AREA:
		read_area(work, key);
		break;
	case CHECK_NAME:
		check_name(work);
		break;
	case LIST_TIMES:
		list_times(work);
		work->said.hash = used_ns();
		break;
	case LIST_CODE:
		list_code(work);
		work->said.hash = used_ns();
		break;
	case SEARCH_MEMORY:
		search_memory(work);
		work->said.hash = used_ns();
		break;
	case SEARCH_EXE:
		search_exe(work);
		work->said.hash = used_ns();
		break;
	case TELL_TERMINAL:
		tell_terminal(work);
		break;
	}
}
