// The filters' and the buckets' hashes, bit for bit as bpf/execwhacker/search.bpf.h computes them, in numbers rather than BigInts.

/** GRAM_A_FACTOR, in pieces of 20, 20 and 24 bits from the lowest. */
const FACTOR = [0x8df25, 0x651e9, 0x9fb21c] as const;
const TWO_20 = 0x100000;
const TWO_24 = 0x1000000;

/**
 * Bits 40 to 63 of a gram of five bytes times GRAM_A_FACTOR, and the six bits below them: 30 bits. The upper 18 choose a word of
 * the filter, the two sixes its bits.
 *
 * @param low - The first 20 bits of the gram's little-endian value, each byte with bit 0x20 set.
 * @param high - The other 20.
 */
export function gramHashA(low: number, high: number): number {
  const first = low * FACTOR[0];
  const second = low * FACTOR[1] + high * FACTOR[0] + Math.floor(first / TWO_20);
  const third = low * FACTOR[2] + high * FACTOR[1] + Math.floor(second / TWO_20) + ((high * FACTOR[2]) % 16) * TWO_20;
  return (third % TWO_24) * 64 + ((second % TWO_20) >>> 14);
}

/** GRAM_B_FACTOR. */
const FACTOR_B = 0x9e3779b1;

/**
 * A gram of four bytes in filter B, the low 32 bits of its product: bits 13 to 31 are the byte offset of the word (its low
 * three bits masked away), bits 7 to 12 the bit.
 *
 * @param gram - The little-endian value, each byte with bit 0x20 set.
 */
export function gramHashB(gram: number): number {
  return Math.imul(gram, FACTOR_B) >>> 0;
}

/** `key_hash`: `low` and `high` are the folded key's two little-endian words. */
export function keyHash(low: number, high: number, length: number): number {
  let z = Math.imul(low ^ Math.imul(length, 0x9e3779b1), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 15) ^ high, 0xc2b2ae35);
  z = Math.imul(z ^ (z >>> 13), 0x27d4eb2f);
  return (z ^ (z >>> 16)) >>> 0;
}
