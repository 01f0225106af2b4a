// Two DFAs as one that accepts what either accepts: the product construction.
import type { Budget } from "./budget.js";
import { commonClasses } from "./byte-classes.js";
import { columns, DEAD, type Dfa, NO_PATTERN } from "./dfa.js";
import { mostStates, type TableLimits } from "./table.js";

/**
 * The union of `a` and `b`. A text that both accept at the same byte counts for the lower pattern index.
 *
 * @returns undefined when it would be too large for a table within `limits`, or take more steps than `budget` has.
 */
export function unite(a: Dfa, b: Dfa, limits: TableLimits, budget: Budget): Dfa | undefined {
  const classes = commonClasses(a.classes, b.classes);
  const width = columns({ classes });
  const maxStates = mostStates(limits, classes);
  const aColumns = Int32Array.from([
    ...classes.representatives.map((byte) => a.classes.classOf[byte]!),
    columns(a) - 1,
  ]);
  const bColumns = Int32Array.from([
    ...classes.representatives.map((byte) => b.classes.classOf[byte]!),
    columns(b) - 1,
  ]);
  const pairs = new Pairs(a, b);
  // Grown as states are found; the dead state's row is all DEAD, which is 0.
  let next = new Int32Array(width * 64);

  const start = pairs.numberOf(a.starts[0]!, b.starts[0]!);
  for (let state = 1; state < pairs.count; state++) {
    budget.spend(width);
    if (pairs.count > maxStates || budget.exhausted) return undefined;
    const row = state * width;
    if (row + width > next.length) next = enlarged(next);
    if (pairs.accepts[state] !== NO_PATTERN) {
      next.fill(state, row, row + width);
      continue;
    }
    const aRow = pairs.aStates[state]! * columns(a);
    const bRow = pairs.bStates[state]! * columns(b);
    for (let column = 0; column < width; column++) {
      next[row + column] = pairs.numberOf(a.next[aRow + aColumns[column]!]!, b.next[bRow + bColumns[column]!]!);
    }
  }
  const stateCount = pairs.count;
  return {
    classes,
    stateCount,
    starts: [start],
    next: next.slice(0, stateCount * width),
    accepts: Int32Array.from(pairs.accepts),
  };
}

function enlarged(cells: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(cells.length * 2);
  larger.set(cells);
  return larger;
}

/** The pairs of states met so far, numbered. */
class Pairs {
  readonly a: Dfa;
  readonly b: Dfa;
  readonly aStates: number[] = [DEAD];
  readonly bStates: number[] = [DEAD];
  readonly accepts: number[] = [NO_PATTERN];
  readonly numbers = new Map<number, number>([[DEAD, DEAD]]);

  constructor(a: Dfa, b: Dfa) {
    this.a = a;
    this.b = b;
  }

  get count(): number {
    return this.accepts.length;
  }

  numberOf(aState: number, bState: number): number {
    const pattern = lower(this.a.accepts[aState]!, this.b.accepts[bState]!);
    // Once accepted, what the other one would still do does not matter: one state for each pattern.
    const key = pattern === NO_PATTERN ? aState * this.b.stateCount + bState : -1 - pattern;
    const known = this.numbers.get(key);
    if (known !== undefined) return known;
    const number = this.count;
    this.numbers.set(key, number);
    this.aStates.push(aState);
    this.bStates.push(bState);
    this.accepts.push(pattern);
    return number;
  }
}

function lower(a: number, b: number): number {
  if (a === NO_PATTERN) return b;
  return b === NO_PATTERN ? a : Math.min(a, b);
}
