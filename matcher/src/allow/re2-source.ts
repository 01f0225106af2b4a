// A pattern's tree as RE2 syntax, for text in which each character is one byte (Latin-1).
import type { ByteSet, Node, Place } from "./syntax-tree.js";

/**
 * Stands for a newline that does not end the text. RE2 has no place before a final newline only; with the other newlines
 * renamed, its line end is Python's `$`.
 */
export const INNER_NEWLINE = "\u0100";

const NEWLINE = 0x0a;
const PLACES: Readonly<Record<Place, string>> = {
  start: "\\A",
  end: "\\z",
  "final-line-end": "(?m:$)",
  "line-start": "(?m:^)",
  "line-end": "(?m:$)",
  "word-edge": "\\b",
  "not-word-edge": "\\B",
};

/** RE2 syntax for `node`, anchored nowhere. `renamed`: newlines inside of the text are {@link INNER_NEWLINE}. */
export function re2Source(node: Node, renamed: boolean): string {
  switch (node.kind) {
    case "bytes":
      return classSource(node.set, renamed);
    case "place":
      return PLACES[node.place];
    case "sequence":
      return node.parts.map((part) => re2Source(part, renamed)).join("");
    case "either":
      return `(?:${node.branches.map((branch) => re2Source(branch, renamed)).join("|")})`;
    case "repeat":
      return `(?:${re2Source(node.body, renamed)}){${node.min},${node.max === Infinity ? "" : node.max}}`;
  }
}

/** `[\x61-\x7a]`. The empty set, which `[]` cannot say, is what matches no text: end before start. */
function classSource(set: ByteSet, renamed: boolean): string {
  let ranges = "";
  for (let first = 0; first < 256; first++) {
    if (set[first] === 0) continue;
    let last = first;
    while (last < 255 && set[last + 1] === 1) last++;
    ranges += first === last ? hex(first) : `${hex(first)}-${hex(last)}`;
    first = last;
  }
  if (renamed && set[NEWLINE] === 1) ranges += "\\x{100}";
  return ranges === "" ? "[^\\x{0}-\\x{10FFFF}]" : `[${ranges}]`;
}

function hex(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, "0")}`;
}
