// The table the kernel walks, and how a DFA is laid out in it.
import type { ByteClasses } from "./byte-classes.js";
import { columns, DEAD, type Dfa, NO_PATTERN } from "./dfa.js";

/**
 * A DFA over byte classes. State 0 is dead: nothing that starts there is accepted. Accepting states come last and lead to
 * themselves in every column: once accepted, a text stays accepted.
 */
export interface AllowTable {
  /** 256 entries, byte to column. Capitals have their small letter's column. */
  readonly classOf: Uint8Array;
  /** The column of the end of the text: the one after the last class. */
  readonly endColumn: number;
  /** The column of `'"'"'`, an apostrophe inside a quoted argument: the one after {@link endColumn}. */
  readonly quoteColumn: number;
  /** A row has `1 << strideLog2` cells; those after {@link quoteColumn} are 0. */
  readonly strideLog2: number;
  /** At most 32,768, so that a state's number has 15 bits. */
  readonly stateCount: number;
  /** By allow set: the state that a walk for it begins in. {@link DEAD} for a set without patterns. */
  readonly starts: readonly number[];
  /** The first accepting state; {@link stateCount} when there is none. */
  readonly firstAccept: number;
  /** The next state at `(state << strideLog2) | column`; `stateCount << strideLog2` cells. */
  readonly next: Uint16Array;
  /** The pattern index that state `firstAccept + i` stands for: the lowest of those that match up to there. */
  readonly accepts: Uint32Array;
}

const APOSTROPHE = 0x27;
const DOUBLE_QUOTE = 0x22;
/** What shell quoting makes of an apostrophe. */
const ESCAPED_APOSTROPHE = [APOSTROPHE, DOUBLE_QUOTE, APOSTROPHE, DOUBLE_QUOTE, APOSTROPHE];
/** Columns that are not byte classes: the end, and the escaped apostrophe. */
const EXTRA_COLUMNS = 2;
/** Allow sets, of which 0 has no patterns. */
export const MAX_ALLOW_SETS = 32;
/** So that the kernel can keep a state in 15 bits. */
const MAX_STATES = 32_768;

export interface TableLimits {
  /** Most states; above 32,768 this one holds. */
  readonly maxStates: number;
  /** Most bytes of `AllowTable.next`. */
  readonly maxTableBytes: number;
}

/** Most states that a table with these byte classes may have. */
export function mostStates({ maxStates, maxTableBytes }: TableLimits, classes: ByteClasses): number {
  const rowBytes = Uint16Array.BYTES_PER_ELEMENT << strideLog2Of(classes);
  return Math.min(maxStates, MAX_STATES, Math.floor(maxTableBytes / rowBytes));
}

/** The same for any byte classes. */
export function mostStatesAtAll({ maxStates }: TableLimits): number {
  return Math.min(maxStates, MAX_STATES);
}

/** @param sets - The allow set of each of `dfa.starts`. */
export function layOut(dfa: Dfa, sets: readonly number[]): AllowTable {
  const strideLog2 = strideLog2Of(dfa.classes);
  const width = columns(dfa);
  const order = acceptingLast(dfa);
  const numberOf = new Uint16Array(dfa.stateCount);
  for (const [number, state] of order.entries()) numberOf[state] = number;

  const next = new Uint16Array(dfa.stateCount << strideLog2);
  for (const [number, state] of order.entries()) {
    for (let column = 0; column < width; column++) {
      next[(number << strideLog2) | column] = numberOf[dfa.next[state * width + column]!]!;
    }
    next[(number << strideLog2) | width] = numberOf[afterEscapedApostrophe(dfa, state)]!;
  }
  const starts = new Array<number>(4 * MAX_ALLOW_SETS).fill(DEAD);
  for (const [i, set] of sets.entries()) starts[set] = numberOf[dfa.starts[i]!]!;
  const accepts = order.map((state) => dfa.accepts[state]!).filter((pattern) => pattern !== NO_PATTERN);
  return {
    classOf: dfa.classes.classOf,
    endColumn: width - 1,
    quoteColumn: width,
    strideLog2,
    stateCount: dfa.stateCount,
    starts,
    firstAccept: dfa.stateCount - accepts.length,
    next,
    accepts: Uint32Array.from(accepts),
  };
}

function strideLog2Of({ count }: ByteClasses): number {
  return 32 - Math.clz32(count + EXTRA_COLUMNS - 1);
}

/** The states: the dead one, then those that accept nothing yet, then the accepting ones by pattern. */
function acceptingLast({ stateCount, accepts }: Dfa): number[] {
  const states = Array.from({ length: stateCount }, (_, state) => state);
  return states.sort((a, b) => rank(a) - rank(b) || a - b);

  function rank(state: number): number {
    return state === DEAD ? -2 : accepts[state]!;
  }
}

function afterEscapedApostrophe(dfa: Dfa, from: number): number {
  return ESCAPED_APOSTROPHE.reduce((state, byte) => dfa.next[state * columns(dfa) + dfa.classes.classOf[byte]!]!, from);
}
