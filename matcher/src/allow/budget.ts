// What keeps compile time bounded whatever the patterns are.

/** Steps that may still be taken. Counted, not timed: the same patterns always end in the same table. */
export class Budget {
  left: number;

  constructor(steps: number) {
    this.left = steps;
  }

  /** Take `steps`; false when there are not as many left. */
  spend(steps: number): boolean {
    this.left -= steps;
    return this.left >= 0;
  }
}
