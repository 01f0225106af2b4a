/* Reads of other processes that may never be answered (proc-work.c), with a deadline each.
 *
 * A read is made by a child that shares the agent's memory, as after vfork, but is a process by itself: where it gets no
 * answer, SIGKILL ends it and nothing is left behind. A thread that waits could not be ended, nor could an agent that has
 * given one of libuv's four away. Deadlines are kept on a thread of their own: one that JavaScript kept would count its own work. */
#define _GNU_SOURCE
#include "addon.h"
#include "proc-work.h"
#include "thread.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Reads at one time; and children that did not even end of SIGKILL, beyond which nothing is read until one of them ends. */
#define MAX_WORKERS 4
#define MAX_LOST 8
#define NS_PER_MS 1000000ULL
/* How long a child may take to end of SIGKILL. */
#define GRACE_NS (500 * NS_PER_MS)
/* A child that waits for a CPU and for no answer gets up to this many deadlines. */
#define MAX_DEADLINES 20
#define LOOK_AGAIN_NS (20 * NS_PER_MS)
#define THREAD_STACK_BYTES (128 * 1024)
#define CHILD_STACK_BYTES (64 * 1024)

/* JavaScript's side of a read. */
struct request {
	struct request *next;
	napi_deferred deferred;
	struct ask ask;
	struct said said;
	uint8_t *data; /* said.used bytes */
};

/* A thread, and the child that it waits for. */
struct worker {
	struct worker *next;
	struct request *request; /* NULL: idle, or its request was answered without it */
	uint64_t began_ns, due_ns;
	_Atomic pid_t child; /* the kernel sets it before the child runs; 0 when there is none to kill */
	bool killed, lost;
	uint8_t *stack;
	struct work *work; /* while it works, the child's */
};

/* One for the addon. Everything under `lock`, but what is a worker's. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t asked; /* a worker is needed */
	pthread_cond_t begun; /* there is a deadline to keep */
	struct request *first, **last;
	struct worker *workers;
	uint32_t count, idle, lost;
	uint32_t pending; /* JavaScript's thread alone */
	bool is_open, has_keeper;
	pid_t agent;
	uint64_t key[2];
	napi_threadsafe_function answer;
} reader = { .lock = PTHREAD_MUTEX_INITIALIZER, .asked = PTHREAD_COND_INITIALIZER };

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 * NS_PER_MS + (uint64_t)now.tv_nsec;
}

/* With the lock. */
static void answer(struct request *request)
{
	if (!reader.is_open || napi_call_threadsafe_function(reader.answer, request, napi_tsfn_nonblocking) != napi_ok) {
		free(request->data);
		free(request);
	}
}

/* ---- the child ---- */

static int child_main(void *data)
{
	struct worker *worker = data;

	prctl(PR_SET_NAME, "cryptnono-read");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != reader.agent)
		return 0; /* the agent ended before it could be told */
	/* A child that hangs must not keep the agent's links and sockets open after it. v5.9 */
	syscall(SYS_close_range, 0U, ~0U, 0U);
	do_work(worker->work, reader.key);
	return 0;
}

/* Without the lock: the thread stands still until the child has ended. */
static int run_child(struct worker *worker)
{
	int child = clone(child_main, worker->stack + CHILD_STACK_BYTES, CLONE_VM | CLONE_VFORK | CLONE_PARENT_SETTID, worker,
			  &worker->child);

	return child < 0 ? errno : 0;
}

/* ---- a worker ---- */

static _Noreturn void *work(void *data)
{
	struct worker *worker = data;
	struct request *request;
	int error;
	pid_t child;

	pthread_mutex_lock(&reader.lock);
	for (;;) {
		while (!reader.first) {
			reader.idle++;
			pthread_cond_wait(&reader.asked, &reader.lock);
			reader.idle--;
		}
		request = reader.first;
		reader.first = request->next;
		if (!reader.first)
			reader.last = &reader.first;
		worker->request = request;
		worker->work->ask = request->ask;
		worker->killed = false;
		worker->began_ns = now_ns();
		worker->due_ns = worker->began_ns + request->ask.deadline_ms * NS_PER_MS;
		pthread_cond_signal(&reader.begun);
		pthread_mutex_unlock(&reader.lock);

		error = run_child(worker);

		pthread_mutex_lock(&reader.lock);
		child = worker->child;
		worker->child = 0; /* before its number can be another's */
		if (child > 0)
			while (waitpid(child, NULL, __WALL) < 0 && errno == EINTR)
				;
		request = worker->request;
		worker->request = NULL;
		if (!request) { /* given up, and back */
			worker->lost = false;
			reader.lost--;
			continue;
		}
		request->said = worker->work->said;
		if (worker->killed || error)
			request->said = (struct said){ .error = error ? error : ETIMEDOUT };
		if (request->said.used > 0) {
			request->data = malloc(request->said.used);
			if (request->data)
				memcpy(request->data, worker->work->data, request->said.used);
			else
				request->said = (struct said){ .error = ENOMEM };
		}
		answer(request);
	}
}

/* ---- the deadlines ---- */

/* It waits for a CPU, not for an answer. */
static bool is_running(pid_t child)
{
	char path[32], text[128], *at;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)child);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = 0;
	at = strrchr(text, ')');
	return at && at[1] == ' ' && at[2] == 'R';
}

/* With the lock. A deadline has passed. */
static void give_up(struct worker *worker, uint64_t now)
{
	uint64_t last = worker->began_ns + worker->request->ask.deadline_ms * NS_PER_MS * MAX_DEADLINES;
	pid_t child = worker->child;

	if (!worker->killed && now < last && (child == 0 || is_running(child))) {
		worker->due_ns = now + LOOK_AGAIN_NS;
		return;
	}
	if (!worker->killed) {
		worker->killed = true;
		worker->due_ns = now + GRACE_NS;
		if (child > 0)
			kill(child, SIGKILL);
		return;
	}
	worker->request->said = (struct said){ .error = ETIMEDOUT };
	answer(worker->request);
	worker->request = NULL;
	worker->lost = true;
	reader.lost++;
}

static _Noreturn void *keep_deadlines(void *data)
{
	(void)data;
	pthread_mutex_lock(&reader.lock);
	for (;;) {
		uint64_t now = now_ns(), next = UINT64_MAX;

		for (struct worker *worker = reader.workers; worker; worker = worker->next) {
			if (worker->request && worker->due_ns <= now)
				give_up(worker, now);
			if (worker->request && worker->due_ns < next)
				next = worker->due_ns;
		}
		if (next == UINT64_MAX) {
			pthread_cond_wait(&reader.begun, &reader.lock);
		} else {
			struct timespec until = { (time_t)(next / (1000 * NS_PER_MS)), (long)(next % (1000 * NS_PER_MS)) };

			pthread_cond_timedwait(&reader.begun, &reader.lock, &until);
		}
	}
}

/* ---- threads ---- */

/* With the lock. */
static int add_worker(void)
{
	size_t bytes = CHILD_STACK_BYTES + sizeof(struct work);
	struct worker *worker = calloc(1, sizeof(*worker));
	int error;

	if (!worker)
		return ENOMEM;
	worker->stack = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (worker->stack == MAP_FAILED) {
		free(worker);
		return ENOMEM;
	}
	worker->work = (void *)(worker->stack + CHILD_STACK_BYTES);
	error = start_detached_thread(work, worker, THREAD_STACK_BYTES);
	if (error) {
		munmap(worker->stack, bytes);
		free(worker);
		return error;
	}
	worker->next = reader.workers;
	reader.workers = worker;
	reader.count++;
	return 0;
}

/* With the lock. A worker that is left is enough for a request to be answered some time. */
static int need_worker(void)
{
	int error = 0;

	if (!reader.has_keeper) {
		error = start_detached_thread(keep_deadlines, NULL, THREAD_STACK_BYTES);
		reader.has_keeper = !error;
	}
	if (!error && reader.idle == 0 && reader.count - reader.lost < MAX_WORKERS) {
		if (reader.lost >= MAX_LOST)
			return reader.count > reader.lost ? 0 : EBUSY;
		error = add_worker();
	}
	return reader.has_keeper && reader.count > reader.lost ? 0 : error;
}

/* ---- JavaScript's side ---- */

/* { error } or { error: 0, bytes, length, hash, answer, hasHead } */
static napi_value to_value(napi_env env, const struct request *request)
{
	static const char *const answers[] = { "same", "other", "none", "unknown" };
	const struct said *said = &request->said;
	napi_value result, hash, bytes;
	uint8_t *data;

	if (!succeeded(env, napi_create_object(env, &result)) || !set_number(env, result, "error", said->error))
		return NULL;
	if (said->error)
		return result;
	bytes = new_bytes(env, said->used, &data);
	if (!bytes)
		return NULL;
	if (said->used > 0)
		memcpy(data, request->data, said->used);
	if (!succeeded(env, napi_create_bigint_uint64(env, said->hash, &hash)) || !set_property(env, result, "bytes", bytes) ||
	    !set_property(env, result, "hash", hash) || !set_number(env, result, "length", (double)said->length) ||
	    !set_property(env, result, "answer", text(env, answers[said->answer])) ||
	    !set_property(env, result, "hasHead", boolean(env, said->has_head)))
		return NULL;
	return result;
}

/* On JavaScript's thread; without an env at its end. */
static void settle(napi_env env, napi_value callback, void *context, void *data)
{
	struct request *request = data;
	napi_value result, problem;

	(void)callback;
	(void)context;
	if (env) {
		if (--reader.pending == 0)
			napi_unref_threadsafe_function(env, reader.answer);
		result = to_value(env, request);
		if (result)
			napi_resolve_deferred(env, request->deferred, result);
		else if (napi_get_and_clear_last_exception(env, &problem) == napi_ok)
			napi_reject_deferred(env, request->deferred, problem);
	}
	free(request->data);
	free(request);
}

/* At the end of JavaScript: children that still wait go with the agent. */
static void close_reader(void *data)
{
	(void)data;
	pthread_mutex_lock(&reader.lock);
	reader.is_open = false;
	for (struct worker *worker = reader.workers; worker; worker = worker->next)
		if (worker->request && worker->child > 0)
			kill(worker->child, SIGKILL);
	pthread_mutex_unlock(&reader.lock);
	napi_release_threadsafe_function(reader.answer, napi_tsfn_abort);
}

static int open_reader(napi_env env)
{
	pthread_condattr_t attributes;
	napi_value name;

	if (reader.is_open)
		return 0;
	napi_create_string_utf8(env, "cryptnono reads", NAPI_AUTO_LENGTH, &name);
	if (napi_create_threadsafe_function(env, NULL, NULL, name, 0, 1, NULL, NULL, NULL, settle, &reader.answer) != napi_ok)
		return ENOMEM;
	napi_unref_threadsafe_function(env, reader.answer);
	if (!reader.has_keeper) {
		pthread_condattr_init(&attributes);
		pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
		pthread_cond_init(&reader.begun, &attributes);
		pthread_condattr_destroy(&attributes);
		if (getrandom(reader.key, sizeof(reader.key), 0) != sizeof(reader.key))
			return EIO;
	}
	reader.agent = getpid();
	reader.last = reader.first ? reader.last : &reader.first;
	reader.is_open = true;
	napi_add_env_cleanup_hook(env, close_reader, NULL);
	return 0;
}

static napi_value ask(napi_env env, struct request *request)
{
	napi_value promise;
	int error = open_reader(env);

	if (!error && napi_create_promise(env, &request->deferred, &promise) != napi_ok)
		error = ENOMEM;
	if (error) {
		free(request);
		return throw_errno(env, error, "read a process", NULL);
	}
	if (reader.pending++ == 0)
		napi_ref_threadsafe_function(env, reader.answer);
	pthread_mutex_lock(&reader.lock);
	request->said.error = need_worker();
	if (request->said.error) {
		answer(request);
	} else {
		*reader.last = request;
		reader.last = &request->next;
		pthread_cond_signal(&reader.asked);
	}
	pthread_mutex_unlock(&reader.lock);
	return promise;
}

static struct request *new_request(napi_env env, enum act act, napi_value pid, napi_value deadline_ms)
{
	struct request *request = calloc(1, sizeof(*request));

	if (!request) {
		throw_errno(env, ENOMEM, "read a process", NULL);
		return NULL;
	}
	request->ask.act = act;
	if (get_u32(env, pid, &request->ask.pid) && get_u32(env, deadline_ms, &request->ask.deadline_ms))
		return request;
	free(request);
	return NULL;
}

/* readArea(pid, deadlineMs, from, limit, hash: BigInt, environment): Promise<{ error, bytes, length, hash }> */
static napi_value read_area_method(napi_env env, napi_callback_info info)
{
	struct request *request;
	napi_value arguments[6];
	uint32_t from, limit;
	bool lossless;

	if (!get_arguments(env, info, 6, arguments) || !get_u32(env, arguments[2], &from) || !get_u32(env, arguments[3], &limit))
		return NULL;
	request = new_request(env, READ_AREA, arguments[0], arguments[1]);
	if (!request)
		return NULL;
	request->ask.from = from;
	request->ask.limit = limit;
	if (!succeeded(env, napi_get_value_bigint_uint64(env, arguments[4], &request->ask.hash, &lossless)) ||
	    !succeeded(env, napi_get_value_bool(env, arguments[5], &request->ask.environment))) {
		free(request);
		return NULL;
	}
	return ask(env, request);
}

/* checkName(pid, deadlineMs, path: Uint8Array, wantsHead): Promise<{ error, answer, bytes, hasHead }> */
static napi_value check_name_method(napi_env env, napi_callback_info info)
{
	struct request *request;
	napi_value arguments[4];
	size_t length;
	uint8_t *path;

	if (!get_arguments(env, info, 4, arguments) || !get_bytes(env, arguments[2], &path, &length))
		return NULL;
	if (length == 0 || length >= NAME_BYTES || path[0] != '/' || memchr(path, 0, length))
		return throw_errno(env, EINVAL, "call", "not an absolute path");
	request = new_request(env, CHECK_NAME, arguments[0], arguments[1]);
	if (!request)
		return NULL;
	memcpy(request->ask.path, path, length);
	if (!succeeded(env, napi_get_value_bool(env, arguments[3], &request->ask.wants_head))) {
		free(request);
		return NULL;
	}
	return ask(env, request);
}

/* listTimes(deadlineMs, from): Promise<{ error, bytes, hash }>: struct process_times, one after the other */
static napi_value list_times_method(napi_env env, napi_callback_info info)
{
	struct request *request;
	napi_value arguments[2];
	uint32_t from;

	if (!get_arguments(env, info, 2, arguments) || !get_u32(env, arguments[1], &from))
		return NULL;
	request = new_request(env, LIST_TIMES, arguments[1], arguments[0]);
	if (!request)
		return NULL;
	request->ask.from = from;
	return ask(env, request);
}

/* listCode(pid, deadlineMs, from: BigInt): Promise<{ error, bytes, hash }>: struct code_mapping, one after the other */
static napi_value list_code_method(napi_env env, napi_callback_info info)
{
	struct request *request;
	napi_value arguments[3];
	uint64_t from;
	bool lossless;

	if (!get_arguments(env, info, 3, arguments) ||
	    !succeeded(env, napi_get_value_bigint_uint64(env, arguments[2], &from, &lossless)))
		return NULL;
	request = new_request(env, LIST_CODE, arguments[0], arguments[1]);
	if (!request)
		return NULL;
	request->ask.from = from;
	return ask(env, request);
}

/* prepareSearch(patterns: Uint8Array): struct pattern, one after the other. */
static napi_value prepare_search_method(napi_env env, napi_callback_info info)
{
	struct pattern patterns[MAX_PATTERNS];
	napi_value argument;
	size_t length;
	uint8_t *bytes;

	if (!get_arguments(env, info, 1, &argument) || !get_bytes(env, argument, &bytes, &length))
		return NULL;
	if (length % sizeof(*patterns) || length > sizeof(patterns))
		return throw_errno(env, EINVAL, "prepare a search", "not up to 1024 patterns");
	memcpy(patterns, bytes, length);
	for (size_t i = 0; i < length / sizeof(*patterns); i++)
		if (patterns[i].length < 4 || patterns[i].length > MAX_PATTERN_BYTES)
			return throw_errno(env, EINVAL, "prepare a search", "a pattern that is not of 4 to 16 bytes");
	prepare_search(patterns, length / sizeof(*patterns));
	return undefined(env);
}

/* searchMemory(pid, deadlineMs, from: BigInt, bytes, known: Uint8Array): Promise<{ error, bytes, length, hash }>: struct searched, then
 * struct pattern_hit, one after the other */
static napi_value search_memory_method(napi_env env, napi_callback_info info)
{
	struct request *request;
	napi_value arguments[5];
	size_t length;
	uint8_t *known;
	uint32_t limit;
	uint64_t from;
	bool lossless;

	if (!get_arguments(env, info, 5, arguments) || !get_u32(env, arguments[3], &limit) ||
	    !succeeded(env, napi_get_value_bigint_uint64(env, arguments[2], &from, &lossless)) ||
	    !get_bytes(env, arguments[4], &known, &length))
		return NULL;
	if (length != sizeof(request->ask.known))
		return throw_errno(env, EINVAL, "search memory", "not a bit for each page");
	request = new_request(env, SEARCH_MEMORY, arguments[0], arguments[1]);
	if (!request)
		return NULL;
	request->ask.from = from;
	request->ask.limit = limit;
	memcpy(request->ask.known, known, length);
	return ask(env, request);
}

/* searchExe(pid, deadlineMs, from: BigInt, bytes): Promise<{ error, bytes, length, hash }>: struct searched_file, then
 * struct pattern_hit, one after the other */
static napi_value search_exe_method(napi_env env, napi_callback_info info)
{
	struct request *request;
	napi_value arguments[4];
	uint32_t limit;
	uint64_t from;
	bool lossless;

	if (!get_arguments(env, info, 4, arguments) || !get_u32(env, arguments[3], &limit) ||
	    !succeeded(env, napi_get_value_bigint_uint64(env, arguments[2], &from, &lossless)))
		return NULL;
	request = new_request(env, SEARCH_EXE, arguments[0], arguments[1]);
	if (!request)
		return NULL;
	request->ask.from = from;
	request->ask.limit = limit;
	return ask(env, request);
}

/* tellTerminal(pid, deadlineMs, text: Uint8Array): Promise<{ error }> */
static napi_value tell_terminal_method(napi_env env, napi_callback_info info)
{
	struct request *request;
	napi_value arguments[3];
	size_t length;
	uint8_t *text;

	if (!get_arguments(env, info, 3, arguments) || !get_bytes(env, arguments[2], &text, &length))
		return NULL;
	if (length == 0 || length >= NAME_BYTES || memchr(text, 0, length))
		return throw_errno(env, EINVAL, "call", "not a line");
	request = new_request(env, TELL_TERMINAL, arguments[0], arguments[1]);
	if (!request)
		return NULL;
	memcpy(request->ask.path, text, length);
	return ask(env, request);
}

/* lostReads(): number; children that did not end of SIGKILL. */
static napi_value lost_reads_method(napi_env env, napi_callback_info info)
{
	uint32_t lost;

	(void)info;
	pthread_mutex_lock(&reader.lock);
	lost = reader.lost;
	pthread_mutex_unlock(&reader.lock);
	return number(env, lost);
}

bool register_proc_read(napi_env env, napi_value exports)
{
	static const struct method methods[] = {
		{ "readArea", read_area_method },
		{ "checkName", check_name_method },
		{ "listTimes", list_times_method },
		{ "listCode", list_code_method },
		{ "prepareSearch", prepare_search_method },
		{ "searchMemory", search_memory_method },
		{ "searchExe", search_exe_method },
		{ "tellTerminal", tell_terminal_method },
		{ "lostReads", lost_reads_method },
	};

	return add_methods(env, exports, methods, COUNT_OF(methods));
}
