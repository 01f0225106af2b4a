// A process's /proc/PID/stat, where it may be gone.
import type { ProcFiles } from "./files.js";
import { type ProcStat, parseStat } from "./stat.js";

/** @returns null when it is gone, or cannot be read. */
export function readStat(pid: number, proc: Pick<ProcFiles, "read">): ProcStat | null {
  try {
    return parseStat(proc.read(pid, "stat"));
  } catch {
    return null;
  }
}
