// What the sensor would tell of a process: its cgroup's names, read while it still runs.
import { readFileSync } from "node:fs";
import type { CgroupIdentity } from "@cryptnono/agent/types";

/** As a scan reads it. */
export function fromProc(pid: number): CgroupIdentity {
  return { source: "proc", lines: readFileSync(`/proc/${pid}/cgroup`, "utf8") };
}

/** As the kernel gives it: the path in the v2 hierarchy, then in the v1 hierarchy of pids where there is one. */
export function fromKernel(pid: number): CgroupIdentity {
  const lines = readFileSync(`/proc/${pid}/cgroup`, "utf8").split("\n");
  const path = (controllers: string) =>
    lines.find((line) => line.split(":")[1] === controllers)?.replace(/^\d+:[^:]*:/, "");
  return { source: "kernel", paths: [path(""), path("pids")].filter((found) => found !== undefined) };
}
