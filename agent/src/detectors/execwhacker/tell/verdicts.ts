// What the kernel decides, but for what only debugging tells, and the log's words for it.
import type { SummedAction } from "../../../report/index.js";

/** By the names of its counters. */
export type TalliedVerdict =
  | "killed"
  | "would_kill"
  | "kill_failed"
  | "spared_substring"
  | "spared_pattern"
  | "spared_scope"
  | "let_go"
  | "candidate";

export const ACTION_OF_VERDICT: Readonly<Record<TalliedVerdict, SummedAction>> = {
  killed: "killed",
  kill_failed: "kill-failed",
  would_kill: "would-kill",
  spared_substring: "spared",
  spared_pattern: "spared",
  spared_scope: "spared",
  let_go: "let-go",
  // Beside the verdict: the lists in force let it live.
  candidate: "would-kill",
};

/** In the order in which they are told. */
export const TALLIED_VERDICTS = Object.keys(ACTION_OF_VERDICT) as readonly TalliedVerdict[];
