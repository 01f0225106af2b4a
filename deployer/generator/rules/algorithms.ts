// Proof-of-work algorithms: a long and peculiar name stands alone, a short one only as the value of a miner's option.
import type { Fact } from "../facts.js";
import type { Candidate } from "../types.js";

/** How miners spell the option. `-a` is left to long names: `-a hex` is anybody's. */
const FORMS = ["--algo ", "--algo=", "--algorithm ", "--algorithm="];

/** Shortest name worth a string. */
const MIN_NAME = 4;

/** `algorithm`: distinctive names of `minBytes` and more. */
export function algorithmNames(facts: readonly Fact[], minBytes: number): Candidate[] {
  return facts
    .filter(({ value, rarity }) => rarity === "distinctive" && value.length >= minBytes)
    .map(({ value, source }) => ({ value, mode: "word", source, rule: "algorithm" }));
}

/**
 * `algorithm-option`: `--algo X`, `--algo=X` and so on, also over the border of two arguments.
 *
 * @param honest - Names that other software takes for an algorithm too, such as hashes of general use.
 */
export function algorithmOptions(facts: readonly Fact[], honest: readonly string[]): Candidate[] {
  const skip = new Set(honest);
  return facts
    .filter(({ value, rarity }) => rarity !== "never" && value.length >= MIN_NAME && !skip.has(value))
    .flatMap(({ value, source, rarity }) => {
      const forms = rarity === "distinctive" || value.length >= 6 ? [...FORMS, "-a "] : FORMS;
      return forms.map((form) => ({ value: form + value, mode: "word" as const, source, rule: "algorithm-option" }));
    });
}
