// Addresses made and proven by libraries that others keep: an oracle that shares no line with what is tested.

import { sha256 } from "@noble/hashes/sha2.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { base58xmr, bech32, bech32m, createBase58check } from "@scure/base";

/** A number of 0 to `below` - 1, from a seed. */
export type Random = (below: number) => number;

export interface Address {
  readonly coin: string;
  readonly text: string;
  readonly alphabet: string;
  /** Other coins have the same version: which of them is named is the list's order. */
  readonly shares: boolean;
}

export const COINS: readonly string[] = [
  ...["monero", "wownero", "salvium", "scala", "zephyr", "arqma", "safex", "nerva", "kevacoin", "scash"],
  ...["raptoreum", "verus", "sugarchain", "yenten", "dero"],
  ...["bitcoin", "litecoin", "dogecoin", "ravencoin"],
];

/** Mulberry32. */
export function randomOf(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

export function pick<T>(random: Random, from: readonly T[]): T {
  return from[random(from.length)]!;
}

const BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const check = createBase58check(sha256);

/** One of each kind that the coins have. */
export function addressesOf(random: Random): readonly Address[] {
  const bytes = (count: number) => Uint8Array.from({ length: count }, () => random(256));
  const cryptonote = (coin: string, prefix: number, keyBytes: number): Address => {
    const message = Uint8Array.from([...varint(prefix), ...bytes(keyBytes)]);
    const sum = keccak_256(message).subarray(0, 4);
    return { coin, text: base58xmr.encode(Uint8Array.from([...message, ...sum])), alphabet: BASE58, shares: false };
  };
  const base58check = (coin: string, version: number, hash = bytes(20)): Address => ({
    coin,
    text: check.encode(Uint8Array.from([version, ...hash])),
    alphabet: BASE58,
    shares: version === 60,
  });
  const segwit = (coin: string, letters: string, version: number, program: number): Address => {
    const words = [version, ...bech32.toWords(bytes(program))];
    const text = version === 0 ? bech32.encode(letters, words) : bech32m.encode(letters, words);
    return { coin, text: random(4) === 0 ? text.toUpperCase() : text, alphabet: BECH32, shares: false };
  };
  const derived = bytes(34);
  derived[0] = 1;
  return [
    ...[18, 42].map((prefix) => cryptonote("monero", prefix, 64)),
    cryptonote("monero", 19, 72),
    ...[4146, 12208].map((prefix) => cryptonote("wownero", prefix, 64)),
    cryptonote("wownero", 6810, 72),
    ...[0x3ef318, 0xf5ef318].map((prefix) => cryptonote("salvium", prefix, 64)),
    cryptonote("salvium", 0x55ef318, 72),
    ...[0x9b, 0x5c1a].map((prefix) => cryptonote("scala", prefix, 64)),
    cryptonote("scala", 0x6599, 72),
    ...[0x180c96, 0x314c96].map((prefix) => cryptonote("salvium", prefix, 64)),
    cryptonote("salvium", 0x2ccc96, 72),
    ...[0x6241d18c0, 0x8dd58c0].map((prefix) => cryptonote("zephyr", prefix, 64)),
    cryptonote("zephyr", 0xc4f7d18c0, 72),
    ...[0x2cca, 0x6847].map((prefix) => cryptonote("arqma", prefix, 64)),
    cryptonote("arqma", 0x116bc7, 72),
    ...[0x10003798, 0x10e03798].map((prefix) => cryptonote("safex", prefix, 64)),
    cryptonote("safex", 0xa90a03798, 72),
    ...[0x3800, 0x1080].map((prefix) => cryptonote("nerva", prefix, 64)),
    cryptonote("nerva", 0x7081, 72),
    base58check("kevacoin", 45),
    base58check("kevacoin", 70),
    segwit("kevacoin", "kva", 0, 20),
    segwit("scash", "scash", 0, 20),
    segwit("scash", "scash", 1, 32),
    base58check("yenten", 78),
    base58check("yenten", 10),
    segwit("yenten", "ytn", 0, 20),
    base58check("raptoreum", 60),
    base58check("raptoreum", 16),
    base58check("verus", 85),
    base58check("sugarchain", 63),
    base58check("sugarchain", 125),
    segwit("sugarchain", "sugar", 0, 20),
    { coin: "dero", text: bech32.encode("dero", bech32.toWords(derived), 90), alphabet: BECH32, shares: false },
    base58check("bitcoin", 0),
    // Zeros in front are characters of their own.
    base58check("bitcoin", 0, Uint8Array.from([0, 0, 0, ...bytes(17)])),
    base58check("bitcoin", 0, new Uint8Array(20)),
    base58check("bitcoin", 5),
    segwit("bitcoin", "bc", 0, 20),
    segwit("bitcoin", "bc", 0, 32),
    segwit("bitcoin", "bc", 1, 32),
    base58check("litecoin", 48),
    base58check("litecoin", 50),
    segwit("litecoin", "ltc", 0, 20),
    base58check("dogecoin", 30),
    base58check("dogecoin", 22),
    base58check("ravencoin", 122),
  ];
}

/** Another letter of the alphabet at one place: by chance it is an address of no coin, which the library says. */
export function oneLetterOff(random: Random, address: Address): string {
  for (;;) {
    const at = random(address.text.length);
    const letter = pick(random, [...address.alphabet]);
    const isUpper = address.text === address.text.toUpperCase() && address.alphabet === BECH32;
    const text = address.text.slice(0, at) + (isUpper ? letter.toUpperCase() : letter) + address.text.slice(at + 1);
    if (text !== address.text && !isValid(text)) return text;
  }
}

function isValid(text: string): boolean {
  return [
    () => void check.decode(text),
    () => void bech32.decode(text as `${string}1${string}`, 200),
    () => void bech32m.decode(text as `${string}1${string}`, 200),
    () => {
      const bytes = base58xmr.decode(text);
      const sum = keccak_256(bytes.subarray(0, -4)).subarray(0, 4);
      if (Buffer.compare(sum, bytes.subarray(-4)) !== 0) throw new Error("no sum");
    },
  ].some((decode) => {
    try {
      decode();
      return true;
    } catch {
      return false;
    }
  });
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) | 0x80, ...varint(Math.floor(value / 128))];
}
