// How much processor time searching takes: a little at once, and from then on a little all the time.

export interface BudgetLimits {
  readonly burstNs: number;
  readonly nsPerSecond: number;
}

/** No ten seconds take more than 10 + 10 * 1.5 ms and one search's overdraft of some 8, 0.33 % of a processor; for long 0.15 %. */
export const BUDGET: BudgetLimits = { burstNs: 10_000_000, nsPerSecond: 1_500_000 };

export class Budget {
  readonly #limits: BudgetLimits;
  readonly #nowMs: () => number;
  #leftNs: number;
  #sinceMs: number;

  constructor(limits: BudgetLimits = BUDGET, nowMs: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#nowMs = nowMs;
    this.#leftNs = limits.burstNs;
    this.#sinceMs = nowMs();
  }

  /** Whether there is anything left. */
  get isOpen(): boolean {
    const nowMs = this.#nowMs();
    const { burstNs, nsPerSecond } = this.#limits;
    this.#leftNs = Math.min(burstNs, this.#leftNs + ((nowMs - this.#sinceMs) * nsPerSecond) / 1000);
    this.#sinceMs = nowMs;
    return this.#leftNs > 0;
  }

  /** What a search took is known afterwards: the account may go below zero, and waits then. */
  spend(ns: number): void {
    this.#leftNs -= ns;
  }
}
