// What stands after a backslash, inside a character class and outside.
import { complement, DIGIT_BYTES, SPACE_BYTES, WORD_BYTES } from "./byte-sets.js";
import type { Cursor } from "./cursor.js";
import type { ByteSet, Place } from "./syntax-tree.js";
import { LAST_CODE_POINT } from "./utf8-sequences.js";

export type Escape =
  | { readonly kind: "character"; readonly codePoint: number }
  | { readonly kind: "set"; readonly set: ByteSet }
  | { readonly kind: "place"; readonly place: Place };

const SETS: Readonly<Record<string, ByteSet>> = {
  d: DIGIT_BYTES,
  D: complement(DIGIT_BYTES),
  s: SPACE_BYTES,
  S: complement(SPACE_BYTES),
  w: WORD_BYTES,
  W: complement(WORD_BYTES),
};
const PLACES: Readonly<Record<string, Place>> = {
  A: "start",
  Z: "end",
  z: "end",
  b: "word-edge",
  B: "not-word-edge",
};
const CONTROLS: Readonly<Record<string, number>> = { a: 0x07, f: 0x0c, n: 0x0a, r: 0x0d, t: 0x09, v: 0x0b };
const HEX_DIGITS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };
const BACKSPACE = 0x08;

/** Read the rest of an escape whose backslash, at `start`, has been read. */
export function parseEscape(cursor: Cursor, start: number, where: "pattern" | "class"): Escape {
  const digits = cursor.takeMatch(/[0-9]{1,3}/y);
  if (digits !== "") return { kind: "character", codePoint: octal(cursor, start, digits, where) };
  const letter = cursor.next();
  if (letter === "") throw cursor.error(start, "the pattern ends with a backslash", "write \\\\ for a backslash");
  const set = SETS[letter];
  if (set !== undefined) return { kind: "set", set };
  if (where === "class" && letter === "b") return { kind: "character", codePoint: BACKSPACE };
  const place = where === "class" ? undefined : PLACES[letter];
  if (place !== undefined) return { kind: "place", place };
  const length = HEX_DIGITS[letter];
  if (length !== undefined) return { kind: "character", codePoint: hex(cursor, start, length) };
  if (/[A-Za-z]/.test(letter) && CONTROLS[letter] === undefined) {
    throw cursor.error(
      start,
      `\\${letter} has no meaning ${where === "class" ? "in a class" : "here"}`,
      escapeHint(letter),
    );
  }
  return { kind: "character", codePoint: CONTROLS[letter] ?? letter.codePointAt(0)! };
}

/** Python's rule: after `\0`, or with three octal digits, or in a class, digits are an octal number; else a group. */
function octal(cursor: Cursor, start: number, digits: string, where: "pattern" | "class"): number {
  const number =
    /^0[0-7]{0,2}|^[0-7]{3}/.exec(digits)?.[0] ?? (where === "class" ? /^[0-7]+/.exec(digits)?.[0] : undefined);
  if (number === undefined) {
    if (where === "class") throw cursor.error(start, "a digit is escaped", "write the digit without a backslash");
    throw cursor.error(start, "backreferences are not supported", "write the text out again");
  }
  cursor.offset = start + 1 + number.length;
  const codePoint = Number.parseInt(number, 8);
  if (codePoint > 0o377)
    throw cursor.error(start, "an octal number is above \\377", "write \\u and four hexadecimal digits");
  return codePoint;
}

function hex(cursor: Cursor, start: number, length: number): number {
  const digits = cursor.takeMatch(new RegExp(`[0-9A-Fa-f]{${length}}`, "y"));
  const codePoint = Number.parseInt(digits, 16);
  if (digits === "")
    throw cursor.error(start, `${length} hexadecimal digits are missing`, "write all of them, for example \\x2f");
  if (codePoint > LAST_CODE_POINT)
    throw cursor.error(start, "there is no such code point", "the last one is \\U0010FFFF");
  return codePoint;
}

function escapeHint(letter: string): string {
  if (letter === "N" || letter === "p" || letter === "P") return "write the characters out, or their range in a class";
  return `write ${letter} without a backslash, or \\\\ for a backslash`;
}
