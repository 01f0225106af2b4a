// Two DFAs as one that accepts what either accepts: the product construction.
import type { Budget } from "./budget.js";
import { commonClasses } from "./byte-classes.js";
import { columns, DEAD, type Dfa, NO_PATTERN } from "./dfa.js";

/**
 * The union of `a` and `b`. A text that both accept at the same byte counts for the lower pattern index.
 *
 * @returns undefined when it would have more than `maxStates` states or take more steps than `budget` has.
 */
export function unite(a: Dfa, b: Dfa, maxStates: number, budget: Budget): Dfa | undefined {
  const classes = commonClasses(a.classes, b.classes);
  const width = columns({ classes });
  const aColumns = [...classes.representatives.map((byte) => a.classes.classOf[byte]!), columns(a) - 1];
  const bColumns = [...classes.representatives.map((byte) => b.classes.classOf[byte]!), columns(b) - 1];
  const numbers = new Map<number, number>([[DEAD, DEAD]]);
  const pairs: number[] = [DEAD];
  const accepts: number[] = [NO_PATTERN];
  const next: number[] = new Array<number>(width).fill(DEAD);

  const numberOf = (aState: number, bState: number): number => {
    const pattern = lower(a.accepts[aState]!, b.accepts[bState]!);
    // Once accepted, what the other one would still do does not matter: one state for each pattern.
    const key = pattern === NO_PATTERN ? aState * b.stateCount + bState : -1 - pattern;
    const known = numbers.get(key);
    if (known !== undefined) return known;
    numbers.set(key, pairs.length);
    accepts.push(pattern);
    return pairs.push(key) - 1;
  };

  const start = numberOf(a.start, b.start);
  for (let state = 1; state < pairs.length; state++) {
    if (pairs.length > maxStates || !budget.spend(width)) return undefined;
    const key = pairs[state]!;
    if (key < 0) {
      for (let column = 0; column < width; column++) next.push(state);
      continue;
    }
    const aRow = Math.floor(key / b.stateCount) * columns(a);
    const bRow = (key % b.stateCount) * columns(b);
    for (let column = 0; column < width; column++) {
      next.push(numberOf(a.next[aRow + aColumns[column]!]!, b.next[bRow + bColumns[column]!]!));
    }
  }
  return { classes, stateCount: pairs.length, start, next: Int32Array.from(next), accepts: Int32Array.from(accepts) };
}

function lower(a: number, b: number): number {
  if (a === NO_PATTERN) return b;
  return b === NO_PATTERN ? a : Math.min(a, b);
}
