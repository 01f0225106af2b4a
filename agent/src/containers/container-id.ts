// Owns the step from cgroup names to container ids. Nothing is read and no runtime is asked here.
import type { CgroupIdentity } from "../types.js";

/** A container that the cgroup names speak of. */
export interface ContainerRef {
  /** 64 lower-case hexadecimal digits. */
  readonly id: string;
  /** Which kind of runtime gave the cgroup its name; where the name does not tell, both, likelier first. */
  readonly runtimes: readonly RuntimeType[];
}

export type RuntimeType = "cri" | "docker";

/** What the cgroup names say. `line` is the line or path that said it, at most `MAX_LINE_LENGTH` characters. */
export type CgroupVerdict =
  | { readonly kind: "host" }
  /** Outermost first, so `refs[0]` is the pod's container when Docker runs in a pod. At most `MAX_REFS`. */
  | { readonly kind: "container"; readonly refs: readonly [ContainerRef, ...ContainerRef[]]; readonly line: string }
  | { readonly kind: "unknown"; readonly line: string };

/** A cgroup path is at most PATH_MAX (4096) bytes, /proc/PID/cgroup adds the hierarchy's number and controllers. */
export const MAX_LINE_LENGTH = 4352;
/** The kernel knows about 14 v1 controllers, and named hierarchies are few; more lines than this are not read. */
const MAX_LINES = 64;
/** A pod's container, Docker in it, and containers in that: deeper nesting adds nothing to who it was. */
const MAX_REFS = 4;

/**
 * Find the containers in a process's cgroup names.
 *
 * Linear in the input's length, whatever the input; never throws. Names below the outermost container belong to whoever
 * owns that container (a privileged one can make cgroups of any name), so they never come before it.
 *
 * @param cgroup - Paths from the kernel (absolute, one per hierarchy) or the text of /proc/PID/cgroup, whose paths are
 *   relative to the reader's cgroup namespace and may begin with `/..` (cgroup_namespaces(7)).
 */
export function parseCgroup(cgroup: CgroupIdentity): CgroupVerdict {
  let unknown: string | undefined;
  for (const { line, path } of hierarchies(cgroup)) {
    // Without its outermost names nothing says whose it is: those that are left are the container's own choice.
    if (!path.startsWith("/") && path !== "") {
      unknown ??= line;
      continue;
    }
    const found = parsePath(path);
    const [first, ...rest] = found.refs;
    if (first !== undefined) return { kind: "container", refs: [first, ...rest], line };
    if (found.looksLikeContainer) unknown ??= line;
  }
  return unknown === undefined ? { kind: "host" } : { kind: "unknown", line: unknown };
}

interface Hierarchy {
  readonly line: string;
  readonly path: string;
}

function hierarchies(cgroup: CgroupIdentity): readonly Hierarchy[] {
  if (cgroup.source === "kernel") {
    return cgroup.paths.slice(0, MAX_LINES).map((path) => {
      const line = path.slice(0, MAX_LINE_LENGTH);
      return { line, path: line };
    });
  }
  const lines = cgroup.lines
    .slice(0, MAX_LINES * MAX_LINE_LENGTH)
    .split("\n", MAX_LINES)
    .filter((line) => line !== "");
  return lines
    .map((whole) => {
      const line = whole.slice(0, MAX_LINE_LENGTH);
      // `hierarchy-ID:controller-list:cgroup-path`; the path may hold colons of its own.
      const controllers = line.indexOf(":") + 1;
      const path = line.indexOf(":", controllers) + 1;
      return { line, path: line.slice(path), rank: rank(line.slice(controllers, path - 1)) };
    })
    .sort((a, b) => a.rank - b.rank);
}

/**
 * The v2 line first: on v1 a process that may write there can leave one controller's cgroup and stay in the others, and
 * systemd's own hierarchy and memory are the ones least left.
 */
function rank(controllers: string): number {
  const order = ["", "name=systemd", "memory", "pids"];
  const at = order.indexOf(controllers);
  return at === -1 ? order.length : at;
}

function parsePath(path: string): { refs: ContainerRef[]; looksLikeContainer: boolean } {
  const refs: ContainerRef[] = [];
  let looksLikeContainer = false;
  let inPod = false;
  let parent = "";
  // The kernel marks a cgroup that was removed while a process is still named in it.
  for (const name of path.replace(/ \(deleted\)$/, "").split("/")) {
    if (name === "" || name === "..") continue;
    const found = parseName(name, parent, inPod);
    if (found === "container-like") looksLikeContainer = true;
    else if (found !== null && refs.length < MAX_REFS && !refs.some((ref) => ref.id === found.id)) refs.push(found);
    // `kubelet-kubepods.slice` is kind's; the kubelet's --cgroup-root puts more in front.
    inPod ||= name === "kubepods" || name === "kubepods.slice" || name.endsWith("-kubepods.slice");
    // A static pod's uid is a hash without dashes; in a slice's name the dashes are underscores.
    inPod ||= /^pod[0-9a-f-]{32,36}$/.test(name) || /-pod[0-9a-f_]{32,36}\.slice$/.test(name);
    parent = name;
  }
  // A process of the pod that is in none of its containers, for example a sandboxing runtime's own.
  return { refs, looksLikeContainer: looksLikeContainer || inPod };
}

const ID = /^[0-9a-f]{64}$/;
const ID_LENGTH = 64;

/** Who gave a cgroup its name. `monitor`: a host process that holds a container's standard streams, not the container. */
type Namer = readonly RuntimeType[] | "monitor" | "not known";

/** Prefixes that runtimes put before the id, as a systemd scope or, with the cgroupfs driver, as a directory. */
const PREFIXES = new Map<string, Namer>([
  ["cri-containerd", ["cri"]],
  ["crio", ["cri"]],
  ["docker", ["docker"]],
  ["crio-conmon", "monitor"],
  ["libpod-conmon", "monitor"],
]);

/** Directories whose children are containers. */
const PARENTS = new Map<string, Namer>([
  ["docker", ["docker"]],
  // containerd's CRI plugin without a kubelet: the cgroup parent is the containerd namespace.
  ["k8s.io", ["cri"]],
  ["libpod_parent", "not known"],
  ["buildkit", "not known"],
  ["lxc", "not known"],
  // containerd's namespace for `ctr` and nerdctl, whose containers the CRI does not know.
  ["default", "not known"],
]);

function parseName(name: string, parent: string, inPod: boolean): ContainerRef | "container-like" | null {
  const stem = name.endsWith(".scope") ? name.slice(0, -".scope".length) : name;
  const id = stem.slice(-ID_LENGTH);
  if (!ID.test(id)) {
    // `lxc.payload.NAME` since LXC 4, `/lxc/NAME` before it.
    return name.startsWith("lxc.payload.") || PARENTS.get(parent) === "not known" ? "container-like" : null;
  }
  if (stem.length === ID_LENGTH) return bareId(id, parent, inPod);
  // `:` when the systemd driver's triple `slice:prefix:id` met a runtime that took it for a directory's name.
  const separator = stem.at(-ID_LENGTH - 1);
  if (separator !== "-" && separator !== ":") return "container-like";
  const before = stem.slice(0, -ID_LENGTH - 1);
  const prefix = PREFIXES.get(separator === ":" ? before.slice(before.lastIndexOf(":") + 1) : before);
  return named(id, prefix ?? "not known");
}

function bareId(id: string, parent: string, inPod: boolean): ContainerRef | "container-like" | null {
  const namer = PARENTS.get(parent);
  if (namer !== undefined) return named(id, namer);
  // Docker under cri-dockerd names its containers in a pod as containerd does; Docker's --cgroup-parent may be anything.
  return { id, runtimes: inPod ? ["cri", "docker"] : ["docker", "cri"] };
}

function named(id: string, namer: Namer): ContainerRef | "container-like" | null {
  if (namer === "monitor") return null;
  return namer === "not known" ? "container-like" : { id, runtimes: namer };
}
