/* Kernel functions that are weak in an object and that the kernel lacks: libbpf looks for them in the modules' types too, and asking
 * which those are needs CAP_SYS_ADMIN. Without it there are none, as libbpf itself takes it from 1.6 on. */
#include <bpf/bpf.h>
#include <errno.h>

/* The linker has libbpf call this one: -Wl,--wrap. */
int __real_bpf_btf_get_next_id(__u32 start, __u32 *next);
int __wrap_bpf_btf_get_next_id(__u32 start, __u32 *next);

int __wrap_bpf_btf_get_next_id(__u32 start, __u32 *next)
{
	int result = __real_bpf_btf_get_next_id(start, next);

	if (result && errno == EPERM) {
		errno = ENOENT;
		return -ENOENT;
	}
	return result;
}
