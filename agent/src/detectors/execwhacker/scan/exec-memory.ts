// What is known of how a running process was executed, for a scan that comes later.

/** A process that a pattern spared at exec. */
export interface SparedAtExec {
  /** The path that was given to exec; null when it was too long to be kept. */
  readonly path: Uint8Array | null;
  /** The string and the pattern, by their numbers in the list of `generation`. */
  readonly stringId: number;
  readonly patternId: number;
  readonly generation: number;
  /** Whether the argument area, as /proc/PID/cmdline has it, is another one by now. */
  hasChanged(area: Uint8Array): boolean;
}

export interface ExecMemory {
  /**
   * What is known of the process with this number that began at this time, in nanoseconds since boot.
   *
   * @param image - Of /proc/PID/stat, see `ProcStat`: where its arguments lie. Elsewhere than at exec, it has executed something else
   *   since.
   */
  spared(pid: number, startTimeNs: bigint, image: string): SparedAtExec | null;
}
