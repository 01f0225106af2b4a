// The lists in force and the candidate, for those who ask about either without an agent: a refused candidate is an error here.
import { checkPattern } from "../check-pattern.js";
import { loadLists, unite } from "../config/index.js";
import type { CandidateList, Rules } from "../types.js";

export interface ListOptions {
  readonly config: readonly string[];
  /** Files of candidates. */
  readonly candidate?: readonly string[];
  readonly mode: "enforce" | "audit";
  readonly allowAcrossLists?: boolean;
}

export interface BothLists {
  readonly inForce: Rules;
  /** The lists as they would be with the candidate; null without one. */
  readonly candidate: Rules | null;
  readonly candidateLists: readonly CandidateList[];
}

/** @throws ConfigError */
export function loadBoth({
  config,
  candidate: candidates = [],
  mode,
  allowAcrossLists = false,
}: ListOptions): BothLists {
  const options = { candidates, defaultMode: mode, allowAcrossLists, checkPattern };
  const { inForce, candidate, refused } = loadLists(config, options);
  if (refused !== null) throw refused;
  // What the agent would refuse is refused here.
  if (candidate !== null) unite(inForce, candidate);
  return { inForce, candidate: candidate?.rules ?? null, candidateLists: candidate?.lists ?? [] };
}
