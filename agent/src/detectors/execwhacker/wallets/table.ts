// Which wallets are looked for, as the kernel reads it: `struct wallet_table` of bpf/execwhacker/wallets.h.
import { ACTION, MODE, SCOPE } from "@cryptnono/matcher";
import type { Rule } from "../types.js";
import { type AddressFormat, bytesOf, charsOf, formatsOf } from "./coins.js";

/** Offsets and sizes in bytes, and numbers, as the header declares them; tables.test.ts compares each with the C side. */
export const WALLET_LAYOUT = {
  count: 0,
  leastChars: 4,
  mayKill: 8,
  isScoped: 12,
  lengths: 16,
  kinds: 16 + 4 * 16,
  size: 16 + 4 * 16 + 256 * 24,
  maxKinds: 256,
  maxChars: 127,
  leastRun: 16,
  encoding: { cryptonote: 0, base58check: 1, segwit: 2, bech32: 3 },
  kind: {
    prefix: 0,
    stringId: 8,
    encoding: 12,
    bytes: 13,
    leastChars: 14,
    mostChars: 15,
    mode: 16,
    action: 17,
    allowSet: 18,
    scope: 19,
    size: 24,
  },
} as const;

/** So many rules about wallets fit into the table, whichever coins they are of. */
export const MAX_WALLET_RULES = 40;

/**
 * @param firstNumber - Of the first rule in the kernel's records: strings come before.
 * @param numbers - Of each, where they do not follow one another.
 */
export function walletTable(rules: readonly Rule[], firstNumber: number, numbers?: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(WALLET_LAYOUT.size);
  const view = new DataView(bytes.buffer);
  const kinds = rules.flatMap((rule, i) => formatsOf(rule.wallet ?? "").map((format) => ({ rule, i, format })));
  if (kinds.length > WALLET_LAYOUT.maxKinds) throw new RangeError(`${kinds.length} kinds of wallets are too many`);
  view.setUint32(WALLET_LAYOUT.count, kinds.length, true);
  if (kinds.length === 0) return bytes;
  view.setUint32(WALLET_LAYOUT.leastChars, Math.min(...kinds.map(({ format }) => charsOf(format).least)), true);
  view.setUint32(WALLET_LAYOUT.mayKill, Number(rules.some(({ action }) => action === "enforce")), true);
  view.setUint32(WALLET_LAYOUT.isScoped, Number(rules.some(({ scope }) => scope !== undefined)), true);
  for (const [k, { rule, i, format }] of kinds.entries()) {
    const { least, most } = charsOf(format);
    const encoding = WALLET_LAYOUT.encoding[format.encoding];
    for (let chars = least; chars <= most; chars++) {
      const at = WALLET_LAYOUT.lengths + encoding * 16 + (chars >> 3);
      bytes[at]! |= 1 << (chars & 7);
    }
    const at = WALLET_LAYOUT.kinds + k * WALLET_LAYOUT.kind.size;
    const { kind } = WALLET_LAYOUT;
    view.setBigUint64(at + kind.prefix, prefixOf(format), true);
    view.setUint32(at + kind.stringId, numbers?.[i] ?? firstNumber + i, true);
    bytes[at + kind.encoding] = encoding;
    bytes[at + kind.bytes] = "letters" in format ? format.letters.length : bytesOf(format);
    bytes[at + kind.leastChars] = least;
    bytes[at + kind.mostChars] = most;
    bytes[at + kind.mode] = MODE[rule.mode];
    bytes[at + kind.action] = ACTION[rule.action];
    bytes[at + kind.allowSet] = rule.allowSet;
    bytes[at + kind.scope] = rule.scope ?? SCOPE.any;
  }
  return bytes;
}

function prefixOf(format: AddressFormat): bigint {
  if (!("letters" in format)) return BigInt(format.prefix);
  return [...format.letters].reduceRight((sum, letter) => (sum << 8n) | BigInt(letter.charCodeAt(0)), 0n);
}
