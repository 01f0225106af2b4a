// Coins whose wallets can be looked for: what their addresses begin with and how they are proven. Main networks alone.

/**
 * - `cryptonote`: base 58 in blocks of eight bytes: a varint, keys, four bytes of their Keccak-256.
 * - `base58check`: base 58 as one number: a version, a hash of twenty bytes, four bytes of their double SHA-256.
 * - `segwit`: BIP 173 for version 0 and BIP 350 for later ones. `bech32`: BIP 173's sum over something else.
 */
export type AddressFormat =
  | { readonly encoding: "cryptonote"; readonly prefix: number; readonly keyBytes: number }
  | { readonly encoding: "base58check"; readonly prefix: number; readonly prefixBytes: 1 | 2 }
  | { readonly encoding: "segwit" | "bech32"; readonly letters: string; readonly chars: number };

/** Two keys; and with an integrated address's payment id. */
const KEYS = 64;
const KEYS_AND_ID = 72;

/** Standard, integrated and sub-addresses: CRYPTONOTE_PUBLIC_*_BASE58_PREFIX of the coin's src/cryptonote_config.h. */
function cryptonote(standard: number, integrated: number, sub: number): readonly AddressFormat[] {
  return [
    { encoding: "cryptonote", prefix: standard, keyBytes: KEYS },
    { encoding: "cryptonote", prefix: sub, keyBytes: KEYS },
    { encoding: "cryptonote", prefix: integrated, keyBytes: KEYS_AND_ID },
  ];
}

/** base58Prefixes of the coin's src/chainparams.cpp: of keys, of scripts. */
function base58check(...versions: readonly number[]): readonly AddressFormat[] {
  return versions.map((prefix) => ({ encoding: "base58check", prefix, prefixBytes: 1 }));
}

/** The same file's bech32_hrp. A witness has 20 bytes or 32. */
function segwit(letters: string): readonly AddressFormat[] {
  const charsOf = (witnessBytes: number) => letters.length + 1 + 1 + Math.ceil((witnessBytes * 8) / 5) + 6;
  return [20, 32].map((bytes) => ({ encoding: "segwit", letters, chars: charsOf(bytes) }));
}

/**
 * RandomX and its relatives; others that processors mine (GhostRider, VerusHash, Yespower, CryptoNight Adaptive, AstroBWT); and what pools pay out for
 * processors' work in other coins.
 */
export const COINS = {
  monero: cryptonote(18, 19, 42),
  wownero: cryptonote(4146, 6810, 12208),
  // The second three are CARROT_PUBLIC_*: since its accounts of that kind.
  salvium: [...cryptonote(0x3ef318, 0x55ef318, 0xf5ef318), ...cryptonote(0x180c96, 0x2ccc96, 0x314c96)],
  scala: cryptonote(0x9b, 0x6599, 0x5c1a),
  zephyr: cryptonote(0x6241d18c0, 0xc4f7d18c0, 0x8dd58c0),
  arqma: cryptonote(0x2cca, 0x116bc7, 0x6847),
  safex: cryptonote(0x10003798, 0xa90a03798, 0x10e03798),
  nerva: cryptonote(0x3800, 0x7081, 0x1080),
  // Its first version of scripts is Bitcoin's, and not told from it.
  kevacoin: [...base58check(45, 70), ...segwit("kva")],
  scash: segwit("scash"),
  raptoreum: base58check(60, 16),
  verus: base58check(60, 85),
  sugarchain: [...base58check(63, 125), ...segwit("sugar")],
  yenten: [...base58check(78, 10), ...segwit("ytn")],
  // derohe rpc/address.go: a version of one byte, a key of 33.
  dero: [{ encoding: "bech32", letters: "dero", chars: 66 }],
  bitcoin: [...base58check(0, 5), ...segwit("bc")],
  litecoin: [...base58check(48, 50), ...segwit("ltc")],
  dogecoin: base58check(30, 22),
  ravencoin: base58check(60, 122),
} as const satisfies Readonly<Record<string, readonly AddressFormat[]>>;

export type Coin = keyof typeof COINS;

export const COIN_NAMES = Object.keys(COINS) as readonly Coin[];

export function formatsOf(coin: string): readonly AddressFormat[] {
  return (COINS as Readonly<Record<string, readonly AddressFormat[]>>)[coin] ?? [];
}

/** How many characters an address may have. */
export function charsOf(format: AddressFormat): { readonly least: number; readonly most: number } {
  switch (format.encoding) {
    case "cryptonote": {
      const chars = blockChars(bytesOf(format));
      return { least: chars, most: chars };
    }
    case "base58check":
      // A version of 0 may be followed by more zeros, of which each is one character.
      if (format.prefix === 0) return { least: bytesOf(format) + 1, most: digits58(1, bytesOf(format) - 1) + 1 };
      return { least: digits58(format.prefix, 24), most: digits58(format.prefix + 1, 24) };
    default:
      return { least: format.chars, most: format.chars };
  }
}

/** Decoded, with the sum; 0 for bech32. */
export function bytesOf(format: AddressFormat): number {
  switch (format.encoding) {
    case "cryptonote":
      return varintBytes(format.prefix) + format.keyBytes + SUM_BYTES;
    case "base58check":
      return format.prefixBytes + 20 + SUM_BYTES;
    default:
      return 0;
  }
}

/** Of `number` followed by so many bytes, in base 58. */
function digits58(number: number, bytes: number): number {
  return Math.floor((Math.log(number) + bytes * Math.log(256)) / Math.log(58)) + 1;
}

const SUM_BYTES = 4;
/** By bytes of the last block: monero src/common/base58.cpp. */
const BLOCK_CHARS = [0, 2, 3, 5, 6, 7, 9, 10, 11] as const;

function blockChars(bytes: number): number {
  return Math.floor(bytes / 8) * 11 + BLOCK_CHARS[bytes % 8]!;
}

function varintBytes(value: number): number {
  return value < 128 ? 1 : 1 + varintBytes(Math.floor(value / 128));
}
