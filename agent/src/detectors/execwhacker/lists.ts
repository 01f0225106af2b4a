// The lists whose numbers events may still carry: an event is read in the list that it came from.

import type { ExecRecord } from "./record.js";
import type { CompiledRules } from "./rules.js";
import type { RulesInForce } from "./types.js";

const REMEMBERED = 4;

export class Lists {
  readonly #byGeneration = new Map<number, RulesInForce>();

  /** The oldest is forgotten. */
  remember({ generation, rules }: Pick<CompiledRules, "generation" | "rules">): void {
    // As the youngest: a list that comes again has the number that it had.
    this.#byGeneration.delete(generation);
    this.#byGeneration.set(generation, rules);
    const [oldest] = this.#byGeneration.keys();
    if (this.#byGeneration.size > REMEMBERED) this.#byGeneration.delete(oldest!);
  }

  /** undefined when it was an earlier agent's. */
  of({ generation }: Pick<ExecRecord, "generation">): RulesInForce | undefined {
    return this.#byGeneration.get(generation);
  }
}
