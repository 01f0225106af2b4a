/* Threads beside JavaScript's. */
#ifndef CRYPTNONO_THREAD_H
#define CRYPTNONO_THREAD_H

#include <stddef.h>

/* Start `run(data)` in a thread that nobody waits for and that takes no signals. 0, or an error number. */
int start_detached_thread(void *(*run)(void *), void *data, size_t stack_bytes);

#endif
