// /proc/PID/stat, as far as the agent needs it.

export interface ProcStat {
  /** The short name; it may hold spaces, parentheses and line breaks. */
  readonly comm: Uint8Array;
  /** One letter; `Z` and `X` have ended. */
  readonly state: string;
  readonly ppid: number;
  readonly isKernelThread: boolean;
  readonly threads: number;
  /** Fields 14 and 15: clock ticks that all its threads have run, in user mode and in the kernel. */
  readonly cpuTicks: number;
  /** Field 22: clock ticks from boot to the process's start. */
  readonly startTicks: number;
  /**
   * Where the argument area lies, as text: another image has it elsewhere (but where addresses are not random), a forked child
   * where its parent has it. Without the privilege to trace the process, and for what has no memory, it is `0 0`.
   */
  readonly image: string;
  /** The argument area's size. What /proc/PID/cmdline shows may be longer, when the process has written a title over it. */
  readonly argumentBytes: number;
}

/** USER_HZ is 100 on every architecture Node runs on (linux include/asm-generic/param.h). */
const NS_PER_TICK = 10_000_000n;
/** linux include/linux/sched.h */
const PF_KTHREAD = 0x00200000;

/**
 * Parse /proc/PID/stat. The name is in parentheses and may hold parentheses itself, but no field after it does: the last one
 * closes it.
 *
 * @returns null when the bytes are not such a file's.
 * @see proc_pid_stat(5)
 */
export function parseStat(bytes: Uint8Array): ProcStat | null {
  const open = bytes.indexOf(0x28);
  const close = bytes.lastIndexOf(0x29);
  if (open < 0 || close < open) return null;
  // Fields are numbered from 1; the third follows the name.
  const fields = Buffer.from(bytes.subarray(close + 2))
    .toString("latin1")
    .trimEnd()
    .split(" ");
  const field = (number: number): string => fields[number - 3] ?? "";
  const startTicks = Number(field(22));
  if (field(22) === "" || !Number.isSafeInteger(startTicks)) return null;
  return {
    comm: bytes.subarray(open + 1, close),
    state: field(3),
    ppid: Number(field(4)),
    isKernelThread: (Number(field(9)) & PF_KTHREAD) !== 0,
    threads: Number(field(20)),
    cpuTicks: Number(field(14)) + Number(field(15)),
    startTicks,
    image: `${field(48)} ${field(49)}`,
    argumentBytes: difference(field(49), field(48)),
  };
}

/** Addresses may be beyond what a number holds, their difference is not. */
function difference(end: string, start: string): number {
  return /^\d+$/.test(start) && /^\d+$/.test(end) ? Math.max(0, Number(BigInt(end) - BigInt(start))) : 0;
}

/** Nothing of it runs any more. */
export function isDead(stat: ProcStat): boolean {
  return hasEnded(stat) && stat.threads <= 1;
}

/** The thread itself has ended; others of its process may run. */
export function hasEnded({ state }: ProcStat): boolean {
  return state === "Z" || state === "X" || state === "x";
}

/** Nanoseconds since boot; multiples of a tick. */
export function ticksToNs(ticks: number): bigint {
  return BigInt(ticks) * NS_PER_TICK;
}

/** The tick that the kernel shows for a start time in nanoseconds. */
export function nsToTicks(ns: bigint): number {
  return Number(ns / NS_PER_TICK);
}
