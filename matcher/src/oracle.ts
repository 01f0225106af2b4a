// The oracle: the shortest search that is obviously right. The kernel's matcher, the table walk, the scan and `explain`
// are all held against it. Nothing here is fast.
import { FOLD, WORD } from "./fold.js";
import type { BannedString, CommandLine, Match } from "./types.js";

const NUL = 0;

/**
 * Search `line` for every string.
 *
 * Two texts are searched, as one process has two faces: the executed path followed by `argv[1..]`, and `argv[0]` followed by
 * `argv[1..]`. Arguments are joined by NUL, which folds to a space.
 *
 * @returns The lowest index with an occurrence that counts; else the lowest index that occurs at all; else `none`.
 */
export function search(strings: readonly BannedString[], line: CommandLine): Match {
  const rest = line.args.slice(1);
  const texts = [join([line.path, ...rest]), ...(line.args.length > 0 ? [join(line.args)] : [])];
  let substring = -1;
  for (const [index, string] of strings.entries()) {
    for (const text of texts) {
      for (const at of occurrences(text, string.value)) {
        if (counts(text, at, string)) return { kind: "banned", index };
        if (substring < 0) substring = index;
      }
    }
  }
  return substring < 0 ? { kind: "none" } : { kind: "is-substring", index: substring };
}

/** Whether the occurrence of `string` at `at` in `text` (arguments joined by NUL, not folded) counts under its mode. */
export function counts(text: Uint8Array, at: number, { value, mode }: BannedString): boolean {
  if (mode === "anywhere") return true;
  const end = at + value.length;
  const before = at === 0 ? NUL : text[at - 1]!;
  const after = end === text.length ? NUL : text[end]!;
  if (mode === "word") return WORD[before] === 0 && WORD[after] === 0;
  return before === NUL && after === NUL && !text.subarray(at, end).includes(NUL);
}

function join(args: readonly Uint8Array[]): Uint8Array {
  const joined: number[] = [];
  for (const [i, argument] of args.entries()) {
    if (i > 0) joined.push(NUL);
    for (const byte of argument) joined.push(byte);
  }
  return Uint8Array.from(joined);
}

function* occurrences(text: Uint8Array, value: Uint8Array): Generator<number> {
  for (let at = 0; at + value.length <= text.length; at++) {
    let i = 0;
    while (i < value.length && FOLD[text[at + i]!] === FOLD[value[i]!]) i++;
    if (i === value.length) yield at;
  }
}
