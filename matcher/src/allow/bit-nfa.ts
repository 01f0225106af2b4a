// Patterns whose DFA would be too large, as automata in which each position is one bit: laid out for the kernel's walk.
import { LAYOUT } from "../layout.js";
import { type ByteClasses, byteClasses } from "./byte-classes.js";
import { bitsOf, hasBit, type Line, setBit } from "./edges.js";
import type { States } from "./states.js";

/** What the kernel has room for: words of 64 bits and edges in one block, in which a pattern lies whole, and in all. */
export const NFA_LIMITS = LAYOUT.nfa.most;

/** States that one pattern may have. */
export const MAX_STATES = NFA_LIMITS.blockWords * 64;

/** A pattern ready to be laid out. */
export interface Lined {
  readonly pattern: number;
  /** Sets whose patterns it is one of, and which cannot have it in the table. */
  readonly sets: readonly number[];
  readonly states: States;
  readonly line: Line;
}

/**
 * Bits in one to eight words of 64, walked together. All words here are of 32 bits, the lower half first, as the kernel has
 * them in memory.
 */
export interface NfaBlock {
  /** Of 64 bits. */
  readonly words: number;
  /** Bits that lead to the next one, also over the words' edges. */
  readonly shift: Uint32Array;
  /** Bits at which a pattern has matched, whatever comes. */
  readonly final: Uint32Array;
  readonly edges: readonly NfaEdge[];
  /** A row of `words` for each class: the bits that stay. */
  readonly stay: Uint32Array;
  /** The same for the bits that lead on; and a row for the end of the text, with those at which a pattern has matched then. */
  readonly read: Uint32Array;
  /** The bits that a walk begins with, by allow set. */
  readonly starts: ReadonlyMap<number, Uint32Array>;
  /** By bit: the pattern that has matched there, -1 for most. */
  readonly patternOf: Int32Array;
}

/** Each bit of `from` in one word of 64 bits leads to each of `to` in another. */
export interface NfaEdge {
  readonly fromWord: number;
  readonly toWord: number;
  readonly from: readonly [low: number, high: number];
  readonly to: readonly [low: number, high: number];
}

export interface BitNfa {
  /** 256 entries, byte to class. Capitals have their small letter's. */
  readonly classOf: Uint8Array;
  /** The class of the end of the text, the one after the last. */
  readonly endClass: number;
  readonly blocks: readonly NfaBlock[];
}

/**
 * Lay out as many patterns as there is room for, the small ones first.
 *
 * @returns null when none is left; and the patterns that found no room.
 */
export function packNfa(lined: readonly Lined[], limits = NFA_LIMITS): { nfa: BitNfa | null; refused: number[] } {
  const piles: Pile[] = [];
  const refused: number[] = [];
  for (const pattern of [...lined].sort((a, b) => a.line.order.length - b.line.order.length || a.pattern - b.pattern)) {
    const key = pattern.sets.join();
    const pile = piles.find((other) => other.key === key && fits(pattern, other, limits)) ?? { key, lined: [] };
    const whole = piles.includes(pile) ? piles : [...piles, pile];
    pile.lined.push(pattern);
    if (isWithin(whole, limits)) piles.splice(0, piles.length, ...whole);
    else {
      pile.lined.pop();
      refused.push(pattern.pattern);
    }
  }
  const classes = classesOf(piles);
  const blocks = piles.map((pile) => layOut(pile.lined, classes));
  const nfa = blocks.length === 0 ? null : { classOf: classes.classOf, endClass: classes.count, blocks };
  return { nfa, refused };
}

/** Patterns of the same allow sets, which become one block. */
interface Pile {
  readonly key: string;
  readonly lined: Lined[];
}

type Limits = typeof NFA_LIMITS;

function fits(pattern: Lined, { lined }: Pile, { blockWords, blockEdges }: Limits): boolean {
  const all = [...lined, pattern];
  return wordsOf(all) <= blockWords && edgesOf(all) <= blockEdges;
}

function isWithin(piles: readonly Pile[], limits: Limits): boolean {
  const words = piles.reduce((sum, { lined }) => sum + wordsOf(lined), 0);
  const edges = piles.reduce((sum, { lined }) => sum + edgesOf(lined), 0);
  const { blockEdges, blocks } = limits;
  return (
    piles.length <= blocks &&
    words <= limits.words &&
    edges <= limits.edges &&
    piles.every(({ lined }) => edgesOf(lined) <= blockEdges)
  );
}

function wordsOf(lined: readonly Lined[]): number {
  return Math.ceil(lined.reduce((sum, { line }) => sum + line.order.length, 0) / 64);
}

/** At most: a pair of sets is one for each pair of words that it touches, which depends on where its pattern begins. */
function edgesOf(lined: readonly Lined[]): number {
  let offset = 0;
  let edges = 0;
  for (const { line } of lined) {
    for (const { from, to } of line.rest) edges += wordsWith(from, offset).length * wordsWith(to, offset).length;
    offset += line.order.length;
  }
  return edges;
}

function classesOf(piles: readonly Pile[]): ByteClasses {
  return byteClasses(
    new Set(piles.flatMap(({ lined }) => lined.flatMap(({ states }) => [...states.stay, ...states.read]))),
  );
}

function layOut(lined: readonly Lined[], classes: ByteClasses): NfaBlock {
  const words = Math.max(1, wordsOf(lined));
  const halves = words * 2;
  const shift = new Uint32Array(halves);
  const final = new Uint32Array(halves);
  const stay = new Uint32Array(classes.count * halves);
  const read = new Uint32Array((classes.count + 1) * halves);
  const patternOf = new Int32Array(words * 64).fill(-1);
  const starts = new Map<number, Uint32Array>(lined[0]!.sets.map((set) => [set, new Uint32Array(halves)]));
  const edges: NfaEdge[] = [];
  let offset = 0;
  for (const { pattern, states, line } of lined) {
    const { order } = line;
    for (const [i, state] of order.entries()) {
      const bit = offset + i;
      const isFinal = states.final.has(state);
      if (hasBit(line.shift, i)) setBit(shift, bit);
      if (isFinal) setBit(final, bit);
      for (const [number, byte] of classes.representatives.entries()) {
        if (states.stay[state]![byte] === 1) setBit(stay.subarray(number * halves), bit);
        if (states.read[state]![byte] === 1) setBit(read.subarray(number * halves), bit);
      }
      if (isFinal || states.atEnd.has(state)) {
        patternOf[bit] = pattern;
        setBit(read.subarray(classes.count * halves), bit);
      }
      if (states.first.includes(state)) for (const bits of starts.values()) setBit(bits, bit);
    }
    for (const { from, to } of line.rest) {
      for (const [fromWord, fromBits] of wordsWith(from, offset)) {
        for (const [toWord, toBits] of wordsWith(to, offset)) {
          edges.push({ fromWord, toWord, from: fromBits, to: toBits });
        }
      }
    }
    offset += order.length;
  }
  return { words, shift, final, edges, stay, read, starts, patternOf };
}

/** The words of 64 bits in which `bits`, moved up by `offset`, has some. */
function wordsWith(bits: Uint32Array, offset: number): [word: number, bits: [low: number, high: number]][] {
  const moved = bitsOf(
    Array.from({ length: bits.length * 32 }, (_, i) => i).flatMap((i) => (hasBit(bits, i) ? [offset + i] : [])),
    ((offset >>> 6) + bits.length + 1) * 2,
  );
  const words: [number, [number, number]][] = [];
  for (let word = 0; word * 2 < moved.length; word++) {
    const [low, high] = [moved[word * 2]!, moved[word * 2 + 1]!];
    if ((low | high) !== 0) words.push([word, [low, high]]);
  }
  return words;
}
