// A deterministic automaton over byte classes, as the compiler's steps hand it on.
import type { ByteClasses } from "./byte-classes.js";

/** State 0 is dead. Each pattern has at most one accepting state, which leads to itself whatever comes. */
export interface Dfa {
  readonly classes: ByteClasses;
  readonly stateCount: number;
  /** Where a walk may begin. One state, but for what {@link combine} made. */
  readonly starts: readonly number[];
  /** Index `state * columns(dfa) + class`; the last column of a row is the end of the text. */
  readonly next: Int32Array;
  /** The pattern that a state accepts, by its index; {@link NO_PATTERN} for states that accept none. */
  readonly accepts: Int32Array;
}

export const DEAD = 0;
export const NO_PATTERN = -1;

/** Columns of a row: one for each class and one for the end of the text. */
export function columns({ classes }: { readonly classes: ByteClasses }): number {
  return classes.count + 1;
}
