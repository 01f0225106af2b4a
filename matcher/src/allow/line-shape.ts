// The shape of the lines that allow patterns see, as an automaton: a plain path, then arguments, each quoted where it must be.
// What a pattern does with other texts does not matter: there are none.
import { SHELL_SAFE } from "../shell-quote.js";

/**
 * - `start`, `separated`: an argument begins; the path does in `start`.
 * - `bare`, `quoted`: within one.
 * - `closing`: behind an apostrophe within a quoted one, which ends it or begins an escaped apostrophe.
 * - `escape-1` to `escape-3`: within that.
 */
type Where = "start" | "separated" | "bare" | "quoted" | "closing" | "escape-1" | "escape-2" | "escape-3";

/** What the last of a path's components is so far, or what an argument is. */
type Part = "none" | "slash" | "dot" | "dots" | "name" | "empty" | "argument";

export interface LineShape {
  readonly where: Where;
  readonly part: Part;
  /** What stands between the quotes so far would be quoted. */
  readonly needsQuotes: boolean;
}

const SLASH = 0x2f;
const DOT = 0x2e;
const SPACE = 0x20;
const APOSTROPHE = 0x27;
const DOUBLE_QUOTE = 0x22;
const SPECIAL: readonly number[] = [0, SLASH, DOT, SPACE, APOSTROPHE, DOUBLE_QUOTE];

const SEPARATED: LineShape = { where: "separated", part: "empty", needsQuotes: false };
export const LINE_START: LineShape = { where: "start", part: "none", needsQuotes: false };

/** @returns undefined where no line goes on so. Every shape that is returned is the beginning of some line. */
export function nextShape(shape: LineShape, byte: number): LineShape | undefined {
  const { where, part, needsQuotes } = shape;
  if (byte === 0) return undefined;
  switch (where) {
    case "start":
      if (byte === APOSTROPHE) return { where: "quoted", part: "none", needsQuotes: false };
      return byte === SLASH ? { where: "bare", part: "slash", needsQuotes: false } : undefined;
    case "separated":
      if (byte === APOSTROPHE) return { where: "quoted", part: "empty", needsQuotes: true };
      return SHELL_SAFE[byte] === 1 ? { where: "bare", part: "argument", needsQuotes: false } : undefined;
    case "bare": {
      if (byte === SPACE) return isEnd(shape) ? SEPARATED : undefined;
      const next = SHELL_SAFE[byte] === 1 ? nextPart(part, byte) : undefined;
      return next && { where, part: next, needsQuotes };
    }
    case "quoted": {
      if (byte === APOSTROPHE) return part === "none" ? undefined : { ...shape, where: "closing" };
      const next = nextPart(part, byte);
      // An empty argument is quoted; its first byte decides anew.
      return next && { where, part: next, needsQuotes: SHELL_SAFE[byte] === 0 || (needsQuotes && part !== "empty") };
    }
    case "closing":
      if (byte === DOUBLE_QUOTE) return { where: "escape-1", part: afterApostrophe(part), needsQuotes: true };
      return byte === SPACE && isEnd(shape) ? SEPARATED : undefined;
    case "escape-1":
      return byte === APOSTROPHE ? { ...shape, where: "escape-2" } : undefined;
    case "escape-2":
      return byte === DOUBLE_QUOTE ? { ...shape, where: "escape-3" } : undefined;
    case "escape-3":
      return byte === APOSTROPHE ? { ...shape, where: "quoted" } : undefined;
  }
}

/** Whether a line may end here. */
export function isEnd({ where, part, needsQuotes }: LineShape): boolean {
  const isWhole = part === "name" || part === "argument" || part === "empty";
  return isWhole && (where === "bare" || (where === "closing" && needsQuotes));
}

/** Bytes of one key are alike to every shape. */
export function shapeKey(byte: number): string {
  return SPECIAL.includes(byte) ? `${byte}` : SHELL_SAFE[byte] === 1 ? "safe" : "unsafe";
}

export function shapeName({ where, part, needsQuotes }: LineShape): string {
  return `${where} ${part} ${needsQuotes}`;
}

/** undefined: the path would not be plain. */
function nextPart(part: Part, byte: number): Part | undefined {
  switch (part) {
    case "none":
      return byte === SLASH ? "slash" : undefined;
    case "slash":
      return byte === SLASH ? undefined : byte === DOT ? "dot" : "name";
    case "dot":
      return byte === SLASH ? undefined : byte === DOT ? "dots" : "name";
    case "dots":
      return byte === SLASH ? undefined : "name";
    case "name":
      return byte === SLASH ? "slash" : "name";
    case "empty":
    case "argument":
      return "argument";
  }
}

function afterApostrophe(part: Part): Part {
  return part === "empty" || part === "argument" ? "argument" : "name";
}
