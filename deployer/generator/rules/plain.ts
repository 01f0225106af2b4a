// Candidates that are facts as they stand.
import type { MatchMode } from "@cryptnono/matcher";
import type { Fact } from "../facts.js";
import type { Candidate } from "../types.js";

/** The distinctive ones among `facts`, as they are. */
export function fromFacts(facts: readonly Fact[], rule: string, mode: MatchMode = "word"): Candidate[] {
  return facts
    .filter(({ rarity }) => rarity === "distinctive")
    .map(({ value, source }) => ({ value, mode, source, rule }));
}

/** The rule of {@link byHand}. */
export const BY_HAND = "by-hand";

/** Strings that the generator's author names; `source` says where they were seen. */
export function byHand(values: readonly string[], source: string, mode: MatchMode = "word"): Candidate[] {
  return values.map((value) => ({ value, mode, source, rule: BY_HAND }));
}
