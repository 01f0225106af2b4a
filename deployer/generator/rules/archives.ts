// Release archives: the file name without version and ending, where that still says whose it is.
import type { Fact } from "../facts.js";
import type { Candidate } from "../types.js";

const ENDING = /\.(tar\.gz|tar\.xz|tgz|tar|zip|7z|exe)$/;

/** `archive`: the whole name without its ending. A name that begins with its program's is covered by that program's string. */
export function archives(facts: readonly Fact[]): Candidate[] {
  return facts
    .filter(({ value }) => !value.includes("*"))
    .map(({ value, source }) => ({
      value: value.toLowerCase().replace(ENDING, ""),
      mode: "word",
      source,
      rule: "archive",
    }));
}
