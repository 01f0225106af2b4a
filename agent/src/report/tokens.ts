// A bound on how much of something happens: some at once, and from then on evenly.

export interface TokenLimits {
  /** At once. */
  readonly burst: number;
  readonly perSecond: number;
}

/** Tokens that come evenly until there are `burst` of them. */
export class Tokens {
  readonly #limits: TokenLimits;
  #left: number;
  #sinceMs: number;

  constructor(limits: TokenLimits, nowMs: number) {
    this.#limits = limits;
    this.#left = limits.burst;
    this.#sinceMs = nowMs;
  }

  has(count: number, nowMs: number): boolean {
    const { burst, perSecond } = this.#limits;
    this.#left = Math.min(burst, this.#left + ((nowMs - this.#sinceMs) * perSecond) / 1000);
    this.#sinceMs = nowMs;
    return this.#left >= count;
  }

  /** @returns whether there were enough; if not, none are taken. */
  take(count: number, nowMs: number): boolean {
    if (!this.has(count, nowMs)) return false;
    this.#left -= count;
    return true;
  }
}
