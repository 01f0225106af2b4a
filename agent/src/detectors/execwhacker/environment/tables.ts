// What of the rules is looked for in the environment, as the kernel reads it: strings and wallets in tables of their own, which hold
// nothing else.
import { type CompileOptions, compileTables, type MatchMode, type Tables } from "@cryptnono/matcher";
import type { Rule, RulesInForce } from "../types.js";
import { walletTable } from "../wallets/index.js";

/** Filled in beside a list's own tables. */
export interface EnvironmentTables extends Pick<Tables, "filters" | "cells"> {
  /** `struct wallet_table` */
  readonly wallets: Uint8Array;
}

/** A rule with its number in the kernel's records. */
export interface NumberedRule {
  readonly rule: Rule;
  readonly number: number;
  /** As it is looked for. */
  readonly asked: Rule;
}

/** @returns null where nothing is looked for in the environment. */
export function environmentTables(
  strings: readonly Rule[],
  wallets: readonly Rule[],
  options: CompileOptions,
): EnvironmentTables | null {
  const ofStrings = environmentStrings(strings);
  const ofWallets = environmentWallets({ strings, wallets });
  if (ofStrings.length + ofWallets.length === 0) return null;
  const { filters, cells } = compileTables(ofStrings, { ...options, isEnvironment: true });
  const numbers = ofWallets.map(({ number }) => number);
  const asked = ofWallets.map((wallet) => wallet.asked);
  return { filters, cells, wallets: walletTable(asked, 0, numbers) };
}

/** For a sensor that looks at the environment, and a list that does not. */
export function noEnvironment(): EnvironmentTables {
  const { filters, cells } = compileTables([], { isEnvironment: true });
  return { filters, cells, wallets: walletTable([], 0) };
}

/** Those that are looked for in the environment, as they are looked for, each with its number in the kernel's records. */
export function environmentStrings(strings: readonly Rule[]): readonly (Rule & { readonly number: number })[] {
  return strings.flatMap((rule, number) =>
    // A candidate is compared by command lines alone.
    rule.environment === true && rule.only !== "candidate" ? [{ ...forEnvironment(rule), number }] : [],
  );
}

export function environmentWallets({
  strings,
  wallets = [],
}: Pick<RulesInForce, "wallets"> & { readonly strings: { readonly length: number } }): readonly NumberedRule[] {
  return wallets.flatMap((rule, i) =>
    rule.environment === true ? [{ rule, number: strings.length + i, asked: forEnvironment(rule) }] : [],
  );
}

/** A variable's value is there what an argument is elsewhere. */
function forEnvironment(rule: Rule): Rule {
  return { ...rule, mode: environmentMode(rule.mode) };
}

export function environmentMode(mode: MatchMode): MatchMode {
  return mode === "exact-argument" ? "exact-value" : mode;
}
