// Whether a run of letters and digits is an address: what bpf/execwhacker/wallet-sums.bpf.h decides, for those who judge without a kernel.
import { createHash } from "node:crypto";
import { keccak256 } from "./keccak.js";

/** What a run can be read as. `isValid` is reckoned when it is asked for: a hash takes longer than the rest. */
export interface Reading {
  readonly encoding: "cryptonote" | "base58check" | "segwit" | "bech32";
  /** The varint, the version; the letters. */
  readonly prefix: number | string;
  /** Decoded, with the sum; 0 for bech32. */
  readonly bytes: number;
  isValid(): boolean;
}

/** Each way in which `text`, letters and digits alone, is a number with a beginning. */
export function readings(text: string): readonly Reading[] {
  return [asCryptonote(text), asBase58check(text), ...asBech32(text)].filter((reading) => reading !== null);
}

const SUM_BYTES = 4;

// ---- base 58 ----

const BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const BLOCK_CHARS = 11;
/** By characters of the last block; 0: no block has so many. monero src/common/base58.cpp */
const BLOCK_BYTES = [0, 0, 1, 2, 0, 3, 4, 5, 0, 6, 7, 8] as const;

function numberOf(text: string): bigint | null {
  let value = 0n;
  for (const char of text) {
    const digit = BASE58.indexOf(char);
    if (digit < 0) return null;
    value = value * 58n + BigInt(digit);
  }
  return value;
}

/** Big-endian; null when it needs more bytes. */
function bytesOf(value: bigint, count: number): Uint8Array | null {
  if (value >> BigInt(8 * count)) return null;
  return Uint8Array.from({ length: count }, (_, i) => Number((value >> BigInt(8 * (count - 1 - i))) & 0xffn));
}

function asCryptonote(text: string): Reading | null {
  const blocks: Uint8Array[] = [];
  for (let from = 0; from < text.length; from += BLOCK_CHARS) {
    const chars = text.slice(from, from + BLOCK_CHARS);
    const size = BLOCK_BYTES[chars.length]!;
    const value = numberOf(chars);
    const block = value === null || size === 0 ? null : bytesOf(value, size);
    if (block === null) return null;
    blocks.push(block);
  }
  const bytes = Buffer.concat(blocks);
  if (bytes.length <= SUM_BYTES) return null;
  return {
    encoding: "cryptonote",
    prefix: varint(bytes),
    bytes: bytes.length,
    isValid: () => hasSum(bytes, keccak256),
  };
}

function varint(bytes: Uint8Array): number {
  let value = 0;
  for (const [i, byte] of bytes.subarray(0, 8).entries()) {
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) break;
  }
  return value;
}

function asBase58check(text: string): Reading | null {
  const zeros = /^1*/.exec(text)![0].length;
  const value = numberOf(text);
  if (value === null) return null;
  const length = zeros + (value === 0n ? 0 : Math.ceil(value.toString(16).length / 2));
  if (length !== 25 && length !== 26) return null;
  const bytes = bytesOf(value, length)!;
  return {
    encoding: "base58check",
    prefix: length === 25 ? bytes[0]! : (bytes[0]! << 8) | bytes[1]!,
    bytes: length,
    isValid: () => hasSum(bytes, (message) => sha256(sha256(message))),
  };
}

function sha256(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest();
}

function hasSum(bytes: Uint8Array, hash: (message: Uint8Array) => Uint8Array): boolean {
  const end = bytes.length - SUM_BYTES;
  return Buffer.compare(hash(bytes.subarray(0, end)).subarray(0, SUM_BYTES), bytes.subarray(end)) === 0;
}

// ---- bech32 ----

const BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const FACTORS = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3] as const;
const BECH32_SUM = 1;
const BECH32M_SUM = 0x2bc830a3;

/** Behind the last `1` there is no letter's part any more: `1` is no digit. */
function asBech32(text: string): readonly Reading[] {
  const small = text.toLowerCase();
  const letters = small.slice(0, Math.max(0, small.lastIndexOf("1")));
  if (letters === "" || (text !== small && text !== text.toUpperCase())) return [];
  const digits = [...small.slice(letters.length + 1)].map((char) => BECH32.indexOf(char));
  if (digits.length === 0 || digits.includes(-1)) return [];
  const codes = [...letters].map((letter) => letter.charCodeAt(0));
  const sum = () => polymod([...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31), ...digits]);
  return [
    {
      encoding: "segwit",
      prefix: letters,
      bytes: 0,
      isValid: () => sum() === (digits[0] === 0 ? BECH32_SUM : BECH32M_SUM),
    },
    { encoding: "bech32", prefix: letters, bytes: 0, isValid: () => sum() === BECH32_SUM },
  ];
}

function polymod(values: readonly number[]): number {
  let sum = 1;
  for (const value of values) {
    const top = sum >>> 25;
    sum = ((sum & 0x1ffffff) << 5) ^ value;
    for (const [i, factor] of FACTORS.entries()) if ((top >> i) & 1) sum ^= factor;
  }
  return sum >>> 0;
}
