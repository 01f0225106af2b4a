// A syntax tree as a non-deterministic automaton: Thompson's construction, built from the end to the start.
// https://swtch.com/~rsc/regexp/regexp1.html
import type { ByteSet, Node, Place } from "./syntax-tree.js";

export type NfaState =
  | { readonly kind: "bytes"; readonly set: ByteSet; readonly to: number }
  | { readonly kind: "place"; readonly place: Place; readonly to: number }
  | { readonly kind: "split"; readonly to: readonly number[] }
  | { readonly kind: "accept" };

/** States by index. `start` is the first one. */
export interface Nfa {
  readonly states: readonly NfaState[];
  readonly start: number;
}

/** Build the automaton of `tree`. Its states are about as many as `expandedSize(tree)`. */
export function buildNfa(tree: Node): Nfa {
  const states: NfaState[] = [{ kind: "accept" }];
  const start = build(states, tree, 0);
  return { states, start };
}

/** Add states that match `node` and then go on at `to`; returns where they start. */
function build(states: NfaState[], node: Node, to: number): number {
  switch (node.kind) {
    case "bytes":
      return states.push({ kind: "bytes", set: node.set, to }) - 1;
    case "place":
      return states.push({ kind: "place", place: node.place, to }) - 1;
    case "sequence":
      return node.parts.reduceRight((next, part) => build(states, part, next), to);
    case "either":
      return states.push({ kind: "split", to: node.branches.map((branch) => build(states, branch, to)) }) - 1;
    case "repeat":
      return buildRepeat(states, node, to);
  }
}

function buildRepeat(states: NfaState[], { body, min, max }: Node & { kind: "repeat" }, to: number): number {
  let start = to;
  let before = min;
  if (max === Infinity) {
    // The loop goes back to the last of the copies that must be there: x+ is one copy, as nested ones must not double.
    const targets = [to];
    const loop = states.push({ kind: "split", to: targets }) - 1;
    const last = build(states, body, loop);
    targets.push(last);
    start = min === 0 ? loop : last;
    before = Math.max(0, min - 1);
  } else {
    // x{0,2} is (x(x)?)?: each optional copy stands inside the one before it.
    for (let i = min; i < max; i++) {
      start = states.push({ kind: "split", to: [to, build(states, body, start)] }) - 1;
    }
  }
  for (let i = 0; i < before; i++) start = build(states, body, start);
  return start;
}
