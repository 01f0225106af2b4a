// Verdicts that the kernel tells of by their number, in the log's words.
import type { Untold } from "../ledger.js";
import { ruleByNumber } from "../rules.js";
import type { RulesInForce } from "../types.js";
import type { Summary } from "./bound-summaries.js";
import { ACTION_OF_VERDICT, type TalliedVerdict } from "./verdicts.js";

/** The rules of a generation; undefined when they are not known any more. */
export type RulesOf = (generation: number) => RulesInForce | undefined;

const ALLOWED_BY: Partial<Record<TalliedVerdict, "is-substring" | "out-of-scope">> = {
  spared_substring: "is-substring",
  spared_scope: "out-of-scope",
};

/** What the kernel counted, in the log's words. */
export function summaryOfTally({ verdict, count, tally }: Untold, rulesOf: RulesOf): Summary {
  const action = ACTION_OF_VERDICT[verdict];
  const summary = { source: "execwhacker.bpf", action, count } as const;
  const by = ALLOWED_BY[verdict];
  const allowed = {
    ...(by === undefined ? {} : { allowedBy: by }),
    ...(verdict === "candidate" ? { isCandidate: true } : {}),
  };
  if (tally === null) return { ...summary, ...allowed, rule: null };
  const rules = rulesOf(tally.generation);
  const pattern = verdict === "spared_pattern" ? rules?.allow[tally.patternId] : undefined;
  return {
    ...summary,
    ...allowed,
    ...(pattern === undefined ? {} : { allowedBy: { pattern } }),
    rule: tally.stringId === null || rules === undefined ? null : ruleByNumber(rules, tally.stringId),
    group: tally.group,
    firstNs: tally.firstNs,
    lastNs: tally.lastNs,
    lastPid: tally.pid,
    uid: tally.uid,
    cgroupId: tally.cgroupId,
  };
}
