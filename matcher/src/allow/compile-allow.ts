// Allow patterns to the one table the kernel walks, and the list of those that user space has to judge.
import { Budget } from "./budget.js";
import { determinize } from "./determinize.js";
import type { Dfa } from "./dfa.js";
import { minimize } from "./minimize.js";
import { buildNfa, type Nfa } from "./nfa.js";
import { parsePattern } from "./parse-pattern.js";
import { expandedSize } from "./syntax-tree.js";
import { type AllowTable, layOut, tableBytes } from "./table.js";
import { unite } from "./unite.js";

export interface AllowLimits {
  /** Most states of the table; at most 32,768. */
  readonly maxStates: number;
  /** Most bytes of `AllowTable.next`. */
  readonly maxTableBytes: number;
  /** Most steps of the whole compilation; about 50 to 100 are taken in a microsecond. */
  readonly maxSteps: number;
}

export const DEFAULT_ALLOW_LIMITS: AllowLimits = {
  maxStates: 8192,
  maxTableBytes: 512 * 1024,
  maxSteps: 4_000_000,
};

/** Largest pattern, in parts with its repeats written out, that is tried for the table. */
const MAX_TABLE_PATTERN_SIZE = 4096;
/** A pattern's share of the steps: first a small one, so that no pattern starves the ordinary ones after it. */
const STEPS_OF_ONE = [30_000, 150_000];

export interface CompiledAllow {
  /** null when no pattern is in it. */
  readonly table: AllowTable | null;
  /** Indices, ascending, of the patterns that are not in the table: user space judges them. */
  readonly deferred: readonly number[];
}

/** A DFA with the patterns it stands for. */
interface Piece {
  readonly dfa: Dfa;
  readonly patterns: readonly number[];
}

/**
 * Compile allow patterns.
 *
 * All that fit share one table. Those that would make it larger than `limits` are deferred, in favour of the smaller ones.
 * The work is bounded by `limits.maxSteps`, whatever the patterns are, and the same patterns always give the same table.
 *
 * @param patterns - In the syntax of Python's `re`; see `parsePattern`.
 * @throws PatternError for the first pattern that is malformed or not supported.
 */
export function compileAllow(patterns: readonly string[], limits: AllowLimits = DEFAULT_ALLOW_LIMITS): CompiledAllow {
  const trees = patterns.map(parsePattern);
  const budget = new Budget(limits.maxSteps);
  const nfas = new Map<number, Nfa>();
  for (const [index, tree] of trees.entries()) {
    if (expandedSize(tree) <= MAX_TABLE_PATTERN_SIZE) nfas.set(index, buildNfa(tree));
  }
  const singles = determinizeAll(nfas, limits, budget);
  const whole = mergeAll(singles, limits, budget);
  const inTable = new Set(whole?.patterns);
  return {
    table: whole === undefined ? null : layOut(minimize(whole.dfa)),
    deferred: [...patterns.keys()].filter((index) => !inTable.has(index)),
  };
}

/** The minimal DFA of each pattern that has one within the limits. */
function determinizeAll(nfas: Map<number, Nfa>, limits: AllowLimits, budget: Budget): Piece[] {
  const pieces: Piece[] = [];
  const rest = new Map(nfas);
  for (const steps of STEPS_OF_ONE) {
    for (const [index, nfa] of rest) {
      const share = new Budget(Math.min(steps, budget.left));
      const dfa = determinize(nfa, index, limits.maxStates, share);
      budget.spend(Math.min(steps, budget.left) - Math.max(0, share.left));
      if (dfa === undefined) continue;
      rest.delete(index);
      const piece = { dfa: minimize(dfa), patterns: [index] };
      if (fits(piece.dfa, limits)) pieces.push(piece);
    }
  }
  return pieces;
}

/**
 * Unite pieces two by two, the smallest first, so that each is copied few times. When two do not go into one table, the
 * one with fewer patterns is taken apart, and its patterns are tried one by one at the end.
 */
function mergeAll(singles: readonly Piece[], limits: AllowLimits, budget: Budget): Piece | undefined {
  const pieces = [...singles].sort(bySize);
  const apart = new Set<number>();
  while (pieces.length > 1) {
    const [small, large] = pieces.splice(0, 2) as [Piece, Piece];
    const union = mergeTwo(small, large, limits, budget);
    if (union === undefined) {
      const [fewer, more] = large.patterns.length > small.patterns.length ? [small, large] : [large, small];
      for (const pattern of fewer.patterns) apart.add(pattern);
      insert(pieces, more);
    } else {
      insert(pieces, union);
    }
  }
  let whole = pieces[0];
  for (const single of [...singles].sort(bySize)) {
    if (!apart.has(single.patterns[0]!)) continue;
    whole = (whole && mergeTwo(whole, single, limits, budget)) ?? whole;
  }
  return whole;
}

function mergeTwo(a: Piece, b: Piece, limits: AllowLimits, budget: Budget): Piece | undefined {
  const union = unite(a.dfa, b.dfa, limits.maxStates, budget);
  if (union === undefined) return undefined;
  // A union of minimal DFAs is small already; all of it is minimized once, at the end.
  const dfa = fits(union, limits) ? union : minimize(union);
  return fits(dfa, limits) ? { dfa, patterns: [...a.patterns, ...b.patterns] } : undefined;
}

function fits(dfa: Dfa, { maxStates, maxTableBytes }: AllowLimits): boolean {
  return dfa.stateCount <= Math.min(maxStates, 32_768) && tableBytes(dfa) <= maxTableBytes;
}

function bySize(a: Piece, b: Piece): number {
  return a.dfa.stateCount - b.dfa.stateCount || a.patterns[0]! - b.patterns[0]!;
}

function insert(pieces: Piece[], piece: Piece): void {
  const at = pieces.findIndex((other) => bySize(other, piece) > 0);
  pieces.splice(at < 0 ? pieces.length : at, 0, piece);
}
