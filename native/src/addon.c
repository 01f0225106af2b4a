/* The addon's entry. It decides nothing and knows no detector: memory, descriptors and the kernel's answers only. */
#include "addon.h"

#include <bpf/libbpf.h>

#include "libbpf-log.h"

NAPI_MODULE_INIT()
{
	libbpf_set_print(keep_libbpf_log);
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	if (!register_loop(env, exports) || !register_memory(env, exports) || !register_process(env, exports) || !register_object(env, exports) ||
	    !register_layout(env, exports) || !register_maps(env, exports) || !register_slots(env, exports) ||
	    !register_pins(env, exports) || !register_rings(env, exports) || !register_proc_read(env, exports) ||
	    !register_hash(env, exports) || !register_cgroup(env, exports) || !register_rounding(env, exports) || !register_ticker(env, exports))
		return NULL;
	return exports;
}
