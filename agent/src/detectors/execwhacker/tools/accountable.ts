// Rules compiled for those who ask why: the verdict, and the lists that it can be accounted for by.
import { type Account, type AccountableList, accountsOf, type Scopes } from "@cryptnono/matcher";
import { environmentStrings } from "../environment/index.js";
import { compileRules, weightOf } from "../rules.js";
import type { JudgeVerdict, Rules } from "../types.js";
import type { AskedLine } from "./read-line.js";

export interface Accountable {
  /** Of the command line and, where it is known, of the environment: the heavier one. */
  judge(asked: AskedLine, scopes: Scopes): JudgeVerdict;
  readonly list: AccountableList;
  /** Every string that stands in the environment, by its index in the rules; none where it is not known. */
  inEnvironment(asked: AskedLine, scopes: Scopes): Pick<Account, "strings" | "patterns">;
}

const NOTHING = { strings: [], patterns: [] };
const NO_PATH = new Uint8Array(0);

/** @throws CompileError, PatternError, PatternsRefused */
export function compileAccountable(rules: Rules): Accountable {
  const { judge, judgeEnvironment, list } = compileRules(rules, 0);
  const sources = rules.allow.map(({ source }) => source);
  const accountable = { ...list, strings: rules.strings, sources, sets: rules.allowSets };
  const numbered = environmentStrings(rules.strings);
  const accountOf =
    list.environment === null
      ? null
      : accountsOf({
          ...accountable,
          strings: numbered,
          tables: { ...list.tables, ...list.environment },
          quoted: [],
        });
  return {
    list: accountable,
    judge({ line, names, environment }, scopes) {
      const inLine = judge(line, { names, scopes });
      if (environment === undefined || judgeEnvironment === null) return inLine;
      const inVariables = judgeEnvironment(environment, { names, scopes });
      return weightOf(inVariables) > weightOf(inLine) ? inVariables : inLine;
    },
    inEnvironment({ names, environment }, scopes) {
      if (environment === undefined || accountOf === null) return NOTHING;
      const { strings, patterns } = accountOf({ path: NO_PATH, args: [environment] }, names, scopes);
      return { strings: strings.map((one) => ({ ...one, index: numbered[one.index]!.number })), patterns };
    },
  };
}
