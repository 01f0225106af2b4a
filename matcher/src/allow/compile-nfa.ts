// The patterns that no table has room for, as bits; and what keeps a pattern from that.
import { type BitNfa, type Lined, MAX_STATES, NFA_LIMITS, packNfa } from "./bit-nfa.js";
import { Budget } from "./budget.js";
import { lineUp } from "./edges.js";
import { positionsOf } from "./positions.js";
import { reduce } from "./reduce.js";
import { statesOf } from "./states.js";
import type { Node } from "./syntax-tree.js";

/** A pattern that the kernel cannot walk, in the words of a config's problem. */
export interface RefusedPattern {
  readonly pattern: number;
  readonly expected: string;
  readonly got: string;
  readonly hint: string;
}

/** Positions before they are reduced, and steps of making them, for one pattern; more are not looked at. */
const MAX_MADE = 2048;
const MAX_STEPS = 300_000;

const HINT = "write smaller counts, or * and + for them, or fewer alternatives; or anchor the parts between two .*";

/** @param wanted - By its index: a pattern, and the allow sets that need it as bits. */
export function compileNfa(wanted: ReadonlyMap<number, { readonly tree: Node; readonly sets: readonly number[] }>): {
  readonly nfa: BitNfa | null;
  readonly refused: readonly RefusedPattern[];
} {
  const lined: Lined[] = [];
  const refused: RefusedPattern[] = [];
  for (const [pattern, { tree, sets }] of wanted) {
    const made = line(pattern, sets, tree);
    if ("line" in made) lined.push(made);
    else refused.push({ pattern, ...made, hint: HINT });
  }
  const packed = packNfa(lined);
  for (const pattern of packed.refused) {
    const { line: own } = lined.find((other) => other.pattern === pattern)!;
    refused.push({
      pattern,
      expected: `room beside the other patterns: all that need such automata have ${NFA_LIMITS.words * 64} states in ${NFA_LIMITS.blocks} groups`,
      got: `a pattern of ${own.order.length} states more`,
      hint: HINT,
    });
  }
  return { nfa: packed.nfa, refused: refused.sort((a, b) => a.pattern - b.pattern) };
}

function line(
  pattern: number,
  sets: readonly number[],
  tree: Node,
): Lined | { readonly expected: string; readonly got: string } {
  const expected = `a pattern whose automaton has at most ${MAX_STATES} states`;
  const made = positionsOf(tree, MAX_MADE, new Budget(MAX_STEPS));
  if (made === undefined) return { expected, got: "far more" };
  const states = statesOf(reduce(made));
  if (states.read.length > MAX_STATES) return { expected, got: `${states.read.length}` };
  const tooManyWays = {
    expected: `a pattern whose states follow each other in at most ${NFA_LIMITS.blockEdges} ways`,
    got: "more",
  };
  const own = lineUp(states, NFA_LIMITS.blockEdges);
  if (own === undefined) return tooManyWays;
  const lined = { pattern, sets, states, line: own };
  return packNfa([lined]).refused.length > 0 ? tooManyWays : lined;
}
