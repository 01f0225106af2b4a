// Ranges of code points as alternatives of byte ranges: what a byte automaton makes of `[à-ü]`.
// The method is Ken Thompson's, described by Russ Cox: https://swtch.com/~rsc/regexp/regexp3.html (Step 3).

/** First and last code point, both included. */
export type CodePointRange = readonly [first: number, last: number];

/** One range of bytes for each byte of the encoding, both ends included. */
export type ByteRanges = readonly (readonly [first: number, last: number])[];

export const LAST_CODE_POINT = 0x10ffff;
const FIRST_SURROGATE = 0xd800;
const LAST_SURROGATE = 0xdfff;
/** Last code point of each encoded length, 1 to 4 bytes. */
const LAST_OF_LENGTH = [0x7f, 0x7ff, 0xffff, LAST_CODE_POINT];

/** Sequences of byte ranges that match the UTF-8 encodings of a range's code points and nothing else. No surrogates. */
export function utf8Sequences([first, last]: CodePointRange): ByteRanges[] {
  if (first > last) return [];
  if (first <= LAST_SURROGATE && last >= FIRST_SURROGATE) {
    return [...utf8Sequences([first, FIRST_SURROGATE - 1]), ...utf8Sequences([LAST_SURROGATE + 1, last])];
  }
  const border = splitAt(first, last);
  if (border !== undefined) return [...utf8Sequences([first, border]), ...utf8Sequences([border + 1, last])];
  const low = encode(first);
  const high = encode(last);
  return [Array.from(low, (byte, i) => [byte, high[i]!] as const)];
}

export function encode(codePoint: number): Uint8Array {
  return new TextEncoder().encode(String.fromCodePoint(codePoint));
}

/** The ranges that hold every non-ASCII code point that `ranges` leaves out. */
export function complementRanges(ranges: readonly CodePointRange[]): CodePointRange[] {
  const rest: CodePointRange[] = [];
  let next = 0x80;
  for (const [first, last] of [...ranges].sort((a, b) => a[0] - b[0])) {
    if (first > next) rest.push([next, first - 1]);
    next = Math.max(next, last + 1);
  }
  if (next <= LAST_CODE_POINT) rest.push([next, LAST_CODE_POINT]);
  return rest;
}

/** Where a range must be cut so that each part's encodings are a product of byte ranges; undefined when they are one. */
function splitAt(first: number, last: number): number | undefined {
  for (const border of LAST_OF_LENGTH) if (first <= border && border < last) return border;
  // A part that starts or ends inside a block of 64, 4,096 or 262,144 must not span that block's borders.
  for (const block of [0x40, 0x1000, 0x40000]) {
    if (last < 0x80 || Math.floor(first / block) === Math.floor(last / block)) continue;
    if (first % block !== 0) return first - (first % block) + block - 1;
    if (last % block !== block - 1) return last - (last % block) - 1;
  }
  return undefined;
}
