// Owns how many look-ups wait for a runtime and for how long: patiently while few do, for a moment while many do, and when
// there is no more room, whoever waits in the greatest number makes some.

export interface WaitingLimits {
  /** The longest that a look-up waits. */
  readonly waitMs: number;
  /** How long it may wait while others press. */
  readonly momentMs: number;
  /** More than these press. */
  readonly patient: number;
  /** No more than these wait; each keeps a report in memory, which may have 12 KiB. */
  readonly most: number;
}

export const DEFAULT_WAITING_LIMITS: Omit<WaitingLimits, "waitMs" | "momentMs"> = { patient: 32, most: 256 };

/** How a wait ended: by an answer, for it took too long, or for others needed the room. */
export type Outcome<T> = { readonly answer: T } | "too-long" | "too-many";

interface Waiter<T> {
  readonly sinceMs: number;
  readonly end: (outcome: Outcome<T>) => void;
}

/** Look-ups that wait, by what they wait for. */
export class Waiting<T> {
  readonly #limits: WaitingLimits;
  readonly #nowMs: () => number;
  /** Nobody waits for `key` any more. */
  readonly #onLeft: (key: string) => void;
  readonly #waiters = new Map<string, Waiter<T>[]>();
  #count = 0;
  #hurries = false;

  constructor(limits: WaitingLimits, onLeft: (key: string) => void, nowMs: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#onLeft = onLeft;
    this.#nowMs = nowMs;
  }

  get count(): number {
    return this.#count;
  }

  /** Whether a look-up may not wait for longer than a moment. */
  get #isPressed(): boolean {
    return this.#hurries || this.#count > this.#limits.patient;
  }

  has(key: string): boolean {
    return this.#waiters.has(key);
  }

  wait(key: string): Promise<Outcome<T>> {
    if (this.#count >= this.#limits.most && !this.#makeRoom(key)) return Promise.resolve("too-many");
    return new Promise((resolve) => {
      const { momentMs, waitMs } = this.#limits;
      const first = Math.min(momentMs, waitMs);
      let timer = setTimeout(() => {
        if (this.#isPressed || waitMs <= first) this.#leave(key, waiter, "too-long");
        else timer = setTimeout(() => this.#leave(key, waiter, "too-long"), waitMs - first);
      }, first);
      const waiter: Waiter<T> = {
        sinceMs: this.#nowMs(),
        end: (outcome) => {
          clearTimeout(timer);
          resolve(outcome);
        },
      };
      const others = this.#waiters.get(key);
      if (others === undefined) this.#waiters.set(key, [waiter]);
      else others.push(waiter);
      this.#count += 1;
      // Later ones find it pressed when their moment is over.
      if (this.#count === this.#limits.patient + 1) this.#endPatience();
    });
  }

  /** Everyone who waits for `key` has `answer`. */
  answer(key: string, answer: T): void {
    const waiters = this.#waiters.get(key) ?? [];
    this.#waiters.delete(key);
    this.#count -= waiters.length;
    this.#onLeft(key);
    for (const waiter of waiters) waiter.end({ answer });
  }

  /** From now on nobody waits for longer than a moment from now. */
  hurry(): void {
    this.#hurries = true;
    setTimeout(() => this.#endPatience(), Math.min(this.#limits.momentMs, this.#limits.waitMs));
  }

  /** Who has waited for a moment has waited enough. */
  #endPatience(): void {
    const untilMs = this.#nowMs() - this.#limits.momentMs;
    for (const [key, waiters] of [...this.#waiters]) {
      for (const waiter of waiters.filter(({ sinceMs }) => sinceMs <= untilMs)) this.#leave(key, waiter, "too-long");
    }
  }

  /** @returns Whether `key` may have the place: not when it is itself the one that most wait for. */
  #makeRoom(key: string): boolean {
    let most: readonly [string, readonly Waiter<T>[]] = [key, this.#waiters.get(key) ?? []];
    for (const entry of this.#waiters) if (entry[1].length > most[1].length) most = entry;
    const [longest, waiters] = most;
    const last = waiters.at(-1);
    if (longest === key || last === undefined || waiters.length < 2) return false;
    this.#leave(longest, last, "too-many");
    return true;
  }

  #leave(key: string, waiter: Waiter<T>, outcome: Outcome<T>): void {
    const waiters = this.#waiters.get(key) ?? [];
    const at = waiters.indexOf(waiter);
    if (at === -1) return;
    waiters.splice(at, 1);
    this.#count -= 1;
    if (waiters.length === 0) {
      this.#waiters.delete(key);
      this.#onLeft(key);
    }
    waiter.end(outcome);
  }
}
