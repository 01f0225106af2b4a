// Keccak-256 as CryptoNote has it: with the padding from before FIPS 202, which node:crypto does not know everywhere.

const RATE_BYTES = 136;
const MASK = (1n << 64n) - 1n;
/** FIPS 202, table 2, by x + 5 y. */
const TURNS = [0, 1, 62, 28, 27, 36, 44, 6, 55, 20, 3, 10, 43, 25, 39, 41, 45, 15, 21, 8, 18, 2, 61, 56, 14] as const;

/** @param message - Shorter than one block: 135 bytes at most. */
export function keccak256(message: Uint8Array): Uint8Array {
  if (message.length >= RATE_BYTES) throw new RangeError(`hash ${message.length} bytes: more than one block`);
  const block = new Uint8Array(200);
  block.set(message);
  block[message.length] = 1;
  block[RATE_BYTES - 1]! ^= 0x80;
  const view = new DataView(block.buffer);
  let lanes = Array.from({ length: 25 }, (_, i) => view.getBigUint64(8 * i, true));
  for (const constant of CONSTANTS) lanes = round(lanes, constant);
  for (const [i, lane] of lanes.slice(0, 4).entries()) view.setBigUint64(8 * i, lane, true);
  return block.subarray(0, 32);
}

function round(lanes: readonly bigint[], constant: bigint): bigint[] {
  const columns = [0, 1, 2, 3, 4].map((x) => [0, 5, 10, 15, 20].reduce((sum, y) => sum ^ lanes[x + y]!, 0n));
  const moved = new Array<bigint>(25).fill(0n);
  for (let x = 0; x < 5; x++) {
    const d = columns[(x + 4) % 5]! ^ rotate(columns[(x + 1) % 5]!, 1);
    for (let y = 0; y < 5; y++) moved[y + 5 * ((2 * x + 3 * y) % 5)] = rotate(lanes[x + 5 * y]! ^ d, TURNS[x + 5 * y]!);
  }
  const next = moved.map((lane, i) => {
    const y = i - (i % 5);
    return lane ^ (~moved[y + ((i + 1) % 5)]! & MASK & moved[y + ((i + 2) % 5)]!);
  });
  next[0]! ^= constant;
  return next;
}

function rotate(lane: bigint, by: number): bigint {
  return ((lane << BigInt(by)) | (lane >> BigInt(64 - by))) & MASK;
}

/** FIPS 202, 3.2.5: a register of eight bits says which of seven bits each has. */
const CONSTANTS = roundConstants();

function roundConstants(): readonly bigint[] {
  let register = 1;
  return Array.from({ length: 24 }, () => {
    let constant = 0n;
    for (let bit = 0; bit < 7; bit++) {
      if (register & 1) constant ^= 1n << BigInt(2 ** bit - 1);
      register = register & 0x80 ? ((register << 1) ^ 0x171) & 0xff : register << 1;
    }
    return constant;
  });
}
