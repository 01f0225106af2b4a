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

/**
 * What the cgroup names say. `line` is the line or path that said it, at most `MAX_LINE_LENGTH` characters. `inner` is the
 * outermost container below, by names that whoever owns the outer one may have chosen: a hint, never an identity.
 */
export type CgroupVerdict =
  | { readonly kind: "host" }
  | { readonly kind: "container"; readonly ref: ContainerRef; readonly inner?: ContainerRef; readonly line: string }
  /** In a container of no runtime that is asked, or below a cgroup that was handed to someone and looks like containers. */
  | { readonly kind: "unknown"; readonly inner?: ContainerRef; readonly line: string };

/** A cgroup path is at most PATH_MAX (4096) bytes, /proc/PID/cgroup adds the hierarchy's number and controllers. */
export const MAX_LINE_LENGTH = 4352;
/** The kernel knows about 14 v1 controllers, and named hierarchies are few; more lines than this are not read. */
const MAX_LINES = 64;

/**
 * Find the container in a process's cgroup names.
 *
 * Names count from the root down, as long as none but the node's own managers (systemd, the kubelet, the runtimes) could
 * have made them. The first cgroup of any container runtime ends that, known or not, and so does the first one that may have
 * been handed to someone else, in whose hands any name below can be made.
 *
 * Linear in the input's length, whatever the input; never throws.
 *
 * @param cgroup - Paths from the kernel (absolute, one per hierarchy) or the text of /proc/PID/cgroup, whose paths are
 *   relative to the reader's cgroup namespace and may begin with `/..` (cgroup_namespaces(7)).
 * @param trusted - Paths below which the operator vouches for the names as if they stood at the root: a kubelet's
 *   `--cgroup-root`, the container that is the node itself.
 */
export function parseCgroup(cgroup: CgroupIdentity, trusted: readonly string[] = []): CgroupVerdict {
  const roots = trusted.map(namesOf);
  // Every process has a line: it could not be read. Kernels refuse a path of 4096 bytes and more (ENAMETOOLONG) or cut it.
  if (cgroup.source === "proc" && cgroup.lines === "") return { kind: "unknown", line: "" };
  let container: (CgroupVerdict & { kind: "container" }) | undefined;
  let unknown: (CgroupVerdict & { kind: "unknown" }) | undefined;
  for (const { line, path } of hierarchies(cgroup)) {
    // Without its outermost names nothing says whose it is: those that are left are the container's own choice.
    const verdict =
      path.startsWith("/") || path === "" ? parsePath(path, line, roots) : { kind: "unknown" as const, line };
    // A runtime may use some hierarchies only, and a process may have left one for a cgroup below.
    if (verdict.kind === "container" && container === undefined) container = verdict;
    else if (verdict.kind === "container" && container?.inner === undefined && container?.ref.id === verdict.ref.id) {
      container = { ...container, ...(verdict.inner === undefined ? {} : { inner: verdict.inner }) };
    } else if (verdict.kind === "unknown") unknown ??= verdict;
  }
  return container ?? unknown ?? { kind: "host" };
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

function parsePath(path: string, line: string, roots: readonly (readonly string[])[]): CgroupVerdict {
  const names = namesOf(path);
  const ends = endsOf(names, startOf(names, roots));
  const [first] = ends;
  if (first === undefined || first === "monitor") return { kind: "host" };
  const inner = innerOf(ends.slice(1));
  const below = inner === undefined ? {} : { inner };
  if (typeof first === "object") return { kind: "container", ref: first, ...below, line };
  const looksLikeContainer = ends.some((end) => end !== "delegated" && end !== "monitor");
  return looksLikeContainer ? { kind: "unknown", ...below, line } : { kind: "host" };
}

function namesOf(path: string): readonly string[] {
  // The kernel marks a cgroup that was removed while a process is still named in it.
  return path
    .replace(/ \(deleted\)$/, "")
    .split("/")
    .filter((name) => name !== "");
}

/** Where the names begin that are judged: behind the `..` of a cgroup namespace, or a root that the operator vouches for. */
function startOf(names: readonly string[], roots: readonly (readonly string[])[]): number {
  const up = names.findIndex((name) => name !== "..");
  if (up !== 0) return up === -1 ? names.length : up;
  const lengths = roots.filter((root) => root.every((name, at) => names[at] === name)).map((root) => root.length);
  return Math.max(0, ...lengths);
}

/**
 * What ends a way down from names that count. A container; `foreign`: a container of no runtime that is asked; `delegated`: a
 * cgroup that may have been handed to someone; `monitor`: a host process that holds a container's standard streams.
 */
type End = ContainerRef | "foreign" | "delegated" | "monitor";

/** The end of the names that count, and behind it the ends of those that would count if it had handed nothing on. */
function endsOf(names: readonly string[], start: number): readonly End[] {
  const ends: End[] = [];
  let place: Place = { parent: "", inPod: false };
  for (const name of names.slice(start)) {
    const next = down(name, place);
    if (isPlace(next)) {
      place = next;
      continue;
    }
    ends.push(next);
    place = { parent: "", inPod: false };
  }
  // A process of the pod that is in none of its containers, for example a sandboxing runtime's own.
  if (place.inPod) ends.push("foreign");
  return ends;
}

/** The first container below, if nothing but handed-on cgroups stands between. */
function innerOf(ends: readonly End[]): ContainerRef | undefined {
  for (const end of ends) {
    if (typeof end === "object") return end;
    if (end === "foreign") return undefined;
  }
  return undefined;
}

/** A cgroup whose children are the node's own. */
interface Place {
  readonly parent: string;
  /** Its children are a pod's containers. */
  readonly inPod: boolean;
}

function isPlace(next: Place | End): next is Place {
  return typeof next === "object" && "inPod" in next;
}

/** Directories whose children are containers, and whose; `null`: a runtime's that is not asked. */
const PARENTS = new Map<string, readonly RuntimeType[] | null>([
  ["docker", ["docker"]],
  // containerd's CRI plugin without a kubelet: the cgroup parent is the containerd namespace.
  ["k8s.io", ["cri"]],
  // containerd's namespace for `ctr` and nerdctl, whose containers the CRI does not know.
  ["default", null],
  ["libpod_parent", null],
  ["buildkit", null],
  ["lxc", null],
  ["lxc.payload", null],
  // systemd-nspawn, libvirt and podman; libvirt without systemd.
  ["machine.slice", null],
  ["machine", null],
  // Cloud Foundry, Mesos.
  ["garden", null],
  ["mesos", null],
]);

/** Between the root and the pods with the cgroupfs driver. `kubelet` is kind's `--cgroup-root`. */
const KUBELET = new Set(["kubelet", "kubepods", "burstable", "besteffort", "guaranteed"]);

/**
 * Services that have runtimes below them when the runtime's cgroup driver is not the kubelet's. By their whole names, since
 * a part of a service's name may be a user's (`jupyter-NAME.service`).
 */
const MANAGERS = new Set([
  "containerd.service",
  "crio.service",
  "cri-docker.service",
  "docker.service",
  "kubelet.service",
  "k3s.service",
  "k3s-agent.service",
  "rke2-server.service",
  "rke2-agent.service",
  "k0scontroller.service",
  "k0sworker.service",
  "snap.docker.dockerd.service",
  "snap.microk8s.daemon-containerd.service",
]);

/** One name further down from a cgroup of the node's own. */
function down(name: string, { parent, inPod }: Place): Place | End {
  const named = parseName(name, parent, inPod);
  if (named !== null) return named;
  if (inPod || PARENTS.has(parent) || name.startsWith("lxc.payload.")) return "foreign";
  // systemd hands a user's part to the user; libpam-cgfs a whole tree of v1.
  if (name === "user.slice" || name === "user" || /^user-\d+\.slice$/.test(name)) return "delegated";
  // Only systemd's first process makes slices outside of what it handed on. In their names dashes are underscores.
  if (name.endsWith(".slice")) return { parent: name, inPod: /-pod[0-9a-f_]{32,36}\.slice$/.test(name) };
  // A static pod's uid is a hash without dashes.
  if (/^pod[0-9a-f-]{32,36}$/.test(name)) return { parent: name, inPod: true };
  if (KUBELET.has(name) || PARENTS.has(name) || MANAGERS.has(name)) return { parent: name, inPod: false };
  // Any other service, scope or directory may be someone's with all that is below: Delegate=, chown, a runtime not known here.
  return "delegated";
}

const ID = /^[0-9a-f]{64}$/;
const ID_LENGTH = 64;

/** Prefixes that runtimes put before the id, as a systemd scope or, with the cgroupfs driver, as a directory. */
const PREFIXES = new Map<string, readonly RuntimeType[] | "monitor">([
  ["cri-containerd", ["cri"]],
  ["crio", ["cri"]],
  ["docker", ["docker"]],
  ["crio-conmon", "monitor"],
  ["libpod-conmon", "monitor"],
]);

/** `slice:prefix:id`, the systemd driver's triple, when a runtime with the other driver took it for a directory's name. */
const TRIPLE = /^[^:]*\.slice:([^:]*):$/;

/** @returns null when no id stands at the name's end. */
function parseName(name: string, parent: string, inPod: boolean): End | null {
  const stem = name.endsWith(".scope") ? name.slice(0, -".scope".length) : name;
  const id = stem.slice(-ID_LENGTH);
  if (!ID.test(id)) return null;
  const before = stem.slice(0, -ID_LENGTH);
  const runtimes =
    before === "" ? bareRuntimes(parent, inPod) : PREFIXES.get(TRIPLE.exec(before)?.[1] ?? beforeDash(before));
  if (runtimes === "monitor") return runtimes;
  // LXC, libvirt and others let people choose their containers' names.
  return runtimes == null || PARENTS.get(parent) === null ? "foreign" : { id, runtimes };
}

function bareRuntimes(parent: string, inPod: boolean): readonly RuntimeType[] | null {
  const runtimes = PARENTS.get(parent);
  if (runtimes !== undefined) return runtimes;
  // Docker under cri-dockerd names its containers in a pod as containerd does; beside it, Docker's --cgroup-parent is a slice.
  return inPod ? ["cri", "docker"] : ["docker", "cri"];
}

function beforeDash(before: string): string {
  return before.endsWith("-") ? before.slice(0, -1) : "";
}
