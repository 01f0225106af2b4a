// One pattern's NFA to a DFA: the subset construction, with places (`\b`, `$`, ...) decided on the way.
import type { Budget } from "./budget.js";
import { type ByteClasses, byteClasses } from "./byte-classes.js";
import { byteSet, WORD_BYTES } from "./byte-sets.js";
import { DEAD, type Dfa, NO_PATTERN } from "./dfa.js";
import type { Nfa } from "./nfa.js";
import type { ByteSet } from "./syntax-tree.js";
import {
  AFTER_START,
  contextAfter,
  END,
  follow,
  MUST_END,
  NEWLINE,
  passPlaces,
  type Subset,
  stateOf,
  subsetOf,
  type Thread,
} from "./threads.js";

const NEWLINE_SET: ByteSet = byteSet((byte) => byte === NEWLINE);
/** Accepting state; all patterns' DFAs have one. */
const ACCEPT = 1;

/**
 * Determinize `nfa` as the pattern `patternIndex`.
 *
 * @returns undefined when it would have more than `maxStates` states or take more steps than `budget` has.
 */
export function determinize(nfa: Nfa, patternIndex: number, maxStates: number, budget: Budget): Dfa | undefined {
  const classes = classesOf(nfa);
  const numbers = new Map<string, number>();
  const subsets: (Subset | undefined)[] = [undefined, undefined];
  const symbols = [...classes.representatives, END];
  const next = [...symbols.map(() => DEAD), ...symbols.map(() => ACCEPT)];

  const numberOf = (subset: Subset): number => {
    if (subset.threads.length === 0) return DEAD;
    if (subset.threads.includes(0)) return ACCEPT;
    const key = `${subset.context}:${subset.threads.join()}`;
    const known = numbers.get(key);
    if (known !== undefined) return known;
    numbers.set(key, subsets.length);
    return subsets.push(subset) - 1;
  };

  const start = numberOf(subsetOf(nfa, follow(nfa, [nfa.start * 2], budget), AFTER_START));
  for (let state = 2; state < subsets.length; state++) {
    const subset = subsets[state]!;
    for (const symbol of symbols) {
      next.push(numberOf(step(nfa, subset, symbol, budget)));
      if (subsets.length > maxStates || budget.exhausted) return undefined;
    }
  }
  return {
    classes,
    stateCount: subsets.length,
    starts: [start],
    next: Int32Array.from(next),
    accepts: Int32Array.from(subsets, (_, state) => (state === ACCEPT ? patternIndex : NO_PATTERN)),
  };
}

function classesOf({ states }: Nfa): ByteClasses {
  const sets = new Set<ByteSet>();
  for (const state of states) {
    if (state.kind === "bytes") sets.add(state.set);
    if (state.kind === "place") sets.add(state.place.endsWith("word-edge") ? WORD_BYTES : NEWLINE_SET);
  }
  return byteClasses(sets);
}

const ACCEPTED: Subset = { threads: [0], context: 0 };
const NONE: Subset = { threads: [], context: 0 };

/** What is left of `subset` after one byte, or after the end of the text. */
function step(nfa: Nfa, subset: Subset, symbol: number, budget: Budget): Subset {
  const standing = passPlaces(nfa, subset, symbol, budget);
  budget.spend(1 + standing.length);
  if (standing.includes(0)) return ACCEPTED;
  if (symbol === END) return standing.includes(MUST_END) ? ACCEPTED : NONE;
  const moved: Thread[] = [];
  for (const thread of standing) {
    const state = stateOf(nfa, thread);
    if (state.kind === "bytes" && state.set[symbol] === 1) moved.push(state.to * 2 + (thread & MUST_END));
    if (state.kind === "accept") moved.push(thread);
  }
  if (moved.length === 0) return NONE;
  return subsetOf(nfa, follow(nfa, moved, budget), contextAfter(symbol));
}
