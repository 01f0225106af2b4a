// A process's arguments as the log shows them: quoted, in small letters, and never longer than the limit.
import { type BannedString, counts, fold, quoteLine } from "@cryptnono/matcher";
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
  const capturedBytes = joinedLength(line);
  const lost = Math.max(0, process.argsBytes - joinedLength(process.args) - 1);
  if (lost === 0 && capturedBytes <= maxChars) {
    const bytes = lowerCase(quoteLine(line));
    if (fits(bytes, maxChars)) return { bytes };
  }
  const text = joined(line, capturedBytes);
  const match = banned === null ? null : findMatch(text, banned, matchOffset);
  // Quotes and escapes take up to six characters a byte: halve the windows until the result fits.
  for (let budget = maxChars - MARKS_CHARS; ; budget = budget >> 1) {
    const windows = windowsOf(text, match, budget);
    const bytes = lowerCase(quoteWindows(text, windows, lost > 0));
    if (!fits(bytes, maxChars) && budget > 16) continue;
    const shownBytes = windows.reduce((sum, [from, to]) => sum + to - from, 0);
    const truncated = {
      total_bytes: capturedBytes + lost,
      captured_bytes: capturedBytes,
      shown_bytes: shownBytes,
      shown: windows,
    };
    return shownBytes < truncated.total_bytes ? { bytes, truncated } : { bytes };
  }
}

/**
 * Path and arguments as they were given to execve, without `argv[0]`. For a script the kernel has put the interpreter, its one
 * optional argument and the script's path in front of the arguments: those go.
 */
export function contractLine({ path, interpreter, args }: ProcessFacts): readonly Uint8Array[] {
  let first = 1;
  if (interpreter !== undefined) {
    const at = args.findIndex((argument, i) => i > 0 && i <= MAX_SCRIPT_PREFIX && equal(argument, path));
    if (at > 0) first = at + 1;
  }
  return [path, ...args.slice(first)];
}

/** Interpreters may be scripts themselves, five deep at most (linux fs/exec.c `exec_binprm`), each with one argument. */
const MAX_SCRIPT_PREFIX = 12;
const NUL = 0;
/** Room for the marks and the quotes at a window's ends, with some to spare. */
const MARKS_CHARS = 64;
const MARK = Buffer.from("[...]");

type Window = readonly [from: number, to: number];

function windowsOf(text: Uint8Array, match: Window | null, budget: number): Window[] {
  const around = budget >> 3;
  const head = match === null ? budget : Math.max(0, budget - 2 * around - (match[1] - match[0]));
  const start: Window = [0, backToCharacter(text, Math.min(head, text.length))];
  if (match === null || match[1] <= start[1]) return [start];
  const from = forwardToCharacter(text, Math.max(0, match[0] - around));
  const to = backToCharacter(text, Math.min(text.length, match[1] + around));
  return from <= start[1] ? [[0, to]] : [start, [from, to]];
}

function quoteWindows(text: Uint8Array, windows: readonly Window[], lost: boolean): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [from, to] of windows) {
    if (from > 0) parts.push(MARK);
    parts.push(quoteLine(split(text.subarray(from, to))));
  }
  if (lost || windows.at(-1)![1] < text.length) parts.push(MARK);
  return Buffer.concat(parts.flatMap((part, i) => (i === 0 ? [part] : [Buffer.from(" "), part])));
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

function findMatch(text: Uint8Array, banned: BannedString, offset: number | undefined): Window | null {
  const value = fold(banned.value);
  const at = (start: number): Window => [start, start + value.length];
  if (offset !== undefined && equal(fold(text.subarray(...at(offset))), value)) return at(offset);
  const folded = Buffer.from(fold(text).buffer);
  let first: Window | null = null;
  for (let start = folded.indexOf(value); start >= 0; start = folded.indexOf(value, start + 1)) {
    if (counts(text, start, banned)) return at(start);
    first ??= at(start);
  }
  return first;
}

function joinedLength(args: readonly Uint8Array[]): number {
  return args.reduce((sum, argument) => sum + argument.length, 0) + Math.max(0, args.length - 1);
}

function joined(args: readonly Uint8Array[], length: number): Uint8Array {
  const text = new Uint8Array(length);
  let at = 0;
  for (const argument of args) {
    text.set(argument, at);
    at += argument.length + 1;
  }
  return text;
}

/** Capitals alone: the white space of an argument is part of what happened and stays. */
function lowerCase(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  for (let i = 0; i < copy.length; i++) if (copy[i]! >= 0x41 && copy[i]! <= 0x5a) copy[i]! += 0x20;
  return copy;
}

function fits(bytes: Uint8Array, maxChars: number): boolean {
  return toJson(decode(bytes).text).length - 2 <= maxChars;
}

/** A window that begins or ends within a UTF-8 sequence would show as bytes that are not UTF-8. */
function backToCharacter(text: Uint8Array, at: number): number {
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
