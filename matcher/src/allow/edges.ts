// Where a walk may go from each state, in few machine words: to the next state of a line, and the rest.
import type { States } from "./states.js";

/** A state is a bit. All sets of bits are little-endian words of 32. */
export interface Line {
  /** The states in their new order. */
  readonly order: readonly number[];
  /** Bits that lead to the next one. */
  readonly shift: Uint32Array;
  /** All else: each of `from` leads to each of `to`. */
  readonly rest: readonly Edge[];
}

export interface Edge {
  readonly from: Uint32Array;
  readonly to: Uint32Array;
}

/** Rows and columns that the next pair is looked for in, those with the most steps. */
const CANDIDATES = 6;

/**
 * Order states so that as many as can be lead to the next one, and cover the other steps with few pairs of sets.
 *
 * @returns undefined when they would be more than `maxEdges`.
 */
export function lineUp(states: States, maxEdges: number): Line | undefined {
  const order = chains(states);
  const place = new Map(order.map((state, i) => [state, i]));
  const words = (order.length + 31) >>> 5;
  const shift = new Uint32Array(words);
  const whole = order.map((state) =>
    bitsOf(
      states.follow[state]!.map((next) => place.get(next)!),
      words,
    ),
  );
  const left = whole.map((row, i) => {
    const others = row.slice();
    if (takeBit(others, i + 1)) setBit(shift, i);
    return others;
  });
  const rest: Edge[] = [];
  while (left.some((row) => !isEmpty(row))) {
    if (rest.length === maxEdges) return undefined;
    const edge = largest(whole, left);
    rest.push(edge);
    for (const [i, row] of left.entries()) if (hasBit(edge.from, i)) remove(row, edge.to);
  }
  return { order, shift, rest };
}

/** States one behind the other, each where it can be behind one that leads to it. */
function chains({ follow }: States): number[] {
  const order: number[] = [];
  const seen = new Set<number>();
  for (const start of follow.keys()) {
    for (let state: number | undefined = start; state !== undefined && !seen.has(state); ) {
      seen.add(state);
      order.push(state);
      state = follow[state]!.find((next) => !seen.has(next));
    }
  }
  return order;
}

/** The pair that covers most steps of `left`, of those that a row or a column of it begins. It may cover others of `whole` too. */
function largest(whole: readonly Uint32Array[], left: readonly Uint32Array[]): Edge {
  const words = whole[0]!.length;
  const sizes = left.map((row) => countCommon(row, row));
  const columns = new Int32Array(whole.length);
  for (const row of left) eachBit(row, (i) => columns[i]!++);
  let best: Edge | undefined;
  let most = 0;
  const consider = (edge: Edge) => {
    let steps = 0;
    for (const [i, row] of left.entries()) if (hasBit(edge.from, i)) steps += countCommon(row, edge.to);
    // A pair over several words is as many pairs.
    const gain = steps / (wordsIn(edge.from) * wordsIn(edge.to));
    if (gain <= most) return;
    most = gain;
    best = edge;
  };
  for (const i of greatest(sizes)) {
    const to = left[i]!.slice();
    const from = whole.flatMap((all, other) => (isSubset(to, all) ? [other] : []));
    consider({ from: bitsOf(from, words), to });
  }
  for (const column of greatest(columns)) {
    const from = left.flatMap((row, i) => (hasBit(row, column) ? [i] : []));
    const to = new Uint32Array(words).fill(0xffffffff);
    for (const i of from) keepCommon(to, whole[i]!);
    consider({ from: bitsOf(from, words), to });
  }
  return best!;
}

/** Where the greatest numbers above 0 stand, the first ones of equal ones. */
function greatest(numbers: ArrayLike<number>): number[] {
  const places = Array.from({ length: numbers.length }, (_, i) => i).filter((i) => numbers[i]! > 0);
  return places.sort((a, b) => numbers[b]! - numbers[a]! || a - b).slice(0, CANDIDATES);
}

// ---- bits ----

export function bitsOf(members: Iterable<number>, words: number): Uint32Array {
  const bits = new Uint32Array(words);
  for (const i of members) setBit(bits, i);
  return bits;
}

export function setBit(bits: Uint32Array, i: number): void {
  bits[i >>> 5]! |= 1 << (i & 31);
}

export function hasBit(bits: Uint32Array, i: number): boolean {
  return ((bits[i >>> 5] ?? 0) & (1 << (i & 31))) !== 0;
}

function takeBit(bits: Uint32Array, i: number): boolean {
  if (!hasBit(bits, i)) return false;
  bits[i >>> 5]! &= ~(1 << (i & 31));
  return true;
}

function isEmpty(bits: Uint32Array): boolean {
  return bits.every((word) => word === 0);
}

function isSubset(small: Uint32Array, large: Uint32Array): boolean {
  return small.every((word, i) => (word & ~large[i]!) === 0);
}

function remove(bits: Uint32Array, others: Uint32Array): void {
  for (let i = 0; i < bits.length; i++) bits[i]! &= ~others[i]!;
}

function keepCommon(bits: Uint32Array, others: Uint32Array): void {
  for (let i = 0; i < bits.length; i++) bits[i]! &= others[i]!;
}

function eachBit(bits: Uint32Array, see: (i: number) => void): void {
  for (let i = 0; i < bits.length * 32; i++) if (hasBit(bits, i)) see(i);
}

function countCommon(a: Uint32Array, b: Uint32Array): number {
  let count = 0;
  for (let i = 0; i < a.length; i++) for (let word = a[i]! & b[i]!; word !== 0; word &= word - 1) count++;
  return count;
}

/** Words of 64 bits that have a bit. */
function wordsIn(bits: Uint32Array): number {
  let count = 0;
  for (let i = 0; i < bits.length; i += 2) if (((bits[i] ?? 0) | (bits[i + 1] ?? 0)) !== 0) count++;
  return count;
}
