// What the kernel tells of an exec, in the log's words.

import type { ExecRecord } from "../record.js";
import type { AllowPattern, Outcome, Report, Rule, RulesInForce } from "../types.js";

/**
 * @param rule - The rule that was found, if it is known.
 * @param rules - Those of the record's list; undefined when it was an earlier agent's.
 */
export function reportOf(record: ExecRecord, rule: Rule | null, rules: RulesInForce | undefined): Report {
  return {
    source: "execwhacker.bpf",
    process: record.process,
    rule,
    group: record.group.toString(),
    ...(rule === null && record.match !== null ? { matched: record.match.bytes } : {}),
    outcome: outcomeOf(record, rules),
    latencyNs: record.latencyNs,
    ...becauseOf(record),
    ...(record.match?.offset === undefined ? {} : { matchOffset: record.match.offset }),
    ...(record.match?.environment === undefined ? {} : { environment: record.match.environment }),
  };
}

function becauseOf({ verdict, changed, unreadable, overLong, unjudged }: ExecRecord): Pick<Report, "because"> {
  if (changed) return { because: "arguments-changed" };
  if (unjudged && verdict === "spared-scope") return { because: "container-unknown" };
  return unreadable ? { because: "unreadable" } : overLong ? { because: "over-long" } : {};
}

function outcomeOf(record: ExecRecord, rules: RulesInForce | undefined): Outcome {
  switch (record.verdict) {
    case "killed":
      return { action: "killed", by: "kernel" };
    case "kill-failed":
      return { action: "kill-failed", errno: record.errno };
    case "would-kill":
      return { action: "would-kill" };
    case "spared-substring":
      return { action: "spared", allowedBy: "is-substring" };
    case "spared-pattern":
      return { action: "spared", allowedBy: { pattern: rules?.allow[record.patternId] ?? UNKNOWN_PATTERN } };
    case "spared-scope":
      return { action: "spared", allowedBy: "out-of-scope" };
    case "candidate":
      return { action: "would-kill", by: "candidate" };
    // What becomes of it is said once it is known.
    case "asked":
    case "let-go":
      return { action: "let-go" };
    case "observed":
      return { action: "observed", durationNs: record.latencyNs };
  }
}

/** Of an earlier agent's list. */
const UNKNOWN_PATTERN: AllowPattern = { source: "", list: "unknown", index: 0 };
