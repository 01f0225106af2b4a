// How much processor time searching takes: a little at once, and from then on a little all the time.

export interface BudgetLimits {
  readonly burstNs: number;
  readonly nsPerSecond: number;
  /**
   * Once it was closed for so long, what is owed is forgiven: on a slow machine one search can owe a minute's, and what the agent
   * itself takes be more than comes in. Never, if there is none.
   */
  readonly closedMostMs?: number;
}

/**
 * No ten seconds take more than 10 + 10 * 1.5 ms and one search's overdraft of some 8, 0.33 % of a processor; for long 0.15 %. A machine
 * that is ten times slower spends one search each ten seconds beyond it.
 */
export const BUDGET: BudgetLimits = { burstNs: 10_000_000, nsPerSecond: 1_500_000, closedMostMs: 10_000 };

export class Budget {
  readonly #limits: BudgetLimits;
  readonly #nowMs: () => number;
  #leftNs: number;
  #sinceMs: number;
  #closedSinceMs: number | null = null;

  constructor(limits: BudgetLimits = BUDGET, nowMs: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#nowMs = nowMs;
    this.#leftNs = limits.burstNs;
    this.#sinceMs = nowMs();
  }

  /** Whether there is anything left. Ask only for what would be done now: it may be the one time that is forgiven. */
  get isOpen(): boolean {
    const nowMs = this.#nowMs();
    const { burstNs, nsPerSecond, closedMostMs = Number.POSITIVE_INFINITY } = this.#limits;
    this.#leftNs = Math.min(burstNs, this.#leftNs + ((nowMs - this.#sinceMs) * nsPerSecond) / 1000);
    this.#sinceMs = nowMs;
    if (this.#leftNs <= 0) {
      this.#closedSinceMs ??= nowMs;
      if (nowMs - this.#closedSinceMs < closedMostMs) return false;
      this.#leftNs = 1;
    }
    this.#closedSinceMs = null;
    return true;
  }

  /** What a search took is known afterwards: the account may go below zero, and waits then. */
  spend(ns: number): void {
    this.#leftNs -= ns;
  }
}
