// A directory of the test's own and everything that must be undone, in reverse order, even when the test fails.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

export interface Scratch {
  /** Short, as a unix socket's path has 108 bytes at most. */
  readonly directory: string;
  /** A cgroup path of the test's own, below which its containers are put. */
  readonly cgroupPath: string;
  /** Run at `end`, last in first out. A failure does not keep the others from running. */
  defer(undo: () => void | Promise<void>): void;
  end(): Promise<void>;
}

/** @param nameOf - The name of its cgroup, with what is its own in it. */
export function openScratch(nameOf = (own: string) => `cryptnono-test-${own}.slice`): Scratch {
  const directory = mkdtempSync(join(tmpdir(), "cn-"));
  const undoings: (() => void | Promise<void>)[] = [];
  // Called as a slice, which no one but the host's systemd makes there: what is below counts as the node's own.
  const cgroupPath = `/${nameOf(basename(directory))}`;
  return {
    directory,
    cgroupPath,
    defer: (undo) => void undoings.push(undo),
    async end() {
      const failures: unknown[] = [];
      for (const undo of undoings.reverse()) {
        try {
          await undo();
        } catch (error) {
          failures.push(error);
        }
      }
      await endProcesses(directory, cgroupPath);
      removeCgroup(cgroupPath);
      unmountBelow(directory);
      rmSync(directory, { recursive: true, force: true });
      if (failures.length > 0) throw new AggregateError(failures, `${failures.length} failures while cleaning up`);
    },
  };
}

/**
 * The directory that containerd's shims put their sockets in, wherever their containerd has its state. Where it is missing a
 * shim makes it with mode 0600 (containerd pkg/shim, NewSocket), and then nobody without CAP_DAC_OVERRIDE reaches the socket
 * of a containerd that comes to be there later.
 */
export function openShimDirectory(scratch: Scratch, path = "/run/containerd"): void {
  if (existsSync(path)) return;
  mkdirSync(path, { mode: 0o711 });
  scratch.defer(() => {
    for (const directory of [join(path, "s"), path]) {
      try {
        rmdirSync(directory);
      } catch {
        return; // in use by another, and of a mode that does no harm
      }
    }
  });
}

/** A runtime that failed leaves its shims, which name the directory in their arguments, and its containers. */
async function endProcesses(directory: string, cgroupPath: string): Promise<void> {
  await until("the end of what the test started", () => {
    const left = readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
      .filter(
        (pid) => procFile(pid, "cmdline").includes(`${directory}/`) || procFile(pid, "cgroup").includes(cgroupPath),
      )
      .filter((pid) => !/^\d+ \(.*\) Z/s.test(procFile(pid, "stat")));
    for (const pid of left) process.kill(Number(pid), "SIGKILL");
    return left.length === 0 ? true : null;
  });
}

/** "" when the process has ended. */
function procFile(pid: string, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8");
  } catch {
    return "";
  }
}

/** Runtimes that were killed leave the mounts of their containers. */
function unmountBelow(directory: string): void {
  const mounted = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "")
    .filter((path) => path.startsWith(`${directory}/`));
  // The last mounted lies on top.
  for (const path of mounted.reverse()) execFileSync("umount", ["--lazy", path]);
}

/** A cgroup without processes goes when its children are gone. The files in it are the kernel's. */
function removeCgroup(cgroupPath: string): void {
  const hierarchies = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([, , type]) => type === "cgroup" || type === "cgroup2");
  for (const [, mountPoint = ""] of hierarchies) removeTree(join(mountPoint, cgroupPath));
}

function removeTree(directory: string): void {
  let children: readonly string[];
  try {
    const entries = readdirSync(directory, { withFileTypes: true });
    children = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch {
    return;
  }
  for (const child of children) removeTree(join(directory, child));
  rmdirSync(directory);
}

/** Look again and again until there is something other than null; fails with `what` after `timeoutMs`. */
export async function until<T>(
  what: string,
  look: () => Promise<T | null> | T | null,
  timeoutMs = 120_000,
): Promise<T> {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    if (performance.now() > endMs) throw new Error(`wait for ${what}: not within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
