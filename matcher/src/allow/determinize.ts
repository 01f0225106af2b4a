// One pattern's NFA to a DFA: the subset construction, with places (`\b`, `$`, ...) decided on the way.
import type { Budget } from "./budget.js";
import { type ByteClasses, byteClasses } from "./byte-classes.js";
import { byteSet, WORD_BYTES } from "./byte-sets.js";
import { DEAD, type Dfa, NO_PATTERN } from "./dfa.js";
import type { Nfa, NfaState } from "./nfa.js";
import type { ByteSet, Place } from "./syntax-tree.js";

const NEWLINE = 0x0a;
const NEWLINE_SET: ByteSet = byteSet((byte) => byte === NEWLINE);
const END = -1;
/** Accepting state; all patterns' DFAs have one. */
const ACCEPT = 1;

/** What stood before the place where a state is. Only told apart where a place asks. */
const AFTER_START = 1;
const AFTER_WORD = 2;
const AFTER_NEWLINE = 4;

/**
 * A thread is an NFA state times two, plus one when `$` has been passed before a newline that must now turn out to be the
 * last byte: such a thread lives only if the text ends.
 */
type Thread = number;
const MUST_END = 1;

interface Subset {
  /** Ascending. Splits are followed already; places stand here until the next byte is known. */
  readonly threads: readonly Thread[];
  /** Sum of AFTER_ bits; 0 when no thread stands at a place. */
  readonly context: number;
}

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
  const context = (WORD_BYTES[symbol] === 1 ? AFTER_WORD : 0) + (symbol === NEWLINE ? AFTER_NEWLINE : 0);
  return subsetOf(nfa, follow(nfa, moved, budget), context);
}

/** `subset`'s threads with those at places gone on or gone, now that `symbol` is known to come next. */
function passPlaces(nfa: Nfa, { threads, context }: Subset, symbol: number, budget: Budget): readonly Thread[] {
  const standing = symbol === END ? threads : threads.filter((thread) => (thread & MUST_END) === 0);
  if (!standing.some((thread) => stateOf(nfa, thread).kind === "place")) return standing;
  return follow(nfa, standing, budget, ({ place, to }, thread) => {
    if (place === "final-line-end" && symbol === NEWLINE) return to * 2 + MUST_END;
    return holds(place, context, symbol) ? to * 2 + (thread & MUST_END) : undefined;
  });
}

function holds(place: Place, context: number, symbol: number): boolean {
  switch (place) {
    case "start":
      return (context & AFTER_START) !== 0;
    case "line-start":
      return (context & (AFTER_START | AFTER_NEWLINE)) !== 0;
    case "end":
    case "final-line-end":
      return symbol === END;
    case "line-end":
      return symbol === END || symbol === NEWLINE;
    case "word-edge":
      return isWordEdge(context, symbol);
    case "not-word-edge":
      return !isWordEdge(context, symbol);
  }
}

function isWordEdge(context: number, symbol: number): boolean {
  return ((context & AFTER_WORD) !== 0) !== (symbol !== END && WORD_BYTES[symbol] === 1);
}

type Pass = (state: NfaState & { kind: "place" }, thread: Thread) => Thread | undefined;

/**
 * The threads that `threads` lead to without reading a byte, ascending: splits are followed, and places where `pass` says
 * where to go on. Without `pass` places stay.
 */
function follow(nfa: Nfa, threads: readonly Thread[], budget: Budget, pass?: Pass): Thread[] {
  const seen = new Set<Thread>();
  const waiting = [...threads];
  const found: Thread[] = [];
  for (let thread = waiting.pop(); thread !== undefined; thread = waiting.pop()) {
    if (seen.has(thread)) continue;
    seen.add(thread);
    const state = stateOf(nfa, thread);
    if (state.kind === "split") {
      for (const to of state.to) waiting.push(to * 2 + (thread & MUST_END));
    } else if (state.kind === "place" && pass !== undefined) {
      const to = pass(state, thread);
      if (to !== undefined) waiting.push(to);
    } else {
      found.push(thread);
    }
  }
  budget.spend(seen.size);
  return found.sort((a, b) => a - b);
}

function subsetOf(nfa: Nfa, threads: readonly Thread[], context: number): Subset {
  const asks = threads.some((thread) => stateOf(nfa, thread).kind === "place");
  return { threads, context: asks ? context : 0 };
}

function stateOf({ states }: Nfa, thread: Thread): NfaState {
  return states[thread >> 1]!;
}
