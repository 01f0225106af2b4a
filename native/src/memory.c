/* Memory that the start needed and the rest of the agent's life does not. */
#define _GNU_SOURCE
#include "addon.h"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

/* Of one loaded object: forget the pages of its code. They are the file's own, never written to, and come back from the page
 * cache when they run. Not those of its data, which hold relocated addresses. */
static int forget_code(struct dl_phdr_info *object, size_t size, void *data)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)size;
	(void)data;
	for (int i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
		uintptr_t start = object->dlpi_addr + segment->p_vaddr, end = start + segment->p_filesz;

		if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X) || (segment->p_flags & PF_W))
			continue;
		start &= ~(page - 1);
		end = (end + page - 1) & ~(page - 1);
		madvise((void *)start, end - start, MADV_DONTNEED);
	}
	return 0;
}

/* giveBackMemory(): freed heap, and code that does not run any more. */
static napi_value give_back_memory_method(napi_env env, napi_callback_info info)
{
	(void)info;
	malloc_trim(0);
	dl_iterate_phdr(forget_code, NULL);
	return undefined(env);
}

bool register_memory(napi_env env, napi_value exports)
{
	static const struct method methods[] = { { "giveBackMemory", give_back_memory_method } };

	return add_methods(env, exports, methods, COUNT_OF(methods));
}
