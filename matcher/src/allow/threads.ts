// Threads: where the walks through one pattern's NFA stand, and how they pass the places between two bytes.
import type { Budget } from "./budget.js";
import { WORD_BYTES } from "./byte-sets.js";
import type { Nfa, NfaState } from "./nfa.js";
import type { Place } from "./syntax-tree.js";

export const NEWLINE = 0x0a;
/** In a byte's stead: the text ends. */
export const END = -1;

/** What stood before the place where a state is. Only told apart where a place asks. */
export const AFTER_START = 1;
export const AFTER_WORD = 2;
export const AFTER_NEWLINE = 4;

/**
 * A thread is an NFA state times two, plus one when `$` has been passed before a newline that must now turn out to be the
 * last byte: such a thread lives only if the text ends.
 */
export type Thread = number;
export const MUST_END = 1;

export interface Subset {
  /** Ascending. Splits are followed already; places stand here until the next byte is known. */
  readonly threads: readonly Thread[];
  /** Sum of AFTER_ bits; 0 when no thread stands at a place. */
  readonly context: number;
}

/** `subset`'s threads with those at places gone on or gone, now that `symbol` is known to come next. */
export function passPlaces(nfa: Nfa, { threads, context }: Subset, symbol: number, budget: Budget): readonly Thread[] {
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
export function follow(nfa: Nfa, threads: readonly Thread[], budget: Budget, pass?: Pass): Thread[] {
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

export function subsetOf(nfa: Nfa, threads: readonly Thread[], context: number): Subset {
  const asks = threads.some((thread) => stateOf(nfa, thread).kind === "place");
  return { threads, context: asks ? context : 0 };
}

export function stateOf({ states }: Nfa, thread: Thread): NfaState {
  return states[thread >> 1]!;
}

/** What stands before the place that comes after `byte`. */
export function contextAfter(byte: number): number {
  return (WORD_BYTES[byte] === 1 ? AFTER_WORD : 0) + (byte === NEWLINE ? AFTER_NEWLINE : 0);
}
