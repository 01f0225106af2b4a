// Patterns that an operator should know of: they have no end, and spare strings of other lists than their own.
import { isOpenEnded } from "@cryptnono/matcher";
import type { AllowPattern, Rules } from "../types.js";

/** Whoever knows the words of one of these passes with any string of those lists behind them. */
export function openPatterns({ strings, wallets = [], allow, allowSets }: Rules): AllowPattern[] {
  const lists = new Map<number, Set<string>>();
  for (const { allowSet, list } of [...strings, ...wallets]) {
    if (allowSet > 0) lists.set(allowSet, (lists.get(allowSet) ?? new Set()).add(list));
  }
  const across = new Set<number>();
  for (const [allowSet, names] of lists) {
    for (const index of allowSets[allowSet - 1]!) {
      if ([...names].some((name) => name !== allow[index]!.list)) across.add(index);
    }
  }
  return allow.filter((pattern, index) => across.has(index) && isOpenEnded(pattern.source));
}
