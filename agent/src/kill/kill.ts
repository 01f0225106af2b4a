// A verdict made in user space to a signal, and the truth about whether it reached the process that was meant.
import { constants } from "node:os";
import { isDead, nsToTicks, parseStat } from "../proc/stat.js";

/** The calls of the native addon. They throw errors whose `code` is the errno's name. */
export interface PidfdCalls {
  pidfdOpen(pid: number): number;
  pidfdSendSignal(fd: number, signal: number): void;
  close(fd: number): void;
}

export type KillResult =
  | { readonly kind: "killed" }
  /** It was gone, or its process id belongs to a process that began at another time. */
  | { readonly kind: "missed"; readonly because: "exited" | "pid-reused" }
  | { readonly kind: "failed"; readonly code: string; readonly errno: number }
  /** Not to be killed by anyone's rules. */
  | { readonly kind: "refused"; readonly because: "the agent itself" | "init" | "a kernel thread" };

export interface KillerOptions {
  readonly native: PidfdCalls;
  /** /proc/PID/stat; throws ENOENT or ESRCH for a process that is gone. */
  readonly readStat: (pid: number) => Uint8Array;
  readonly selfPid?: number;
}

/**
 * Kill the process `pid` that began `startTimeNs` after boot, and no other.
 *
 * A pidfd stands for one process for ever, but opening it goes by number: what was opened is known only by the start time read
 * while it is open. The read before saves opening what is gone already.
 */
export type Killer = (pid: number, startTimeNs: bigint) => KillResult;

export function createKiller({ native, readStat, selfPid = process.pid }: KillerOptions): Killer {
  /** Why there is nothing to kill, or null. */
  function obstacle(pid: number, startTimeNs: bigint): KillResult | null {
    let bytes: Uint8Array;
    try {
      bytes = readStat(pid);
    } catch (error) {
      return failure(error);
    }
    const stat = parseStat(bytes);
    if (stat === null) return failure({ code: "EINVAL" });
    if (stat.startTicks !== nsToTicks(startTimeNs)) return { kind: "missed", because: "pid-reused" };
    if (isDead(stat)) return { kind: "missed", because: "exited" };
    return stat.isKernelThread ? { kind: "refused", because: "a kernel thread" } : null;
  }

  return (pid, startTimeNs) => {
    if (pid === selfPid) return { kind: "refused", because: "the agent itself" };
    if (pid === 1) return { kind: "refused", because: "init" };
    const before = obstacle(pid, startTimeNs);
    if (before !== null) return before;
    let fd: number;
    try {
      fd = native.pidfdOpen(pid);
    } catch (error) {
      return failure(error);
    }
    try {
      const opened = obstacle(pid, startTimeNs);
      if (opened !== null) return opened;
      native.pidfdSendSignal(fd, constants.signals.SIGKILL);
      return { kind: "killed" };
    } catch (error) {
      return failure(error);
    } finally {
      native.close(fd);
    }
  };
}

function failure(error: unknown): KillResult {
  const code = typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
  if (code === "ESRCH" || code === "ENOENT") return { kind: "missed", because: "exited" };
  const errno = new Map(Object.entries(constants.errno)).get(code);
  if (errno === undefined) throw error;
  return { kind: "failed", code, errno };
}
