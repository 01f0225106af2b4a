// An allow pattern as a tree over bytes. The parser makes it; every automaton is made from it, and the RE2 text of the tests.

/** 256 entries, 1 for each byte in the set. Never written after it is made: nodes share sets. */
export type ByteSet = Uint8Array;

/**
 * A place between two bytes.
 * - `start`, `end`: of the text.
 * - `final-line-end`: the end of the text, or before a newline that ends it (Python's `$`).
 * - `line-start`, `line-end`: also after and before any newline (`^` and `$` under the flag `m`).
 * - `word-edge`, `not-word-edge`: `\b` and `\B`, with ASCII word bytes.
 */
export type Place = "start" | "end" | "final-line-end" | "line-start" | "line-end" | "word-edge" | "not-word-edge";

export type Node =
  | { readonly kind: "bytes"; readonly set: ByteSet }
  /** Of no parts: the empty text. */
  | { readonly kind: "sequence"; readonly parts: readonly Node[] }
  | { readonly kind: "either"; readonly branches: readonly Node[] }
  /** `max` may be `Infinity`. Greedy and lazy are the same here: only whether there is a match matters. */
  | { readonly kind: "repeat"; readonly body: Node; readonly min: number; readonly max: number }
  | { readonly kind: "place"; readonly place: Place };

/** Number of byte sets and places after all counted repeats are written out: the automaton's size before determinizing. */
export function expandedSize(node: Node): number {
  switch (node.kind) {
    case "bytes":
    case "place":
      return 1;
    case "sequence":
      return node.parts.reduce((sum, part) => sum + expandedSize(part), 0);
    case "either":
      return node.branches.reduce((sum, branch) => sum + expandedSize(branch) + 1, 0);
    case "repeat":
      return copies(node) * Math.max(1, expandedSize(node.body));
  }
}

/** Copies of the innermost body when nested counted repeats are multiplied: `(a{10}){20}` has 200. */
export function nestedCopies(node: Node): number {
  switch (node.kind) {
    case "bytes":
    case "place":
      return 1;
    case "sequence":
      return node.parts.reduce((most, part) => Math.max(most, nestedCopies(part)), 1);
    case "either":
      return node.branches.reduce((most, branch) => Math.max(most, nestedCopies(branch)), 1);
    case "repeat":
      return copies(node) * nestedCopies(node.body);
  }
}

/** The places that occur in a tree. */
export function placesIn(node: Node, found: Set<Place> = new Set()): Set<Place> {
  switch (node.kind) {
    case "bytes":
      break;
    case "place":
      found.add(node.place);
      break;
    case "sequence":
      for (const part of node.parts) placesIn(part, found);
      break;
    case "either":
      for (const branch of node.branches) placesIn(branch, found);
      break;
    case "repeat":
      placesIn(node.body, found);
  }
  return found;
}

function copies({ min, max }: { min: number; max: number }): number {
  return Math.max(1, max === Infinity ? min : max);
}
