// Candidates of several strings, all of which must stand in the line.
import type { Candidate } from "./types.js";

type Strings = Pick<Candidate, "value" | "also">;

/** All strings of a candidate: one, or those of its rule. */
export function stringsOf({ value, also = [] }: Strings): readonly string[] {
  return [value, ...also];
}

/** What a candidate is called and sorted by: as the log's `matched` has it. */
export function textOf(candidate: Strings): string {
  return stringsOf(candidate).join(" + ");
}
