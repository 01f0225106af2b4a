// Allow patterns to what the kernel walks: one table for most, bits for those whose table would be too large.
import type { BitNfa } from "./bit-nfa.js";
import { Budget } from "./budget.js";
import { combine } from "./combine.js";
import { compileNfa, type RefusedPattern } from "./compile-nfa.js";
import { determinize } from "./determinize.js";
import type { Dfa } from "./dfa.js";
import { minimize } from "./minimize.js";
import { buildNfa } from "./nfa.js";
import { parsePattern } from "./parse-pattern.js";
import { expandedSize, type Node } from "./syntax-tree.js";
import { type AllowTable, layOut, MAX_ALLOW_SETS, mostStates, mostStatesAtAll, type TableLimits } from "./table.js";
import { unite } from "./unite.js";

export interface AllowLimits extends TableLimits {
  /** Most steps of the whole compilation; 10 to 30 are taken in a microsecond. */
  readonly maxSteps: number;
}

export const DEFAULT_ALLOW_LIMITS: AllowLimits = {
  maxStates: 8192,
  maxTableBytes: 512 * 1024,
  maxSteps: 6_000_000,
};

/**
 * Steps for determinizing each pattern, and all in a round. An ordinary pattern takes 2,000; those that need more wait for
 * the second round, so that they starve nobody.
 */
const ROUNDS = [
  { each: 10_000, all: Infinity },
  { each: 150_000, all: 1_000_000 },
];

export interface CompiledAllow {
  /** null when no pattern is in it. */
  readonly table: AllowTable | null;
  /** Those whose table would be too large; null when there are none. */
  readonly nfa: BitNfa | null;
  /** Those that fit in neither, by their index. The list must not be used: they would spare nobody. */
  readonly refused: readonly RefusedPattern[];
}

/** A DFA with the patterns it stands for. */
interface Piece {
  readonly dfa: Dfa;
  readonly patterns: readonly number[];
  /** The two it was made of; empty for a single pattern. */
  readonly halves: readonly Piece[];
}

/**
 * Compile allow patterns.
 *
 * All that fit share one table, the small ones first. Those that would make it larger than `limits` are walked as bits. The
 * work is bounded by `limits.maxSteps`, whatever the patterns are, and the same patterns always give the same automata.
 *
 * @param patterns - In the syntax of Python's `re`; see `parsePattern`.
 * @param sets - The patterns of each allow set from 1 on, by their indices; when left out all are those of set 1.
 * @throws PatternError for the first pattern that is malformed or not supported.
 */
export function compileAllow(
  patterns: readonly string[],
  sets: readonly (readonly number[])[] = [[...patterns.keys()]],
  limits: AllowLimits = DEFAULT_ALLOW_LIMITS,
): CompiledAllow {
  if (sets.length >= MAX_ALLOW_SETS) throw new RangeError(`${sets.length} allow sets`);
  const trees = patterns.map(parsePattern);
  const numbered = new Map(sets.map((set, i) => [i + 1, set]));
  const { table, left } = compileTable(trees, numbered, limits);
  const asBits = new Map([...left].map(([index, its]) => [index, { tree: trees[index]!, sets: its }]));
  return { table, ...compileNfa(asBits) };
}

/**
 * One table with a start for each set of trees, as far as they fit.
 *
 * @returns With `left`: by its index, a tree and the sets whose part of the table has no room for it.
 */
export function compileTable(
  trees: readonly Node[],
  sets: ReadonlyMap<number, readonly number[]>,
  limits: AllowLimits,
): { readonly table: AllowTable | null; readonly left: ReadonlyMap<number, readonly number[]> } {
  const budget = new Budget(limits.maxSteps);
  const singles = determinizeAll(trees, limits, budget);
  const inTable: number[] = [];
  const left = new Map<number, number[]>();
  let whole: Dfa | undefined;
  for (const [number, set] of sets) {
    const piece = set.length === 0 ? undefined : addSet(whole, singles, set, limits, budget);
    for (const index of set)
      if (!piece?.patterns.includes(index)) left.set(index, [...(left.get(index) ?? []), number]);
    if (piece === undefined) continue;
    whole = piece.dfa;
    inTable.push(number);
  }
  return { table: whole === undefined ? null : layOut(minimize(whole), inTable), left };
}

/**
 * `whole` with one more start, for the patterns of `set`.
 *
 * @returns The new whole, with those of the set's patterns that are in it; undefined when none fits.
 */
function addSet(
  whole: Dfa | undefined,
  singles: readonly Piece[],
  set: readonly number[],
  limits: AllowLimits,
  budget: Budget,
): Pick<Piece, "dfa" | "patterns"> | undefined {
  const wanted = new Set(set);
  const pieces = singles.filter(({ patterns }) => wanted.has(patterns[0]!));
  for (let room = mostStatesAtAll(limits); room > 1; room >>= 1) {
    const piece = mergeAll(pieces, { ...limits, maxStates: room }, budget);
    if (piece === undefined) return undefined;
    if (whole === undefined) return piece;
    const dfa = minimize(combine(whole, piece.dfa));
    if (dfa.stateCount <= mostStates(limits, dfa.classes)) return { dfa, patterns: piece.patterns };
  }
  return undefined;
}

/** The minimal DFA of each pattern that has one within the limits. */
function determinizeAll(trees: readonly Node[], limits: AllowLimits, budget: Budget): Piece[] {
  const pieces: Piece[] = [];
  const rest = new Map(trees.entries());
  for (const { each, all } of ROUNDS) {
    const round = new Budget(all, budget);
    for (const [index, tree] of rest) {
      const share = new Budget(each, round);
      share.spend(expandedSize(tree));
      const dfa = share.exhausted ? undefined : determinize(buildNfa(tree), index, limits.maxStates, share);
      if (dfa === undefined) continue;
      rest.delete(index);
      const small = minimize(dfa);
      if (small.stateCount <= mostStates(limits, small.classes)) {
        pieces.push({ dfa: small, patterns: [index], halves: [] });
      }
    }
  }
  return pieces;
}

/**
 * Unite pieces two by two, the smallest first, so that each is copied few times. When two do not go into one table, the
 * one with fewer patterns is set aside; at the end its halves are tried, and theirs, down to single patterns.
 */
function mergeAll(singles: readonly Piece[], limits: AllowLimits, budget: Budget): Piece | undefined {
  const pieces = [...singles].sort(bySize);
  const aside: Piece[] = [];
  while (pieces.length > 1) {
    const [small, large] = pieces.splice(0, 2) as [Piece, Piece];
    const union = mergeTwo(small, large, limits, budget);
    const smallHasFewer = small.patterns.length <= large.patterns.length;
    if (union === undefined) aside.push(smallHasFewer ? small : large);
    insert(pieces, union ?? (smallHasFewer ? large : small));
  }
  return aside.reduce((whole, piece) => whole && mergeHalves(whole, piece, limits, budget), pieces[0]);
}

/** `whole` with as many of the patterns of `piece`, which does not fit as it is, as go in. */
function mergeHalves(whole: Piece, piece: Piece, limits: AllowLimits, budget: Budget): Piece {
  return piece.halves.reduce(
    (merged, half) => mergeTwo(merged, half, limits, budget) ?? mergeHalves(merged, half, limits, budget),
    whole,
  );
}

/** The union, not minimized: that of two minimal automata is hardly ever larger than it must be. */
function mergeTwo(a: Piece, b: Piece, limits: AllowLimits, budget: Budget): Piece | undefined {
  const dfa = unite(a.dfa, b.dfa, limits, budget);
  return dfa && { dfa, patterns: [...a.patterns, ...b.patterns], halves: [a, b] };
}

function bySize(a: Piece, b: Piece): number {
  return a.dfa.stateCount - b.dfa.stateCount || a.patterns[0]! - b.patterns[0]!;
}

function insert(pieces: Piece[], piece: Piece): void {
  const at = pieces.findIndex((other) => bySize(other, piece) > 0);
  pieces.splice(at < 0 ? pieces.length : at, 0, piece);
}
