// Reads of other processes that may never be answered: each is given up at its deadline, and nothing is left behind.
import { getSystemErrorMap } from "node:util";
import { type Answer, call } from "./addon.js";
import { NativeError } from "./native-error.js";

/** Bytes of an argument area that one read hands over at most (native/src/proc-work.h, PIECE_BYTES). */
export const AREA_PIECE_BYTES = 64 * 1024;

/** A part of /proc/PID/cmdline, or of /proc/PID/environ. */
export interface AreaPiece {
  /** At most {@link AREA_PIECE_BYTES} of them. */
  readonly bytes: Uint8Array;
  /** Bytes that there are, from where was begun to the area's end or the limit. */
  readonly length: number;
  /** Of all those, in pieces, each with the hash before it; with a key of this process's own. */
  readonly hash: bigint;
}

/** What a path names in the root of a process. */
export interface NameCheck {
  /**
   * `same`: the file that the process executes; `other`: another one; `none`: no regular file; `unknown`: file systems are on
   * the way that someone serves, who might never answer.
   */
  readonly names: "same" | "other" | "none" | "unknown";
  /** The file's first bytes, if they were asked for and could be read. */
  readonly head: Uint8Array | null;
}

/** How much a process has computed (native/src/proc-work.h, struct process_times). */
export interface ProcessTimes {
  readonly pid: number;
  readonly ppid: number;
  /** Clock ticks from boot to its start. */
  readonly startTicks: number;
  /** Clock ticks that all its threads have run, in user mode and in the kernel. */
  readonly cpuTicks: number;
}

const TIMES_BYTES = 24;
/** Of one list. */
const MOST_TIMES = Math.floor((64 * 1024) / TIMES_BYTES);

export interface AllTimes {
  readonly processes: readonly ProcessTimes[];
  /** There may be more from this number on; null: there are none. */
  readonly next: number | null;
  /** Processor time that it took. */
  readonly cpuNs: number;
}

/** A mapping of a process (native/src/proc-work.h, struct code_mapping). */
export interface CodeMapping {
  readonly start: bigint;
  readonly end: bigint;
  /** In the file. */
  readonly offset: bigint;
  readonly inode: bigint;
  /**
   * When the file was last written to, or anything else about it changed, in nanoseconds since 1970; nobody can set it (statx(2),
   * stx_ctime). 0: not known.
   */
  readonly changedNs: bigint;
  /** Major and minor number. */
  readonly device: string;
  readonly isExecutable: boolean;
  readonly isFile: boolean;
  /** A file that has no name any more, or never had one. */
  readonly isNameless: boolean;
}

const MAPPING_BYTES = 56;
/** Of one list. */
const MOST_MAPPINGS = Math.floor((64 * 1024) / MAPPING_BYTES);
const HIT_BYTES = 16;

export interface CodeMappings {
  readonly mappings: readonly CodeMapping[];
  /** There may be more from this address on; null: there are none. */
  readonly next: bigint | null;
  /** Processor time that it took. */
  readonly cpuNs: number;
}

/** Bytes of one search at most, and the bits by which its pages are known. */
export const SEARCH_BYTES = 4 * 2 ** 20;
export const SEARCH_KNOWN_BYTES = SEARCH_BYTES / 4096 / 8;
/** Of a pattern; at least 4. */
export const MOST_PATTERN_BYTES = 16;
const NEXT_BYTES = 8;

/** What was found in a piece of memory. */
export interface MemorySearch {
  /** That were there and not known. */
  readonly bytes: number;
  readonly cpuNs: number;
  /** Patterns by their index, in the order of their addresses. */
  readonly hits: readonly { readonly address: bigint; readonly pattern: number }[];
  /** The end, or where there was no room for more hits: some 4,000. */
  readonly next: bigint;
  /** Pages, a bit each, whose content is the file's: those that were known, and those that were read now. */
  readonly known: Uint8Array;
}

/** What was found in the file that a process executes. */
export interface FileSearch {
  /** Device, inode, size, and when it was changed and written to: the same for the same content. */
  readonly key: string;
  readonly size: bigint;
  readonly bytes: number;
  readonly cpuNs: number;
  /** At their offsets in the file. */
  readonly hits: MemorySearch["hits"];
  /** Offset of what was not searched yet, if the file is longer. */
  readonly next: bigint;
}

const FILE_BYTES = 48;

/** Each rejects with NativeError: ETIMEDOUT when there was no answer in time, EBUSY when too many others have none. */
export const processReads = {
  /**
   * @param from - Where to begin, a multiple of {@link AREA_PIECE_BYTES}.
   * @param limit - How far to hash from there.
   * @param hash - That of the pieces before.
   */
  async area(pid: number, deadlineMs: number, from: number, limit: number, hash: bigint): Promise<AreaPiece> {
    return answered(
      `read the arguments of process ${pid}`,
      await call((addon) => addon.readArea(pid, deadlineMs, from, limit, hash, false)),
    );
  },

  /** The same of the environment. */
  async environment(pid: number, deadlineMs: number, from: number, limit: number, hash: bigint): Promise<AreaPiece> {
    return answered(
      `read the environment of process ${pid}`,
      await call((addon) => addon.readArea(pid, deadlineMs, from, limit, hash, true)),
    );
  },

  /** @param path - Absolute, of less than 4096 bytes. Nothing that it names is opened, but a regular file for its head. */
  async name(pid: number, deadlineMs: number, path: Uint8Array, wantsHead = false): Promise<NameCheck> {
    const { answer, bytes, hasHead } = answered(
      `look up a name of process ${pid}`,
      await call((addon) => addon.checkName(pid, deadlineMs, path, wantsHead)),
    );
    return { names: answer, head: hasHead ? bytes : null };
  },

  /**
   * Processes that have memory of their own, so no threads of the kernel, in the order of their numbers; some 2,700 at most.
   *
   * @param from - The least number.
   */
  async times(deadlineMs: number, from: number): Promise<AllTimes> {
    const { bytes, hash } = answered("list the processes", await call((addon) => addon.listTimes(deadlineMs, from)));
    const processes = records(bytes, TIMES_BYTES, (view) => ({
      pid: view.getUint32(0, true),
      ppid: view.getUint32(4, true),
      startTicks: Number(view.getBigUint64(8, true)),
      cpuTicks: Number(view.getBigUint64(16, true)),
    }));
    const next = processes.length < MOST_TIMES ? null : processes.at(-1)!.pid + 1;
    return { processes, next, cpuNs: Number(hash) };
  },

  /** Mappings that may hold code, or constants of code, from an address on; some 1,100 at most. */
  async code(pid: number, deadlineMs: number, from: bigint): Promise<CodeMappings> {
    const { bytes, hash } = answered(
      `list the mappings of process ${pid}`,
      await call((addon) => addon.listCode(pid, deadlineMs, from)),
    );
    const mappings = records(bytes, MAPPING_BYTES, (view) => ({
      start: view.getBigUint64(0, true),
      end: view.getBigUint64(8, true),
      offset: view.getBigUint64(16, true),
      inode: view.getBigUint64(24, true),
      changedNs: view.getBigUint64(32, true),
      device: `${view.getUint32(40, true)}:${view.getUint32(44, true)}`,
      isExecutable: (view.getUint32(48, true) & 1) !== 0,
      isFile: (view.getUint32(48, true) & 2) !== 0,
      isNameless: (view.getUint32(48, true) & 4) !== 0,
    }));
    return { mappings, next: mappings.length < MOST_MAPPINGS ? null : mappings.at(-1)!.end, cpuNs: Number(hash) };
  },

  /**
   * What {@link search} looks for: up to 1,024 patterns of 4 to {@link MOST_PATTERN_BYTES} bytes, none of which begins with another one.
   * Not while a search is under way.
   */
  prepareSearch(patterns: readonly Uint8Array[]): void {
    const packed = new Uint8Array(patterns.length * (1 + MOST_PATTERN_BYTES));
    for (const [i, pattern] of patterns.entries()) {
      packed[i * (1 + MOST_PATTERN_BYTES)] = pattern.length;
      packed.set(pattern.subarray(0, MOST_PATTERN_BYTES), i * (1 + MOST_PATTERN_BYTES) + 1);
    }
    call((addon) => addon.prepareSearch(packed));
  },

  /**
   * Look for the patterns, at any byte, in those pages of a piece of memory that are there.
   *
   * @param from - A multiple of a page, as `bytes`.
   * @param bytes - Up to {@link SEARCH_BYTES}.
   * @param known - Pages that are not read while their content is the file's: {@link SEARCH_KNOWN_BYTES}, a bit each.
   */
  async search(
    pid: number,
    deadlineMs: number,
    from: bigint,
    bytes: number,
    known: Uint8Array = new Uint8Array(SEARCH_KNOWN_BYTES),
  ): Promise<MemorySearch> {
    const answer = answered(
      `search the memory of process ${pid}`,
      await call((addon) => addon.searchMemory(pid, deadlineMs, from, bytes, known)),
    );
    const head = new DataView(answer.bytes.buffer, answer.bytes.byteOffset);
    return {
      bytes: answer.length,
      cpuNs: Number(answer.hash),
      next: head.getBigUint64(0, true),
      known: answer.bytes.slice(NEXT_BYTES, NEXT_BYTES + SEARCH_KNOWN_BYTES),
      hits: records(answer.bytes.subarray(NEXT_BYTES + SEARCH_KNOWN_BYTES), HIT_BYTES, (view) => ({
        address: view.getBigUint64(0, true),
        pattern: view.getUint32(8, true),
      })),
    };
  },

  /**
   * Look for the patterns in the file that a process executes. EXDEV: it is on no file system of this machine alone.
   *
   * @param bytes - Up to {@link SEARCH_BYTES}; 0: only what file it is.
   */
  async searchExe(pid: number, deadlineMs: number, from: bigint, bytes: number): Promise<FileSearch> {
    const answer = answered(
      `search the file of process ${pid}`,
      await call((addon) => addon.searchExe(pid, deadlineMs, from, bytes)),
    );
    const head = new DataView(answer.bytes.buffer, answer.bytes.byteOffset);
    const [size, inode, changed, written] = [8, 16, 24, 32].map((at) => head.getBigUint64(at, true));
    return {
      key: `${head.getUint32(40, true)}:${head.getUint32(44, true)} ${inode} ${size} ${changed} ${written}`,
      size: size!,
      bytes: answer.length,
      cpuNs: Number(answer.hash),
      next: head.getBigUint64(0, true),
      hits: records(answer.bytes.subarray(FILE_BYTES), HIT_BYTES, (view) => ({
        address: view.getBigUint64(0, true),
        pattern: view.getUint32(8, true),
      })),
    };
  },

  /**
   * Write to the terminal that a process has for its standard error, if that is a pty of its own container (a devpts on /dev/pts
   * that is not the node's), without waiting for whoever reads there. ENOTTY: it is nothing such; EAGAIN: it is full; EACCES: the
   * pty's owner or its group, tty, alone may write.
   *
   * @param text - Of less than 4096 bytes, none of them NUL.
   */
  async tellTerminal(pid: number, deadlineMs: number, text: Uint8Array): Promise<void> {
    answered(
      `write to the terminal of process ${pid}`,
      await call((addon) => addon.tellTerminal(pid, deadlineMs, text)),
    );
  },

  /** Reads that could not even be ended. While there are eight, none is begun. */
  lost: (): number => call((addon) => addon.lostReads()),
};

function records<T>(bytes: Uint8Array, size: number, read: (view: DataView) => T): T[] {
  return Array.from({ length: Math.floor(bytes.length / size) }, (_, i) =>
    read(new DataView(bytes.buffer, bytes.byteOffset + i * size, size)),
  );
}

function answered(operation: string, answer: Answer): Answer {
  if (answer.error === 0) return answer;
  const [code, text] = getSystemErrorMap().get(-answer.error) ?? ["UNKNOWN", `error ${answer.error}`];
  throw new NativeError(operation, code, code === "ETIMEDOUT" ? "no answer in time" : text, undefined);
}
