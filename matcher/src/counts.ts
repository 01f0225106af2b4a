// The rule of neighbours: when an occurrence counts.
import { WORD } from "./fold.js";
import type { BannedString } from "./types.js";

const NUL = 0;
const EQUALS = 0x3d;

/** Whether the occurrence of `string` at `at` in `text` (arguments joined by NUL, not folded) counts under its mode. */
export function counts(text: Uint8Array, at: number, { value, mode }: BannedString): boolean {
  if (mode === "anywhere") return true;
  const end = at + value.length;
  const before = at === 0 ? NUL : text[at - 1]!;
  const after = end === text.length ? NUL : text[end]!;
  if (mode === "word") return WORD[before] === 0 && WORD[after] === 0;
  if (before !== NUL && (mode !== "exact-value" || before !== EQUALS)) return false;
  return after === NUL && !text.subarray(at, end).includes(NUL);
}
