// Finds the node's root cgroup2, below which everything runs: a hook on any other cgroup would guard but a part of the node.
import { closeSync, existsSync, readFileSync, type StatsFs, statfsSync, statSync } from "node:fs";
import { mountCgroup2 } from "@cryptnono/native";
import { UnsupportedError } from "../../errors.js";

export interface CgroupRoot {
  readonly path: string;
  /** It was mounted for this agent alone. */
  readonly isOwn: boolean;
  /** Once what is attached is attached. */
  close(): void;
}

export interface RootParts {
  /** /proc/self/mounts */
  readonly readMounts?: () => string;
  readonly statfs?: (path: string) => Pick<StatsFs, "type">;
  readonly inode?: (path: string) => number;
  readonly exists?: (path: string) => boolean;
  readonly mount?: () => number;
  readonly close?: (fd: number) => void;
}

/** linux include/uapi/linux/magic.h, CGROUP2_SUPER_MAGIC */
const CGROUP2 = 0x63677270;
/** Of kernfs (linux fs/kernfs/dir.c, kernfs_create_root): what it makes first has the number 1. */
const ROOT_INODE = 1;
/** Where the chart mounts the node's /sys/fs/cgroup. */
const HOST = ["/host/sys/fs/cgroup", "/host/sys/fs/cgroup/unified"];

const HINT =
  "mount the node's /sys/fs/cgroup into the container and name it by --cgroup-root (the chart does both); on a node with " +
  "cgroup v1 alone the agent mounts one of its own, which wants the capability SYS_ADMIN";

/**
 * @param given - `--cgroup-root`; null: what is mounted is looked through, then one is mounted.
 * @throws UnsupportedError that says why each candidate is none.
 */
export function findCgroupRoot(given: string | null, parts: RootParts = {}): CgroupRoot {
  const {
    readMounts = () => readFileSync("/proc/self/mounts", "utf8"),
    mount = mountCgroup2,
    close = closeSync,
  } = parts;
  const candidates = given === null ? [...HOST, ...mountsOf(readMounts())] : [given];
  const faults: string[] = [];
  for (const path of candidates) {
    const fault = faultOf(path, parts);
    if (fault === null) return { path, isOwn: false, close: () => {} };
    if (fault !== ABSENT || given !== null) faults.push(`${path}: ${fault}`);
  }
  if (given !== null) throw new UnsupportedError(`find the root cgroup: ${faults.join("; ")}`, HINT);
  try {
    const fd = mount();
    const path = `/proc/self/fd/${fd}`;
    const fault = faultOf(path, parts);
    if (fault === null) return { path, isOwn: true, close: () => close(fd) };
    close(fd);
    faults.push(`a mount of its own: ${fault}`);
  } catch (error) {
    faults.push(`a mount of its own: ${error instanceof Error ? error.message : String(error)}`);
  }
  throw new UnsupportedError(`find the root cgroup: ${faults.join("; ")}`, HINT);
}

const ABSENT = "no such directory";

/** Why `path` is not the root of all; null when it is. */
function faultOf(path: string, parts: RootParts): string | null {
  const { statfs = statfsSync, inode = (name: string) => statSync(name).ino, exists = existsSync } = parts;
  try {
    if (statfs(path).type !== CGROUP2) return "not a cgroup2 file system";
    const number = inode(path);
    // The root of a cgroup namespace looks like a root and has the number of the cgroup that it is.
    if (number !== ROOT_INODE || exists(`${path}/cgroup.type`))
      return `inode ${number}, a cgroup below the root: the agent is in a cgroup namespace of its own, or the directory is not the mount's`;
    return null;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    return code === "ENOENT" ? ABSENT : code;
  }
}

/** The mount points of cgroup2 file systems. The kernel writes blanks as octal numbers. */
function mountsOf(mounts: string): string[] {
  return mounts
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([, , type]) => type === "cgroup2")
    .map(([, path]) =>
      path!.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
    );
}
