// The smallest DFA of the same language: Hopcroft's partition refinement.
// J. Hopcroft, "An n log n algorithm for minimizing states in a finite automaton", 1971.
import { byteClassesFrom } from "./byte-classes.js";
import { columns, DEAD, type Dfa, NO_PATTERN } from "./dfa.js";

/** Merge the states that no text tells apart, and the byte classes whose columns are the same. */
export function minimize(dfa: Dfa): Dfa {
  return mergeColumns(mergeStates(dfa, equivalentStates(dfa)));
}

/** For each state the number of its block of equivalent states; the dead state's block is 0. */
function equivalentStates(dfa: Dfa): Int32Array {
  const width = columns(dfa);
  const count = dfa.stateCount;
  const { sources, firstSource } = invert(dfa);
  const partition = new Partition(count);
  for (let state = 0; state < count; state++) if (dfa.accepts[state] !== NO_PATTERN) partition.isolate(state);

  // Blocks still to be used as splitters: all but one, and the largest is the one to leave out, which is block 0, that of
  // the states that accept nothing.
  const waiting = Array.from({ length: partition.blockCount - 1 }, (_, i) => i + 1);
  const isWaiting = [false, ...waiting.map(() => true)];
  for (let splitter = waiting.pop(); splitter !== undefined; splitter = waiting.pop()) {
    isWaiting[splitter] = false;
    // A copy: the splitter may itself be split on the way.
    const members = partition.members(splitter).slice();
    for (let column = 0; column < width; column++) {
      for (let m = 0; m < members.length; m++) {
        const slot = column * count + members[m]!;
        for (let i = firstSource[slot]!; i < firstSource[slot + 1]!; i++) partition.mark(sources[i]!);
      }
      if (partition.touched.length === 0) continue;
      for (const [block, fresh] of partition.splitMarked()) {
        const smaller = partition.size(fresh) < partition.size(block) ? fresh : block;
        const next = isWaiting[block] ? fresh : smaller;
        waiting.push(next);
        isWaiting[next] = true;
      }
    }
  }
  return partition.numbersFrom(DEAD);
}

/** For each column and state, the states that lead there: `sources[firstSource[slot]..firstSource[slot + 1]]`. */
function invert(dfa: Dfa): { sources: Int32Array; firstSource: Int32Array } {
  const width = columns(dfa);
  const count = dfa.stateCount;
  const firstSource = new Int32Array(width * count + 1);
  for (let index = 0; index < dfa.next.length; index++) {
    firstSource[(index % width) * count + dfa.next[index]! + 1]!++;
  }
  for (let slot = 0; slot < width * count; slot++) firstSource[slot + 1]! += firstSource[slot]!;
  const filled = firstSource.slice();
  const sources = new Int32Array(dfa.next.length);
  for (let index = 0; index < dfa.next.length; index++) {
    sources[filled[(index % width) * count + dfa.next[index]!]!++] = Math.floor(index / width);
  }
  return { sources, firstSource };
}

/** States in blocks: one array of states, ordered so that each block is a run and its marked states come first. */
class Partition {
  readonly states: Int32Array;
  readonly placeOf: Int32Array;
  readonly blockOf: Int32Array;
  readonly first: number[] = [0];
  readonly end: number[];
  readonly marked: number[] = [0];
  touched: number[] = [];

  constructor(count: number) {
    this.states = Int32Array.from({ length: count }, (_, state) => state);
    this.placeOf = this.states.slice();
    this.blockOf = new Int32Array(count);
    this.end = [count];
  }

  get blockCount(): number {
    return this.first.length;
  }

  members(block: number): Int32Array {
    return this.states.subarray(this.first[block]!, this.end[block]!);
  }

  size(block: number): number {
    return this.end[block]! - this.first[block]!;
  }

  /** Give `state` a block of its own. */
  isolate(state: number): void {
    this.mark(state);
    this.splitMarked();
  }

  mark(state: number): void {
    const block = this.blockOf[state]!;
    const border = this.first[block]! + this.marked[block]!;
    const place = this.placeOf[state]!;
    if (place < border) return;
    if (this.marked[block] === 0) this.touched.push(block);
    const other = this.states[border]!;
    this.states[border] = state;
    this.states[place] = other;
    this.placeOf[state] = border;
    this.placeOf[other] = place;
    this.marked[block]!++;
  }

  /** Move the marked states of each block to a block of their own. Returns [old block, new block] where both have states. */
  splitMarked(): [block: number, fresh: number][] {
    const splits: [number, number][] = [];
    for (const block of this.touched) {
      const border = this.first[block]! + this.marked[block]!;
      this.marked[block] = 0;
      if (border === this.end[block]) continue;
      const fresh = this.first.push(this.first[block]!) - 1;
      this.end.push(border);
      this.marked.push(0);
      this.first[block] = border;
      for (const state of this.members(fresh)) this.blockOf[state] = fresh;
      splits.push([block, fresh]);
    }
    this.touched = [];
    return splits;
  }

  /** Block numbers by state, counted in the order of the states after `state`'s block, which is 0. */
  numbersFrom(state: number): Int32Array {
    const numbers = new Map([[this.blockOf[state]!, 0]]);
    return this.blockOf.map((block) => {
      const known = numbers.get(block);
      if (known !== undefined) return known;
      numbers.set(block, numbers.size);
      return numbers.size - 1;
    });
  }
}

function mergeStates(dfa: Dfa, blockOf: Int32Array): Dfa {
  const width = columns(dfa);
  const stateCount = blockOf.reduce((most, block) => Math.max(most, block + 1), 0);
  const next = new Int32Array(stateCount * width);
  const accepts = new Int32Array(stateCount);
  for (const [state, block] of blockOf.entries()) {
    accepts[block] = dfa.accepts[state]!;
    for (let column = 0; column < width; column++) {
      next[block * width + column] = blockOf[dfa.next[state * width + column]!]!;
    }
  }
  return { classes: dfa.classes, stateCount, starts: dfa.starts.map((start) => blockOf[start]!), next, accepts };
}

function mergeColumns(dfa: Dfa): Dfa {
  const width = columns(dfa);
  const kept: number[] = [];
  const nameOf = Array.from({ length: dfa.classes.count }, (_, column) => {
    const alike = kept.find((other) => columnsAreAlike(dfa, column, other));
    if (alike === undefined) kept.push(column);
    return alike ?? column;
  });
  if (kept.length === dfa.classes.count) return dfa;
  const classes = byteClassesFrom((byte) => nameOf[dfa.classes.classOf[byte]!]!);
  const sources = [...classes.representatives.map((byte) => dfa.classes.classOf[byte]!), width - 1];
  const next = new Int32Array(dfa.stateCount * sources.length);
  for (let state = 0; state < dfa.stateCount; state++) {
    for (const [column, source] of sources.entries()) {
      next[state * sources.length + column] = dfa.next[state * width + source]!;
    }
  }
  return { ...dfa, classes, next };
}

function columnsAreAlike(dfa: Dfa, a: number, b: number): boolean {
  const width = columns(dfa);
  for (let row = 0; row < dfa.next.length; row += width) if (dfa.next[row + a] !== dfa.next[row + b]) return false;
  return true;
}
