// After a call that got no answer, spares the next ones the same wait.

/**
 * Closed: calls pass. Open: they are refused for `retryMs`. Then one passes as a probe, the others are still refused, until
 * `succeeded` closes it or `failed` opens it anew.
 */
export class CircuitBreaker {
  readonly #retryMs: number;
  readonly #nowMs: () => number;
  #refuseUntilMs = Number.NEGATIVE_INFINITY;
  #open = false;
  #isProbing = false;

  constructor(retryMs: number, nowMs: () => number) {
    this.#retryMs = retryMs;
    this.#nowMs = nowMs;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** Whether a call may be made now. A call that passes while the breaker is open is the probe. */
  pass(): boolean {
    if (!this.#open) return true;
    if (this.#nowMs() < this.#refuseUntilMs) return false;
    this.#refuseUntilMs = this.#nowMs() + this.#retryMs;
    this.#isProbing = true;
    return true;
  }

  /** Any answer counts, a refusal too: the runtime is there. */
  succeeded(): void {
    this.#open = false;
    this.#isProbing = false;
  }

  /** @returns Whether it was a probe: the runtime is silent for longer than a moment. */
  failed(): boolean {
    const wasProbing = this.#isProbing;
    this.#isProbing = false;
    this.#open = true;
    this.#refuseUntilMs = this.#nowMs() + this.#retryMs;
    return wasProbing;
  }
}
