// Addresses in a text: what bpf/execwhacker/wallets.bpf.h finds, for those who judge without a kernel.
import type { Rule } from "../types.js";
import { readings } from "./address.js";
import { bytesOf, charsOf, formatsOf } from "./coins.js";

/** An address that a rule looks for. */
export interface FoundWallet {
  readonly rule: Rule;
  readonly address: Uint8Array;
  /** Where it begins in the text. */
  readonly offset: number;
}

export interface TextEnds {
  /** The text goes on there: a run that touches that end may be a part of a longer one. */
  readonly start: boolean;
  readonly end: boolean;
}

/** Longer than any run that is looked at: MAX_WALLET_CHARS and one. */
const RUN = /[0-9A-Za-z]+/g;
const MOST_CHARS = 127;

/** @param text - Arguments, with a NUL between two of them. */
export function findWallets(
  text: Uint8Array,
  rules: readonly Rule[],
  cut: TextEnds = { start: false, end: false },
): readonly FoundWallet[] {
  if (rules.length === 0) return [];
  const { least, most } = boundsOf(rules);
  const latin1 = Buffer.from(text.buffer, text.byteOffset, text.length).toString("latin1");
  const found: FoundWallet[] = [];
  for (const { 0: run, index: offset } of latin1.matchAll(RUN)) {
    const end = offset + run.length;
    if (run.length < least || run.length > Math.min(most, MOST_CHARS)) continue;
    if ((offset === 0 && cut.start) || (end === latin1.length && cut.end)) continue;
    const isWhole = isEdge(latin1, offset - 1) && isEdge(latin1, end);
    const isValue = latin1[offset - 1] === "=" && isEdge(latin1, end);
    for (const rule of rulesOf(run, rules)) {
      if (rule.mode === "exact-argument" && !isWhole) continue;
      if (rule.mode === "exact-value" && !isWhole && !isValue) continue;
      found.push({ rule, address: text.slice(offset, end), offset });
    }
  }
  return found;
}

/** Those whose coin has such an address. */
function rulesOf(run: string, rules: readonly Rule[]): Rule[] {
  const known = readings(run);
  return rules.filter(({ wallet = "" }) =>
    formatsOf(wallet).some((format) => {
      const { least, most } = charsOf(format);
      const prefix = "letters" in format ? format.letters : format.prefix;
      return (
        run.length >= least &&
        run.length <= most &&
        known.some(
          (reading) =>
            reading.encoding === format.encoding &&
            reading.prefix === prefix &&
            reading.bytes === bytesOf(format) &&
            reading.isValid(),
        )
      );
    }),
  );
}

function isEdge(text: string, at: number): boolean {
  return at < 0 || at >= text.length || text.charCodeAt(at) === 0;
}

function boundsOf(rules: readonly Rule[]): { readonly least: number; readonly most: number } {
  const bounds = rules.flatMap(({ wallet = "" }) => formatsOf(wallet).map(charsOf));
  return { least: Math.min(...bounds.map(({ least }) => least)), most: Math.max(...bounds.map(({ most }) => most)) };
}
