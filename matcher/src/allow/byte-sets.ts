// The byte sets that patterns are made of.
import { WORD } from "../fold.js";
import type { ByteSet } from "./syntax-tree.js";

const CASE_BIT = 0x20;

export const ANY: ByteSet = new Uint8Array(256).fill(1);
export const ANY_BUT_NEWLINE: ByteSet = byteSet((byte) => byte !== 0x0a);
export const WORD_BYTES: ByteSet = WORD;
export const DIGIT_BYTES: ByteSet = byteSet((byte) => byte >= 0x30 && byte <= 0x39);
/** Python's `\s` on bytes: space and the controls 9 to 13. */
export const SPACE_BYTES: ByteSet = byteSet((byte) => byte === 0x20 || (byte >= 9 && byte <= 13));

const singles = Array.from({ length: 256 }, (_, byte) => setOf(byte));
const eitherCases = singles.map((single, byte) => (isLetter(byte) ? setOf(byte, byte ^ CASE_BIT) : single));

/** The set of one byte, or of both cases of an ASCII letter. The same set object for the same arguments. */
export function oneByte(byte: number, ignoreCase: boolean): ByteSet {
  return (ignoreCase ? eitherCases : singles)[byte]!;
}

/** `set` with both cases of every ASCII letter in it. */
export function closeOverCase(set: ByteSet): ByteSet {
  return byteSet((byte) => set[byte] === 1 || (isLetter(byte) && set[byte ^ CASE_BIT] === 1));
}

export function complement(set: ByteSet): ByteSet {
  return set.map((member) => 1 - member);
}

export function byteSet(isMember: (byte: number) => boolean): ByteSet {
  const set = new Uint8Array(256);
  for (let byte = 0; byte < 256; byte++) if (isMember(byte)) set[byte] = 1;
  return set;
}

function setOf(...members: number[]): ByteSet {
  const set = new Uint8Array(256);
  for (const byte of members) set[byte] = 1;
  return set;
}

function isLetter(byte: number): boolean {
  const small = byte | CASE_BIT;
  return byte < 0x80 && small >= 0x61 && small <= 0x7a;
}
