// Whether a process is in a container or one of the host's own, as the kernel's programs decide it: bpf/lib/kernel.bpf.h,
// is_in_container.
import type { Place } from "@cryptnono/matcher";
import type { ProcFiles } from "./files.js";

/** linux include/uapi/linux/nsfs.h, CGROUP_NS_INIT_INO: 0xEFFFFFFB. */
const FIRST_CGROUP_NAMESPACE = "cgroup:[4026531835]";

/** One of which this cannot be read is taken for a container's. The agent itself is in the first pid namespace. */
export function placeOf(pid: number, proc: Pick<ProcFiles, "read" | "cgroupNamespace">): Place {
  try {
    const numbers = /^NSpid:(.*)/m.exec(Buffer.from(proc.read(pid, "status")).toString("latin1"))?.[1] ?? "";
    if (numbers.trim().split(/\s+/).length > 1) return "containers";
    return proc.cgroupNamespace(pid) === FIRST_CGROUP_NAMESPACE ? "host" : "containers";
  } catch {
    return "containers";
  }
}
