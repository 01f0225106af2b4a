// Where this machine's cgroups are.
import { readFileSync } from "node:fs";

/** The mount point of a cgroup2 file system; null when there is none. */
export function cgroup2Mount(): string | null {
  const mounts = readFileSync("/proc/mounts", "utf8").split("\n");
  return mounts.find((line) => line.split(" ")[2] === "cgroup2")?.split(" ")[1] ?? null;
}
