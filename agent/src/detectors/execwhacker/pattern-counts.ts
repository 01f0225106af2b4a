// How many processes each allow pattern has spared at exec, for the metrics: who has found a way through one shows there.

import type { Tally } from "./ledger.js";
import type { RulesOf } from "./tell/summary.js";
import type { AllowPattern, RulesInForce } from "./types.js";

export interface PatternCount {
  readonly list: string;
  readonly index: number;
  readonly count: number;
}

/** Names patterns by list and index, as the log does, and never by their text. */
export class PatternCounts {
  readonly #rulesOf: RulesOf;
  readonly #counts = new Map<string, PatternCount>();

  constructor(rulesOf: RulesOf) {
    this.#rulesOf = rulesOf;
  }

  /** Each pattern has a count from now on. Those that are not in force any more keep theirs: a counter does not end. */
  inForce({ allow }: Pick<RulesInForce, "allow">): void {
    for (const pattern of allow) this.#add(pattern, 0);
  }

  /** A tally has grown. One of an earlier list that nobody knows is nobody's. */
  grown({ verdict, generation, patternId }: Tally, by: number): void {
    if (verdict !== "spared_pattern") return;
    const pattern = this.#rulesOf(generation)?.allow[patternId];
    if (pattern !== undefined) this.#add(pattern, by);
  }

  read(): readonly PatternCount[] {
    return [...this.#counts.values()];
  }

  #add({ list, index }: AllowPattern, by: number): void {
    const key = `${index} ${list}`;
    this.#counts.set(key, { list, index, count: (this.#counts.get(key)?.count ?? 0) + by });
  }
}
