// The product's own verdict on a pasted line, by the lists that the console was given.
import { checkPattern } from "@cryptnono/agent/detectors/execwhacker/check-pattern";
import { loadConfig } from "@cryptnono/agent/detectors/execwhacker/config/index";
import { type Explanation, explanationOf } from "@cryptnono/agent/detectors/execwhacker/tools/explain";
import { readTyped } from "@cryptnono/agent/detectors/execwhacker/tools/read-line";

export type { Explanation };

export interface Explainer {
  /** What `input` would come to. Rejects with an error for people: a list that can't be read, a quote that is open. */
  explain(input: string): Promise<{ readonly explanation: Explanation; readonly sentence: string }>;
  /** Every banned string of the lists, to be hidden where it stands. */
  readonly files: readonly string[];
}

export function createExplainer(files: readonly string[], mode: "enforce" | "audit"): Explainer {
  return {
    files,
    // The lists are read each time: they are what is in force once the agents have read them too.
    explain: async (input) =>
      explanationOf(loadConfig(files, { defaultMode: mode, checkPattern }), readTyped(Buffer.from(input))),
  };
}
