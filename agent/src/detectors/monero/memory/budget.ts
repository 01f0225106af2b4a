// How much memory is searched: some at once, and from then on a little all the time.

export interface BudgetLimits {
  readonly burstBytes: number;
  readonly bytesPerSecond: number;
}

/** A search takes 1.5 to 2 ns a byte: 2 MiB a second are 0.4 % of a processor. */
export const BUDGET: BudgetLimits = { burstBytes: 64 * 2 ** 20, bytesPerSecond: 2 * 2 ** 20 };

export class Budget {
  readonly #limits: BudgetLimits;
  readonly #nowMs: () => number;
  #left: number;
  #sinceMs: number;

  constructor(limits: BudgetLimits = BUDGET, nowMs: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#nowMs = nowMs;
    this.#left = limits.burstBytes;
    this.#sinceMs = nowMs();
  }

  /** Whether there is anything left. */
  get isOpen(): boolean {
    const nowMs = this.#nowMs();
    const { burstBytes, bytesPerSecond } = this.#limits;
    this.#left = Math.min(burstBytes, this.#left + ((nowMs - this.#sinceMs) * bytesPerSecond) / 1000);
    this.#sinceMs = nowMs;
    return this.#left > 0;
  }

  /** What was read is known afterwards: the account may go below zero, and waits then. */
  spend(bytes: number): void {
    this.#left -= bytes;
  }
}
