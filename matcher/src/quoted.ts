// Strings with an apostrophe. The contract's line is shell-quoted, so such a string can be meant for the quotes that the
// quoting puts around an argument, which stand on no command line. They are found in two steps: a piece of the string
// without apostrophes, by the tables; then the string itself, in the quoted line, by user space.

import { counts } from "./counts.js";
import { fold } from "./fold.js";
import { quoteLine } from "./shell-quote.js";
import type { BannedString, Indexed } from "./types.js";

const APOSTROPHE = 0x27;
const SPACE = 0x20;
/** A shorter piece stands in too many lines: each of them would be held until user space has looked. */
const MIN_PIECE_BYTES = 4;

/**
 * The longest piece of a string that stands in the plain line wherever the string stands in the quoted one.
 *
 * @returns null for a string without an apostrophe, for one that must be a whole argument, for a rule of several, and when no piece is long enough:
 *   such a string is found in the plain line alone.
 */
export function quotedPiece({ value, mode, also }: BannedString): Uint8Array | null {
  if (also !== undefined || mode === "exact-argument" || !value.includes(APOSTROPHE)) return null;
  let best = value.subarray(0, 0);
  for (let from = 0; from <= value.length; ) {
    const apostrophe = value.indexOf(APOSTROPHE, from);
    const end = apostrophe < 0 ? value.length : apostrophe;
    const piece = value.subarray(from, end);
    // In the quoted line `'` within an argument is `'"'"'`: the double quotes are the quoting's, not the argument's.
    if (!piece.includes(DOUBLE_QUOTE) && weight(piece) > weight(best)) best = piece;
    from = end + 1;
  }
  return weight(best) >= MIN_PIECE_BYTES ? best : null;
}

const DOUBLE_QUOTE = 0x22;

function weight(piece: Uint8Array): number {
  return piece.filter((byte) => byte > SPACE).length;
}

/**
 * Search the shell-quoted line of `args` (the path, then what follows `argv[0]`) for the strings that have an apostrophe.
 *
 * @returns The indices, ascending, of those with an occurrence that counts.
 */
export function searchQuoted(
  strings: Indexed<BannedString>,
  args: readonly Uint8Array[],
  indices: Iterable<number> = Array.from({ length: strings.length }).keys(),
): number[] {
  const text = fold(quoteLine(args));
  const found: number[] = [];
  for (const index of indices) {
    const string = strings.at(index)!;
    if (quotedPiece(string) !== null && stands(string, text)) found.push(index);
  }
  return found;
}

function stands(string: BannedString, text: Uint8Array): boolean {
  const wanted = fold(string.value);
  for (let at = indexOf(text, wanted, 0); at >= 0; at = indexOf(text, wanted, at + 1)) {
    if (counts(text, at, string)) return true;
  }
  return false;
}

function indexOf(text: Uint8Array, wanted: Uint8Array, from: number): number {
  for (let at = text.indexOf(wanted[0]!, from); at >= 0; at = text.indexOf(wanted[0]!, at + 1)) {
    let i = 1;
    while (i < wanted.length && text[at + i] === wanted[i]) i++;
    if (i === wanted.length) return at;
  }
  return -1;
}
