// Cgroups of a test's own, called as a runtime's containers are.
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, rmdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** Where a flood is counted by: the old hierarchy of the memory controller, where there is one, else the unified one. */
function hierarchy(): string {
  const mounts = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" "));
  const memory = mounts.find(([, , type, options]) => type === "cgroup" && options?.split(",").includes("memory"));
  const unified = mounts.find(([, , type]) => type === "cgroup2");
  const found = (memory ?? unified)?.[1];
  if (found === undefined) throw new Error("no cgroup hierarchy is mounted");
  return found;
}

/** Directories in which processes can be put, removed at the end. */
export class Cgroups {
  readonly #slice = join(hierarchy(), `cryptnono-test-${randomBytes(6).toString("hex")}.slice`);
  readonly #made: string[] = [];

  /** @returns `count` new ones. */
  make(count: number): string[] {
    const dirs = Array.from({ length: count }, () =>
      join(this.#slice, `cri-containerd-${randomBytes(32).toString("hex")}.scope`),
    );
    for (const dir of dirs) mkdirSync(dir, { recursive: true });
    this.#made.push(...dirs);
    return dirs;
  }

  /** Once their processes have ended. */
  async remove(): Promise<void> {
    for (const dir of [...this.#made.splice(0), this.#slice]) await removeWhenEmpty(dir);
  }
}

/** The container that a directory of {@link Cgroups} is called after. */
export function containerIdOf(dir: string): string {
  return basename(dir).slice("cri-containerd-".length, -".scope".length);
}

/** What a cgroup is called in the log. */
export function cgroupPathOf(dir: string): string {
  return dir.slice(dirname(dirname(dir)).length);
}

async function removeWhenEmpty(dir: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      rmdirSync(dir);
      return;
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : null;
      if (code === "ENOENT") return;
      if (code !== "EBUSY" || tries > 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
