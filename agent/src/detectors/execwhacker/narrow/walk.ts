// The containers' cgroups of this node, by the names of their directories. Below a container's own nothing is read: whoever is in
// it may have made that.
import { type BigIntStats, type Dirent, existsSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

export interface CgroupFound {
  /** `narrow_key` of bpf/execwhacker/narrow.bpf.h. */
  readonly key: bigint;
  /** From the hierarchy's root. */
  readonly path: string;
}

/** The node's own, whatever namespace the agent is in; and as it is mounted here: in a pod that is the pod's alone. */
const ROOTS = ["/proc/1/root/sys/fs/cgroup", "/sys/fs/cgroup"];
/** bpf/execwhacker/execwhacker.h, GROUP_DEFAULT_HIERARCHY. */
const DEFAULT_HIERARCHY = 1n << 62n;
const HAS_ID = /[0-9a-f]{64}/;
/** kubepods, quality of service, pod, container; a slice or two above. */
const MOST_LEVELS = 7;
const MOST_DIRECTORIES = 20_000;

/** @returns null when they cannot be read. */
export async function walkContainers(roots = ROOTS): Promise<readonly CgroupFound[] | null> {
  for (const root of roots) {
    const found = await walkBelow(root);
    if (found !== null) return found;
  }
  return null;
}

async function walkBelow(root: string): Promise<readonly CgroupFound[] | null> {
  const [hierarchy, bit] = hierarchyOf(root);
  const found: CgroupFound[] = [];
  let directories = 0;

  async function walk(path: string, level: number): Promise<void> {
    const entries = await readdir(join(hierarchy, path), { withFileTypes: true });
    for (const { name } of entries.filter((entry: Dirent) => entry.isDirectory())) {
      if (directories++ > MOST_DIRECTORIES) return;
      const below = `${path}/${name}`;
      if (HAS_ID.test(name)) await add(below);
      else if (level < MOST_LEVELS) await walk(below, level + 1).catch(() => {}); // gone meanwhile
    }
  }

  async function add(path: string): Promise<void> {
    const facts: BigIntStats | null = await stat(join(hierarchy, path), { bigint: true }).catch(() => null);
    // A directory's inode number is its cgroup's id: linux fs/kernfs, kernfs_ino.
    if (facts !== null) found.push({ path, key: facts.ino | bit });
  }

  try {
    await walk("", 0);
    return found;
  } catch {
    return null;
  }
}

/** The one that the kernel's part takes: that of memory where it is one by itself, else pids', else the only one. */
function hierarchyOf(root: string): readonly [path: string, bit: bigint] {
  if (!existsSync(join(root, "cgroup.controllers"))) {
    for (const controller of ["memory", "pids"])
      if (existsSync(join(root, controller, "cgroup.procs"))) return [join(root, controller), 0n];
  }
  const unified = join(root, "unified");
  return [existsSync(unified) ? unified : root, DEFAULT_HIERARCHY];
}
