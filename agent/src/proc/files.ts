// Reads of /proc. Files that the kernel answers from its own memory are read at once. What touches a process's memory or its
// mounts may have to wait for that process: those reads have a deadline, and are made where they can be ended.
import fs from "node:fs";
import {
  type AllTimes,
  type AreaPiece,
  type CodeMappings,
  type FileSearch,
  type MemorySearch,
  type NameCheck,
  NativeError,
  processReads,
} from "@cryptnono/native";

/** A read that got no answer in time. Another process may well answer. */
export class StuckError extends Error {
  readonly code = "STUCK";

  constructor(cause: Error) {
    super(cause.message, { cause });
    this.name = "StuckError";
  }
}

/** All but {@link lostReads} throw errors with a `code`: ENOENT or ESRCH for a process that is gone. */
export interface ProcFiles {
  /** Process ids, in the order of /proc. */
  pids(): number[];
  /** Thread ids of a process, `max` of them at most. Each may stand for a process id in what follows. */
  threads(pid: number, max: number): number[];
  /** A small file of `pid`. */
  read(pid: number, name: "stat" | "status" | "cgroup"): Uint8Array;
  /** What the link `ns/cgroup` says: `cgroup:[4026531835]` for the node's own. */
  cgroupNamespace(pid: number): string;
  /** What the link `exe` says: the path of the file that runs. */
  exe(pid: number): Uint8Array;
  /**
   * A piece of the argument area; see `processReads.area`.
   *
   * @throws StuckError
   */
  area(pid: number, from: number, limit: number, hash: bigint): Promise<AreaPiece>;
  /**
   * The same of the environment.
   *
   * @throws StuckError
   */
  environment(pid: number, from: number, limit: number, hash: bigint): Promise<AreaPiece>;
  /**
   * What `path` names in the process's root; see `processReads.name`.
   *
   * @throws StuckError
   */
  name(pid: number, path: Uint8Array, wantsHead: boolean): Promise<NameCheck>;
  /**
   * How much each process has computed, from a number on; see `processReads.times`.
   *
   * @throws StuckError
   */
  times(from: number): Promise<AllTimes>;
  /**
   * Mappings that may hold code, or constants of code, from an address on; see `processReads.code`.
   *
   * @throws StuckError
   */
  code(pid: number, from: bigint): Promise<CodeMappings>;
  /**
   * Look for what `processReads.prepareSearch` was given in a piece of memory; see `processReads.search`.
   *
   * @throws StuckError
   */
  search(pid: number, from: bigint, bytes: number, known: Uint8Array | undefined): Promise<MemorySearch>;
  /**
   * The same in the file that it executes; see `processReads.searchExe`.
   *
   * @throws StuckError
   */
  searchExe(pid: number, from: bigint, bytes: number): Promise<FileSearch>;
  /**
   * Write to the terminal of a process; see `processReads.tellTerminal`.
   *
   * @throws StuckError
   */
  tellTerminal(pid: number, text: Uint8Array): Promise<void>;
  /** Reads that could not even be ended. */
  lostReads(): number;
}

export interface ProcOptions {
  readonly root?: string;
  /** For one read. It is kept apart from this thread's own work, and from waiting for a CPU. */
  readonly deadlineMs?: number;
  readonly reads?: typeof processReads;
}

/** What is read in a moment from memory that is there; a page that was swapped out takes some milliseconds. */
const DEADLINE_MS = 250;

/** @param options - `root` is for files that are read at once alone. */
export function openProc({
  root = "/proc",
  deadlineMs = DEADLINE_MS,
  reads = processReads,
}: ProcOptions = {}): ProcFiles {
  return {
    pids() {
      return fs.readdirSync(root).map(Number).filter(Number.isInteger);
    },
    threads(pid, max) {
      const folder = fs.opendirSync(`${root}/${pid}/task`, { bufferSize: Math.min(max, 64) });
      try {
        const threads: number[] = [];
        for (let entry = folder.readSync(); entry !== null; entry = folder.readSync()) {
          threads.push(Number(entry.name));
          if (threads.length >= max) break;
        }
        return threads;
      } finally {
        folder.closeSync();
      }
    },
    read(pid, name) {
      return fs.readFileSync(`${root}/${pid}/${name}`);
    },
    cgroupNamespace(pid) {
      return fs.readlinkSync(`${root}/${pid}/ns/cgroup`);
    },
    exe(pid) {
      return fs.readlinkSync(`${root}/${pid}/exe`, "buffer");
    },
    area: (pid, from, limit, hash) => answered(reads.area(pid, deadlineMs, from, limit, hash)),
    environment: (pid, from, limit, hash) => answered(reads.environment(pid, deadlineMs, from, limit, hash)),
    name: (pid, path, wantsHead) => answered(reads.name(pid, deadlineMs, path, wantsHead)),
    times: (from) => answered(reads.times(deadlineMs, from)),
    code: (pid, from) => answered(reads.code(pid, deadlineMs, from)),
    search: (pid, from, bytes, known) => answered(reads.search(pid, deadlineMs, from, bytes, known)),
    searchExe: (pid, from, bytes) => answered(reads.searchExe(pid, deadlineMs, from, bytes)),
    tellTerminal: (pid, text) => answered(reads.tellTerminal(pid, deadlineMs, text)),
    lostReads: () => reads.lost(),
  };
}

async function answered<T>(read: Promise<T>): Promise<T> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof NativeError && (error.code === "ETIMEDOUT" || error.code === "EBUSY"))
      throw new StuckError(error);
    throw error;
  }
}
