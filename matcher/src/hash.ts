// The filters' and the buckets' hashes, bit for bit as bpf/lib/search.bpf.h computes them, in numbers rather than BigInts.

/** Low 40 bits of the kernel's GRAM_A: a product's upper bits past a shift by 24 depend on no others. */
const GRAM_A_LOW20 = 0x8df25;
const GRAM_A_HIGH20 = 0x651e9;
const GRAM_B_LOW32 = 0x27d4eb4f;
const MASK20 = 0xfffff;

/**
 * Where a gram of five bytes sits in filter A: the number of its bit, before the mask.
 *
 * In C: `x = (text << 24) * GRAM_A; word = x >> 47; bit = x >> 41 - 3 & 63` (the word's address is `x >> 44` with its low
 * three bits masked away). With `p = text * GRAM_A` modulo 2^40 these are `p >> 23` and `p >> 14 & 63`.
 *
 * @param low - The first 20 bits of the little-endian value, each byte with bit 0x20 set.
 * @param high - The other 20.
 */
export function gramA(low: number, high: number): number {
  const product = low * GRAM_A_LOW20;
  const cross = (mul20(low, GRAM_A_HIGH20) + mul20(high, GRAM_A_LOW20) + Math.floor(product / 0x100000)) & MASK20;
  return ((cross >>> 3) << 6) | ((product % 0x100000) >>> 14);
}

function mul20(a: number, b: number): number {
  return (a * b) % 0x100000;
}

/** Four bytes in filter B. In C: `x = (text << 32) * GRAM_B`, address `x >> 45`, bit `x >> 39 & 63`. */
export function gramB(value: number): number {
  const product = Math.imul(value, GRAM_B_LOW32) >>> 0;
  return ((product >>> 16) << 6) | ((product >>> 7) & 63);
}

/** `key_hash`: `low` and `high` are the folded key's two little-endian words. */
export function keyHash(low: number, high: number, length: number): number {
  let z = Math.imul(low ^ Math.imul(length, 0x9e3779b1), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 15) ^ high, 0xc2b2ae35);
  z = Math.imul(z ^ (z >>> 13), 0x27d4eb2f);
  return (z ^ (z >>> 16)) >>> 0;
}
