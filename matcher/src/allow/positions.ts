// One pattern as positions: the non-deterministic automaton whose states each read one set of bytes (Glushkov's), with places
// decided on the way by the kind of byte on either side.
import type { Budget } from "./budget.js";
import { ANY, byteSet, WORD_BYTES } from "./byte-sets.js";
import { buildNfa, type Nfa } from "./nfa.js";
import type { ByteSet, Node } from "./syntax-tree.js";
import { placesIn } from "./syntax-tree.js";
import {
  AFTER_START,
  contextAfter,
  END,
  follow as followThreads,
  MUST_END,
  NEWLINE,
  passPlaces,
  stateOf,
  type Thread,
} from "./threads.js";

/** A text matches once a walk is at {@link FINAL}, or if it is at {@link AT_END} when the text ends. */
export interface Positions {
  /** The bytes that each position reads. */
  readonly sets: readonly ByteSet[];
  /** The positions that may read the next byte once each one has read its own, ascending. */
  readonly follow: readonly (readonly number[])[];
  /** Those that may read the first byte. */
  readonly first: readonly number[];
}

/** Has matched, whatever comes: reads every byte, and stays. */
export const FINAL = 0;
/** Has matched if the text ends here: reads no byte. */
export const AT_END = 1;

const NO_BYTES: ByteSet = new Uint8Array(256);
/** Of pseudo-states' positions, where the NFA has none: the accepting one, number 0. */
const ACCEPT_STATE = 0;

/** Bytes that the places of a pattern tell apart. */
interface Kind {
  readonly set: ByteSet;
  readonly byte: number;
}

/** Most pairs of positions of which one follows the other; more are not worth looking at. */
const MAX_STEPS = 60_000;

/** @returns undefined when there are more than `maxPositions` or too many steps between them, or `budget` is used up. */
export function positionsOf(tree: Node, maxPositions: number, budget: Budget): Positions | undefined {
  const builder = new Builder(buildNfa(tree), kindsOf(tree), budget);
  const first = builder.after([builder.nfa.start * 2], AFTER_START);
  for (let number = AT_END + 1; number < builder.sets.length; number++) {
    if (builder.sets.length > maxPositions || builder.steps > MAX_STEPS || budget.exhausted) return undefined;
    builder.addFollow(number);
  }
  return builder.inPatternOrder(first);
}

function kindsOf(tree: Node): Kind[] {
  const places = [...placesIn(tree)];
  const words = places.some((place) => place.endsWith("word-edge"));
  const lines = places.some((place) => place.includes("line"));
  const keyOf = (byte: number) => (words && WORD_BYTES[byte] === 1 ? 1 : 0) + (lines && byte === NEWLINE ? 2 : 0);
  const bytes = Array.from({ length: 256 }, (_, byte) => byte);
  return [...new Set(bytes.map(keyOf))].map((key) => ({
    set: byteSet((byte) => keyOf(byte) === key),
    byte: bytes.find((byte) => keyOf(byte) === key)!,
  }));
}

class Builder {
  readonly nfa: Nfa;
  readonly #kinds: readonly Kind[];
  readonly #budget: Budget;
  readonly sets: ByteSet[] = [ANY, NO_BYTES];
  readonly follow: (readonly number[])[] = [[FINAL], []];
  /** What each position reads by: a thread that has not moved yet, and the kind of byte that it moves by. */
  steps = 0;
  readonly #origins: { readonly thread: Thread; readonly kind: Kind }[] = [];
  readonly #numbers = new Map<string, number>();

  constructor(nfa: Nfa, kinds: readonly Kind[], budget: Budget) {
    this.nfa = nfa;
    this.#kinds = kinds;
    this.#budget = budget;
  }

  addFollow(number: number): void {
    const { thread, kind } = this.#origins[number - AT_END - 1]!;
    const state = stateOf(this.nfa, thread);
    if (state.kind === "bytes")
      this.follow.push(this.after([state.to * 2 + (thread & MUST_END)], contextAfter(kind.byte)));
    else this.follow.push([(thread & MUST_END) !== 0 ? AT_END : FINAL]);
  }

  /** The positions that may come next where `threads` stand. */
  after(threads: readonly Thread[], context: number): number[] {
    const standing = followThreads(this.nfa, threads, this.#budget);
    if (standing.includes(ACCEPT_STATE)) return [FINAL];
    const subset = { threads: standing, context };
    const found = new Set<number>();
    for (const kind of this.#kinds) {
      const passed = passPlaces(this.nfa, subset, kind.byte, this.#budget);
      // Where one thread has matched, the others do not matter.
      for (const thread of passed.includes(ACCEPT_STATE) ? [ACCEPT_STATE] : passed) {
        const number = this.#numberOf(thread, kind);
        if (number !== undefined) found.add(number);
      }
    }
    const atEnd = passPlaces(this.nfa, subset, END, this.#budget);
    if (atEnd.includes(ACCEPT_STATE) || atEnd.includes(MUST_END)) found.add(AT_END);
    this.steps += found.size;
    return [...found].sort((a, b) => a - b);
  }

  /** The NFA is built from its end to its start, so that what stands further left has the higher number. */
  inPatternOrder(first: readonly number[]): Positions {
    const threadOf = (number: number) => this.#origins[number - AT_END - 1]!.thread;
    const made = [...this.sets.keys()].filter((number) => number !== FINAL && number !== AT_END);
    const order = [FINAL, AT_END, ...made.sort((a, b) => threadOf(b) - threadOf(a) || a - b)];
    const places = new Int32Array(order.length);
    for (const [place, number] of order.entries()) places[number] = place;
    const moved = (numbers: readonly number[]) => numbers.map((number) => places[number]!).sort((a, b) => a - b);
    return {
      sets: order.map((number) => this.sets[number]!),
      follow: order.map((number) => moved(this.follow[number]!)),
      first: moved(first),
    };
  }

  /** undefined when the thread reads no byte of this kind. */
  #numberOf(thread: Thread, kind: Kind): number | undefined {
    const key = `${thread},${kind.byte}`;
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const state = stateOf(this.nfa, thread);
    const reads = state.kind === "bytes" ? state.set : ANY;
    const set = this.#kinds.length === 1 ? reads : reads.map((member, byte) => member & kind.set[byte]!);
    if (!set.includes(1)) return undefined;
    const number = this.sets.push(set) - 1;
    this.#origins.push({ thread, kind });
    this.#numbers.set(key, number);
    return number;
  }
}
