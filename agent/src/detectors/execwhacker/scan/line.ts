// A process's command line, or its environment, searched without ever holding all of it: an argument area may be as long as the process likes.
import { OVERLAP_BYTES } from "@cryptnono/matcher";
import { AREA_PIECE_BYTES, type AreaPiece } from "@cryptnono/native";
import type { ProcFiles } from "../../../proc/index.js";
import { endOf } from "./arguments.js";

/** The kernel's own limit is 6 MB (linux fs/exec.c, `_STK_LIM / 4 * 3`); more is an area that was moved with prctl. */
export const MAX_AREA_BYTES = 8 * 2 ** 20;
/** As far as allow patterns see a line: so far the kernel follows them, unless told otherwise. */
const HEAD_BYTES = 4 * AREA_PIECE_BYTES;

/** A piece of a line as it is searched. */
export interface Window {
  /** Arguments, each but the line's last one ended by NUL. */
  readonly text: Uint8Array;
  /** Where it begins in the area. */
  readonly offset: number;
  /** Whether the line goes on at either end. */
  readonly cut: { readonly start: boolean; readonly end: boolean };
}

/** What has been read of a line. */
export interface ReadLine {
  /** The beginning, whole when `isCut` is false. */
  readonly head: Uint8Array;
  readonly isCut: boolean;
  readonly totalBytes: number;
  /** Of all that was searched; see `AreaPiece`. */
  readonly hash: bigint;
}

/** The beginning of the area that `first` is the first piece of, with what is needed to go on. */
export async function readHead(
  pid: number,
  first: AreaPiece,
  proc: ProcFiles,
  area: "area" | "environment" = "area",
): Promise<ReadLine> {
  const { bytes, length, hash } = first;
  if (length <= bytes.length) return { head: bytes, isCut: false, totalBytes: length, hash };
  const head = Buffer.allocUnsafeSlow(Math.min(length, HEAD_BYTES));
  let used = 0;
  let chain = 0n;
  while (used < head.length) {
    const piece = await proc[area](pid, used, AREA_PIECE_BYTES, chain);
    chain = piece.hash;
    head.set(piece.bytes.subarray(0, head.length - used), used);
    used += piece.bytes.length;
    if (piece.bytes.length < AREA_PIECE_BYTES) break;
  }
  const read = Math.min(used, head.length);
  return { head: head.subarray(0, read), isCut: read === HEAD_BYTES && length > read, totalBytes: read, hash: chain };
}

/**
 * Hand over the line piece by piece, and let other work go on between any two.
 *
 * @param search - False: no more is needed.
 * @returns the line as it was searched.
 */
export async function searchInPieces(
  pid: number,
  line: ReadLine,
  proc: ProcFiles,
  search: (window: Window) => boolean,
  area: "area" | "environment" = "area",
): Promise<ReadLine> {
  const { head, isCut } = line;
  if (!isCut && head.length <= AREA_PIECE_BYTES) {
    search({ text: head.subarray(0, endOf(head)), offset: 0, cut: { start: false, end: false } });
    return line;
  }
  for (let from = 0; from < head.length; from += AREA_PIECE_BYTES) {
    const to = Math.min(head.length, from + AREA_PIECE_BYTES);
    const isLast = to === head.length && !isCut;
    if (
      !search(windowOf(head.subarray(Math.max(0, from - OVERLAP_BYTES), to), Math.max(0, from - OVERLAP_BYTES), isLast))
    )
      return line;
    await nextTurn();
  }
  let { totalBytes, hash } = line;
  let last = head.subarray(head.length - OVERLAP_BYTES);
  for (let isLast = !isCut; !isLast; ) {
    const piece = await proc[area](pid, totalBytes, AREA_PIECE_BYTES, hash);
    const text = Buffer.concat([last, piece.bytes]);
    isLast = piece.bytes.length < AREA_PIECE_BYTES || totalBytes + piece.bytes.length >= MAX_AREA_BYTES;
    const goesOn = search(windowOf(text, totalBytes - last.length, isLast));
    totalBytes += piece.bytes.length;
    hash = piece.bytes.length > 0 ? piece.hash : hash;
    if (!goesOn) break;
    last = text.subarray(text.length - OVERLAP_BYTES);
    await nextTurn();
  }
  return { head, isCut, totalBytes, hash };
}

function windowOf(bytes: Uint8Array, offset: number, isLast: boolean): Window {
  const text = isLast ? bytes.subarray(0, endOf(bytes)) : bytes;
  return { text, offset, cut: { start: offset > 0, end: !isLast } };
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
