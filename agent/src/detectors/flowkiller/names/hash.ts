// The hash by which the kernel's part knows names (bpf/flowkiller/names-hash.bpf.h): a polynomial modulo 2^64, whose suffixes can be
// told from the whole. The base is chosen anew for each list, so that nobody can look for names that collide with it.
import { randomBytes } from "node:crypto";

const MASK = (1n << 64n) - 1n;

/** An odd number of 64 bits. */
export function randomBase(): bigint {
  return randomBytes(8).readBigUInt64LE() | 1n;
}

/** base^0 .. base^(count - 1), as the kernel reads them. */
export function powersOf(base: bigint, count: number): BigUint64Array {
  const powers = new BigUint64Array(count);
  let power = 1n;
  for (let i = 0; i < count; i++) {
    powers[i] = power;
    power = (power * base) & MASK;
  }
  return powers;
}

/** @param name - Small letters, without a dot at the end. */
export function nameKey(name: string, base: bigint): bigint {
  let hash = 0n;
  for (const byte of Buffer.from(name, "latin1")) hash = (hash * base + BigInt(byte)) & MASK;
  hash ^= hash >> 33n;
  hash = (hash * 0xff51afd7ed558ccdn) & MASK;
  return hash ^ (hash >> 29n);
}
