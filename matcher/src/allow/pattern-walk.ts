// One pattern followed byte by byte without a table, for people's questions: how far a line got, what the pattern is good for.
import { lowerCase } from "../bytes.js";
import { Budget } from "./budget.js";
import { parsePattern } from "./parse-pattern.js";
import { AT_END, FINAL, positionsOf } from "./positions.js";
import { reduce } from "./reduce.js";
import type { ByteSet } from "./syntax-tree.js";

const MAX_POSITIONS = 2048;
const MAX_STEPS = 300_000;

/** Where walks through the pattern stand: the positions that may read the next byte, ascending. None: the line is no match. */
export type Standing = readonly number[];

export interface PatternWalk {
  readonly start: Standing;
  /** The bytes that each position reads. */
  readonly sets: readonly ByteSet[];
  /** @param byte - No capital: matching is without case. */
  step(standing: Standing, byte: number): Standing;
}

/** @returns null for a pattern that is too large to be followed. @throws PatternError */
export function walkPattern(source: string): PatternWalk | null {
  const made = positionsOf(parsePattern(source, 0), MAX_POSITIONS, new Budget(MAX_STEPS));
  if (made === undefined) return null;
  const { sets, follow, first } = reduce(made);
  return {
    start: first,
    sets,
    step(standing, byte) {
      const next = new Set<number>();
      for (const position of standing) {
        if (sets[position]![byte] === 1) for (const after of follow[position]!) next.add(after);
      }
      return [...next].sort((a, b) => a - b);
    },
  };
}

export function hasMatched(standing: Standing): boolean {
  return standing.includes(FINAL);
}

export function matchesAtEnd(standing: Standing): boolean {
  return hasMatched(standing) || standing.includes(AT_END);
}

/**
 * How far a line goes with a pattern. `bytes` are read of it until the pattern matched; until no walk was left; or all, and the
 * pattern wanted more or had not met what it looks for.
 */
export interface Progress {
  readonly end: "matches" | "leaves" | "wants-more";
  readonly bytes: number;
}

/** @param line - Quoted, in any case. */
export function followLine({ start, step }: PatternWalk, line: Uint8Array): Progress {
  let standing = start;
  for (const [bytes, byte] of lowerCase(line).entries()) {
    if (hasMatched(standing)) return { end: "matches", bytes };
    standing = step(standing, byte);
    if (standing.length === 0) return { end: "leaves", bytes };
  }
  return { end: matchesAtEnd(standing) ? "matches" : "wants-more", bytes: line.length };
}
