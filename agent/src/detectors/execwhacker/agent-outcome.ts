// What becomes of a process that the agent judges itself, by the scan or because the kernel asks.
import type { Killer } from "../../kill/index.js";
import type { Decision } from "./metrics.js";
import type { JudgeVerdict, Outcome } from "./types.js";

/** A verdict of something that was found. */
export type Standing = Exclude<JudgeVerdict, { readonly kind: "none" }>;
export type AgentOutcome = Extract<
  Outcome,
  { readonly action: "killed" | "would-kill" | "kill-failed" | "missed-kill" | "spared" }
>;

/** @param kill - Called only where the verdict is death. */
export function outcomeOf(verdict: Standing, kill: () => ReturnType<Killer>): AgentOutcome {
  if (verdict.kind === "spared") return { action: "spared", allowedBy: verdict.allowedBy };
  if (verdict.rule.action === "audit") return { action: "would-kill" };
  const result = kill();
  if (result.kind === "killed") return { action: "killed", by: "agent" };
  if (result.kind === "missed") return { action: "missed-kill" };
  return { action: "kill-failed", errno: result.kind === "failed" ? result.errno : EPERM };
}

/** Refused by the agent's own law. */
const EPERM = 1;

export function decisionOf(outcome: AgentOutcome): Decision {
  if (outcome.action === "missed-kill") return "missed";
  if (outcome.action !== "spared") return outcome.action;
  return typeof outcome.allowedBy === "string" ? outcome.allowedBy : "allowed-pattern";
}
