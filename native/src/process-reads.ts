// Reads of other processes that may never be answered: each is given up at its deadline, and nothing is left behind.
import { getSystemErrorMap } from "node:util";
import { type Answer, call } from "./addon.js";
import { NativeError } from "./native-error.js";

/** Bytes of an argument area that one read hands over at most (native/src/proc-work.h, PIECE_BYTES). */
export const AREA_PIECE_BYTES = 64 * 1024;

/** A part of /proc/PID/cmdline. */
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
      await call((addon) => addon.readArea(pid, deadlineMs, from, limit, hash)),
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

  /** Reads that could not even be ended. While there are eight, none is begun. */
  lost: (): number => call((addon) => addon.lostReads()),
};

function answered(operation: string, answer: Answer): Answer {
  if (answer.error === 0) return answer;
  const [code, text] = getSystemErrorMap().get(-answer.error) ?? ["UNKNOWN", `error ${answer.error}`];
  throw new NativeError(operation, code, code === "ETIMEDOUT" ? "no answer in time" : text, undefined);
}
