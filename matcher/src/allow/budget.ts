// What keeps compile time bounded whatever the patterns are.

/** Steps that may still be taken. Counted, not timed: the same patterns always end in the same table. */
export class Budget {
  readonly #whole: Budget | undefined;
  #left: number;

  /** @param whole - What this is a share of: each step counts there too. */
  constructor(steps: number, whole?: Budget) {
    this.#left = steps;
    this.#whole = whole;
  }

  /** More steps were taken than there were. */
  get exhausted(): boolean {
    return this.#left < 0 || (this.#whole?.exhausted ?? false);
  }

  spend(steps: number): void {
    this.#left -= steps;
    this.#whole?.spend(steps);
  }
}
