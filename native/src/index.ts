// The typed face of the addon. TypeScript gives meaning; C has memory and descriptors. No detector is known here.
import { call, type TickCounts } from "./addon.js";

export type { ProgramStatistics, TickCounts } from "./addon.js";
export { constant, type Layout, layoutVersion, type StructLayout, structLayout } from "./layout.js";
export { type LoopTurns, watchLoop } from "./loop.js";
export { type MapBytes, type MapEntry, SensorMap } from "./map.js";
export { NativeError } from "./native-error.js";
export {
  type AllTimes,
  AREA_PIECE_BYTES,
  type AreaPiece,
  type CodeMapping,
  type CodeMappings,
  type FileSearch,
  type MemorySearch,
  MOST_PATTERN_BYTES,
  type NameCheck,
  type ProcessTimes,
  processReads,
  SEARCH_BYTES,
  SEARCH_KNOWN_BYTES,
} from "./process-reads.js";
export { type Attachment, Sensor, type SensorOptions, type SlotContent, type SlotContents } from "./sensor.js";

/** Freed heap, and pages of program code that only the start ran: some 30 MB. What runs again comes from the page cache. */
export function giveBackMemory(): void {
  call((addon) => addon.giveBackMemory());
}

/** Whether `dir`, which exists, lies on a file system that takes pins. */
export function isPinFileSystem(dir: string): boolean {
  return call((addon) => addon.isPinFileSystem(dir));
}

/**
 * The hash that the kernel's part takes of a process's arguments.
 *
 * @param bytes - How many of `area`'s are hashed; the last of them is a NUL.
 * @param keys - 16 bytes, from the same place as the hash that is compared.
 */
export function hashStrings(area: Uint8Array, bytes: number, keys: Uint8Array): bigint {
  return call((addon) => addon.hashStrings(area, bytes, keys));
}

/**
 * A cgroup2 file system that is mounted nowhere: a descriptor by which its root can be opened (`/proc/self/fd/<n>`), that of the
 * cgroup namespace. It wants CAP_SYS_ADMIN.
 */
export function mountCgroup2(): number {
  return call((addon) => addon.mountCgroup2());
}

/** A thread that takes processors from whoever computes there, and gives them back at once. */
export const ticker = {
  /** Each of these processors so many times a second; none: rest. */
  set: (cpus: readonly number[], perSecond: number): void => call((addon) => addon.setTicks(cpus, perSecond)),
  counts: (): TickCounts => call((addon) => addon.ticks()),
};

/** Harmless children that look to the kernel as if they computed RandomX. */
export const lookalikes = {
  /**
   * Start two on one processor, which end after `ms`. Each is to be reaped.
   *
   * @returns their process ids.
   */
  start: (ms: number): readonly number[] => call((addon) => addon.startComputing(ms)),
  /** The number of the signal that ended it; 0: none; null: it runs. */
  reap(pid: number): number | null {
    const signal = call((addon) => addon.reap(pid));
    return signal < 0 ? null : signal;
  },
};

/** pidfds by number. Errors are NativeErrors whose `code` is the errno's name: `ESRCH` when there is no such process. */
export const pidfd = {
  pidfdOpen: (pid: number): number => call((addon) => addon.pidfdOpen(pid)),
  pidfdSendSignal: (fd: number, signal: number): void => call((addon) => addon.pidfdSendSignal(fd, signal)),
  close: (fd: number): void => call((addon) => addon.closeFd(fd)),
};
