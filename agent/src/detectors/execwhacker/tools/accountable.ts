// Rules compiled for those who ask why: the verdict, and the list that it can be accounted for by.
import type { AccountableList } from "@cryptnono/matcher";
import { type CompiledRules, compileRules } from "../rules.js";
import type { Rules } from "../types.js";

/** @throws CompileError, PatternError, PatternsRefused */
export function compileAccountable(rules: Rules): Pick<CompiledRules, "judge"> & { readonly list: AccountableList } {
  const { judge, list } = compileRules(rules, 0);
  const sources = rules.allow.map(({ source }) => source);
  return { judge, list: { ...list, strings: rules.strings, sources, sets: rules.allowSets } };
}
