// A process's arguments as the log shows them: quoted, in small letters, and never longer than the limit.
import {
  type BannedString,
  counts,
  fold,
  joinArguments,
  lowerCase,
  memberStrings,
  quoteLine,
} from "@cryptnono/matcher";
import type { ProcessFacts } from "../types.js";
import { decode, toJson } from "./text.js";

/** What of the command line is shown. */
export interface ShownCommandLine {
  /** Shell-quoted; where a part is left out stands `[...]` without quotes, which no argument can look like. */
  readonly bytes: Uint8Array;
  /** Present when something is left out. */
  readonly truncated?: CommandLineCut;
}

/** Offsets and sizes are of path and arguments joined by one byte each, before quoting. */
export interface CommandLineCut {
  readonly total_bytes: number;
  /** Less than the total when the kernel handed over only the beginning. */
  readonly captured_bytes: number;
  readonly shown_bytes: number;
  readonly shown: readonly (readonly [from: number, to: number])[];
}

/**
 * The contract's command line, `[path, argv[1], ...]`, in at most `maxChars` characters of JSON: the head, and what stands
 * around the match when it lies beyond.
 *
 * @param matchOffset - Where the match is thought to be, in the same text; looked for when absent or wrong.
 */
export function showCommandLine(
  process: ProcessFacts,
  banned: BannedString | null,
  maxChars: number,
  matchOffset?: number,
): ShownCommandLine {
  const line = contractLine(process);
  const lost = Math.max(0, process.argsBytes - joinedLength(process.args) - 1);
  if (lost === 0 && joinedLength(line) <= maxChars) {
    const bytes = lowerCase(quoteLine(line));
    if (fits(bytes, maxChars)) return { bytes };
  }
  const parts = knownParts(process, line);
  const capturedBytes = parts.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const totalBytes = Math.max(joinedLength(line) + lost, endOf(parts.at(-1)!));
  const match = banned === null ? null : findMatch(parts, banned, matchOffset);
  // Quotes and escapes take up to six characters a byte: halve the windows until the result fits.
  for (let budget = maxChars - MARKS_CHARS; ; budget = budget >> 1) {
    const windows = windowsOf(parts[0]!, match, budget);
    const bytes = lowerCase(quoteWindows(windows, totalBytes));
    if (!fits(bytes, maxChars) && budget > 16) continue;
    const shownBytes = windows.reduce((sum, window) => sum + window.bytes.length, 0);
    if (shownBytes >= totalBytes) return { bytes };
    const shown = windows.map((window) => [window.from, endOf(window)] as const);
    return {
      bytes,
      truncated: { total_bytes: totalBytes, captured_bytes: capturedBytes, shown_bytes: shownBytes, shown },
    };
  }
}

/**
 * Where each string of a rule of several stands: the first place where it counts, in the same text as `matchOffset`.
 *
 * @returns null for one that stands in no captured part of that text: in `argv[0]`, or in a line's middle.
 */
export function memberOffsets(process: ProcessFacts, rule: BannedString): (number | null)[] {
  const parts = knownParts(process, contractLine(process));
  return memberStrings(rule).map((member) => {
    for (const part of parts) {
      for (const start of placesOf(part.bytes, member)) if (counts(part.bytes, start, member)) return part.from + start;
    }
    return null;
  });
}

/**
 * Path and arguments as they were given to execve, without `argv[0]`. For a script the kernel has put the interpreter, its one
 * optional argument and the script's path in front of the arguments: those go.
 */
export function contractLine({ path, interpreter, keepsArgv0 = false, args }: ProcessFacts): readonly Uint8Array[] {
  let first = 1;
  if (interpreter !== undefined) {
    const at = args.findIndex((argument, i) => i > 0 && i <= MAX_SCRIPT_PREFIX && equal(argument, path));
    if (at > 0) first = at + (keepsArgv0 ? 2 : 1);
  }
  return [path, ...args.slice(first)];
}

/** Interpreters may be scripts themselves, five deep at most (linux fs/exec.c `exec_binprm`), each with one argument. */
const MAX_SCRIPT_PREFIX = 12;
const NUL = 0;
/** Room for the marks and the quotes at a window's ends, with some to spare. */
const MARKS_CHARS = 64;
const MARK = Buffer.from("[...]");
const SPACE = Buffer.from(" ");

/** Bytes of the contract's text, arguments joined by NUL, and where they stand in it. */
interface Part {
  readonly from: number;
  readonly bytes: Uint8Array;
}

/** A match and the part that it stands in. */
interface Found {
  readonly part: Part;
  /** Offsets within the part. */
  readonly start: number;
  readonly end: number;
}

function endOf({ from, bytes }: Part): number {
  return from + bytes.length;
}

function clip(part: Part, start: number, end: number): Part {
  return { from: part.from + start, bytes: part.bytes.subarray(start, end) };
}

/** The beginning, and what the kernel handed over from around the match, made one where they meet. */
function knownParts({ path, args, context }: ProcessFacts, line: readonly Uint8Array[]): readonly Part[] {
  const head = { from: 0, bytes: joinArguments(line) };
  if (context === undefined) return [head];
  const dropped = joinedLength(args.slice(0, args.length - line.length + 1)) + 1;
  const part = { from: path.length + 1 + context.offset - dropped, bytes: context.bytes };
  const overlap = head.bytes.length - part.from;
  if (overlap < 0) return [head, part];
  return [{ from: 0, bytes: Buffer.concat([head.bytes, part.bytes.subarray(overlap)]) }];
}

function windowsOf(head: Part, match: Found | null, budget: number): Part[] {
  const around = budget >> 3;
  const headBytes = match === null ? budget : Math.max(0, budget - 2 * around - (match.end - match.start));
  const start = clip(head, 0, backToCharacter(head.bytes, headBytes));
  if (match === null || match.part.from + match.end <= start.bytes.length) return [start];
  const { part } = match;
  const from = forwardToCharacter(part.bytes, Math.max(0, match.start - around));
  const to = backToCharacter(part.bytes, match.end + around);
  const window = clip(part, from, to);
  return part === head && window.from <= start.bytes.length ? [clip(head, 0, to)] : [start, window];
}

function quoteWindows(windows: readonly Part[], totalBytes: number): Uint8Array {
  const pieces: Uint8Array[] = [];
  for (const { from, bytes } of windows) {
    if (from > 0) pieces.push(MARK);
    pieces.push(quoteLine(split(bytes)));
  }
  if (endOf(windows.at(-1)!) < totalBytes) pieces.push(MARK);
  return Buffer.concat(pieces.flatMap((piece, i) => (i === 0 ? [piece] : [SPACE, piece])));
}

function split(text: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let from = 0;
  for (let at = text.indexOf(NUL); at >= 0; at = text.indexOf(NUL, from)) {
    parts.push(text.subarray(from, at));
    from = at + 1;
  }
  parts.push(text.subarray(from));
  return parts;
}

/** An occurrence that counts, else any. What the kernel sent from around the match comes last, and is looked at first. */
function findMatch(parts: readonly Part[], banned: BannedString, offset: number | undefined): Found | null {
  const value = fold(banned.value);
  let any: Found | null = null;
  for (const part of parts.toReversed()) {
    const found = (start: number): Found => ({ part, start, end: start + value.length });
    const hinted = (offset ?? -1) - part.from;
    if (hinted >= 0 && equal(fold(part.bytes.subarray(hinted, hinted + value.length)), value)) return found(hinted);
    for (const start of placesOf(part.bytes, banned)) {
      if (counts(part.bytes, start, banned)) return found(start);
      any ??= found(start);
    }
  }
  return any;
}

function* placesOf(bytes: Uint8Array, { value }: BannedString): Generator<number> {
  const folded = Buffer.from(fold(bytes).buffer);
  const wanted = fold(value);
  for (let start = folded.indexOf(wanted); start >= 0; start = folded.indexOf(wanted, start + 1)) yield start;
}

function joinedLength(args: readonly Uint8Array[]): number {
  return args.reduce((sum, argument) => sum + argument.length, 0) + Math.max(0, args.length - 1);
}

function fits(bytes: Uint8Array, maxChars: number): boolean {
  return toJson(decode(bytes).text).length - 2 <= maxChars;
}

/** A window that begins or ends within a UTF-8 sequence would show as bytes that are not UTF-8. */
function backToCharacter(text: Uint8Array, wanted: number): number {
  const at = Math.min(wanted, text.length);
  for (let back = 0; back <= 3 && at - back > 0; back++) if (!isContinuation(text[at - back])) return at - back;
  return at;
}

function forwardToCharacter(text: Uint8Array, at: number): number {
  for (let on = 0; on <= 3; on++) if (!isContinuation(text[at + on])) return at + on;
  return at;
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}
