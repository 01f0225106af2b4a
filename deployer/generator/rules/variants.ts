// Spellings of a name under which the same program is built, packed or hidden.
import type { Candidate } from "../types.js";

/** `<rule>-respelled`: `-`, `_`, `.` and nothing between the parts of a name: `xmr-stak`, `xmr_stak`, `xmrstak`. */
export function respelled(candidates: readonly Candidate[]): Candidate[] {
  return candidates.flatMap((candidate) => {
    const parts = candidate.value.split(/[-_]/);
    if (parts.length < 2 || candidate.value.startsWith("-")) return [];
    return ["-", "_", ""]
      .map((separator) => parts.join(separator))
      .filter((value) => value !== candidate.value)
      .map((value) => ({ ...candidate, value, rule: `${candidate.rule}-respelled` }));
  });
}

/**
 * `<rule>-glued`: a name with a word glued on, which makes it another word for the matcher: `xmrig64`, `xmrig_linux`. What is
 * joined by `-` or `.` needs no string of its own.
 */
export function glued(candidates: readonly Candidate[], endings: readonly string[]): Candidate[] {
  return candidates.flatMap((candidate) =>
    endings.map((ending) => ({ ...candidate, value: candidate.value + ending, rule: `${candidate.rule}-glued` })),
  );
}
