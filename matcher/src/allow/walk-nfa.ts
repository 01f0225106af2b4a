// Walking the bit-parallel automata over arguments as the kernel does it: the reference for its code.
import { SHELL_SAFE } from "../shell-quote.js";
import type { BitNfa, NfaBlock } from "./bit-nfa.js";

const APOSTROPHE = 0x27;
const DOUBLE_QUOTE = 0x22;
const SPACE = 0x20;

/** Match a quoted line, in any case. @returns The index of a pattern that matches; -1 for none. */
export function walkNfa({ blocks, classOf, endClass }: BitNfa, subject: Uint8Array, set: number): number {
  for (const block of blocks) {
    let bits = block.starts.get(set);
    if (bits === undefined) continue;
    for (const byte of subject) bits = step(block, bits, classOf[byte]!);
    const found = patternAt(block, inRow(block.read, block, bits, endClass));
    if (found >= 0) return found;
  }
  return -1;
}

/**
 * Match arguments as if they were quoted and joined, by the patterns of one set that are in the NFA; as `walkAllowArguments`
 * does by those in the table.
 *
 * @returns The index of a pattern that matches; -1 for none.
 */
export function walkNfaArguments(nfa: BitNfa, args: readonly Uint8Array[], set: number, maxBytes: number): number {
  for (const block of nfa.blocks) {
    const start = block.starts.get(set);
    const found = start === undefined ? -1 : walkBlock(nfa, block, start, args, maxBytes);
    if (found >= 0) return found;
  }
  return -1;
}

function walkBlock(
  { classOf, endClass }: BitNfa,
  block: NfaBlock,
  start: Uint32Array,
  args: readonly Uint8Array[],
  maxBytes: number,
): number {
  const next = (bits: Uint32Array, byte: number) => step(block, bits, classOf[byte]!);
  let line: Uint32Array = start;
  let bare: Uint32Array = start;
  let quoted: Uint32Array = start;
  let isUnsafe = false;
  let left = maxBytes;
  // What has matched whether the argument turns out to be quoted or not, and whatever comes.
  const matched = () => common(isUnsafe ? quoted : common(bare, quoted), block.final);
  // Where the line is not read further, it may also be one if it is quoted and another if it is not.
  const atCut = () => {
    const known = [quoted, isUnsafe ? quoted : bare].map((bits) => patternAt(block, common(bits, block.final)));
    return known[0]! < 0 ? -1 : known[1]!;
  };
  for (const [i, argument] of args.entries()) {
    if (i > 0) {
      if (left-- === 0) return atCut();
      line = next(line, SPACE);
    }
    bare = line;
    quoted = next(line, APOSTROPHE);
    isUnsafe = false;
    for (const byte of argument) {
      if (isDead(bare) && isDead(quoted)) return -1;
      if (!isDead(matched())) return patternAt(block, matched());
      if (i > 0 && left-- === 0) return atCut();
      if (byte === APOSTROPHE) {
        for (const part of [APOSTROPHE, DOUBLE_QUOTE, APOSTROPHE, DOUBLE_QUOTE, APOSTROPHE])
          quoted = next(quoted, part);
      } else quoted = next(quoted, byte);
      isUnsafe ||= SHELL_SAFE[byte] === 0;
      bare = isUnsafe ? new Uint32Array(block.words * 2) : next(bare, byte);
    }
    line = isUnsafe || argument.length === 0 ? next(quoted, APOSTROPHE) : bare;
  }
  return patternAt(block, inRow(block.read, block, line, endClass));
}

/** The bits of `bits` in a class's row. */
function inRow(rows: Uint32Array, { words }: NfaBlock, bits: Uint32Array, number: number): Uint32Array {
  return bits.map((word, i) => word & rows[number * words * 2 + i]!);
}

function step(block: NfaBlock, bits: Uint32Array, number: number): Uint32Array {
  const { shift, edges } = block;
  const read = inRow(block.read, block, bits, number);
  const next = inRow(block.stay, block, bits, number);
  let carry = 0;
  for (let i = 0; i < next.length; i++) {
    const shifted = read[i]! & shift[i]!;
    next[i]! |= (shifted << 1) | carry;
    carry = shifted >>> 31;
  }
  for (const { fromWord, toWord, from, to } of edges) {
    if (((read[fromWord * 2]! & from[0]) | (read[fromWord * 2 + 1]! & from[1])) === 0) continue;
    next[toWord * 2]! |= to[0];
    next[toWord * 2 + 1]! |= to[1];
  }
  return next;
}

function common(a: Uint32Array, b: Uint32Array): Uint32Array {
  return a.map((word, i) => word & b[i]!);
}

function isDead(bits: Uint32Array): boolean {
  return bits.every((word) => word === 0);
}

/** The pattern of the lowest bit at which one has matched. */
function patternAt({ patternOf }: NfaBlock, bits: Uint32Array): number {
  for (const [bit, pattern] of patternOf.entries()) {
    if (pattern >= 0 && (bits[bit >>> 5]! & (1 << (bit & 31))) !== 0) return pattern;
  }
  return -1;
}
