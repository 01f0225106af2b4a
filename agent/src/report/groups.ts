// Which cgroups are counted together, and what is known of where they are.
import type { CgroupIdentity } from "../types.js";

/** From the root: kubepods, quality of service, pod, container. What lies deeper a container's owner may have made. */
const DEPTH = 4;

/**
 * The group of a process that the agent found, which the kernel's records name by a number.
 *
 * @param lines - /proc/PID/cgroup.
 */
export function groupOfLines(lines: string): string {
  const path = ["memory", "pids", ""]
    .map((controller) => pathOf(lines, controller))
    .find((found) => found !== undefined && found !== "/");
  return (path ?? "/").split("/", DEPTH + 1).join("/");
}

function pathOf(lines: string, controller: string): string | undefined {
  for (const line of lines.split("\n")) {
    const [, controllers = "", ...path] = line.split(":");
    if (path.length > 0 && controllers.split(",").includes(controller)) return path.join(":");
  }
  return undefined;
}

/** More groups than a node has containers; a path or two each, of 1 KiB at most. */
const MOST_GROUPS = 1024;

/** Where a process of each group stood: a summary of many says whose they were. Forgets the longest unused. */
export class GroupPlaces {
  readonly #most: number;
  readonly #places = new Map<string, CgroupIdentity>();

  constructor(most = MOST_GROUPS) {
    this.#most = most;
  }

  remember(group: string, cgroup: CgroupIdentity): void {
    this.#places.delete(group);
    this.#places.set(group, cgroup);
    if (this.#places.size > this.#most) this.#places.delete(this.#places.keys().next().value!);
  }

  get(group: string): CgroupIdentity | undefined {
    return this.#places.get(group);
  }
}
