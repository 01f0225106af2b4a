// Processes that gave no answer: asked again later, and later still each time.

const FIRST_WAIT_MS = 10_000;
const LONGEST_WAIT_MS = 600_000;

interface Silent {
  readonly startTicks: number;
  readonly waitMs: number;
  readonly askAgainMs: number;
}

export class Silence {
  readonly #now: () => number;
  readonly #of = new Map<number, Silent>();

  constructor(nowMs: () => number = () => performance.now()) {
    this.#now = nowMs;
  }

  /** It gave no answer. */
  heard(pid: number, startTicks: number): void {
    const before = this.#of.get(pid);
    const waitMs = before?.startTicks === startTicks ? Math.min(2 * before.waitMs, LONGEST_WAIT_MS) : FIRST_WAIT_MS;
    this.#of.set(pid, { startTicks, waitMs, askAgainMs: this.#now() + waitMs });
  }

  /** Whether it is to be left alone for now. */
  holds(pid: number, startTicks: number): boolean {
    const silent = this.#of.get(pid);
    return silent !== undefined && silent.startTicks === startTicks && this.#now() < silent.askAgainMs;
  }

  broken(pid: number): void {
    this.#of.delete(pid);
  }

  keep(alive: ReadonlySet<number>): void {
    for (const pid of this.#of.keys()) if (!alive.has(pid)) this.#of.delete(pid);
  }
}
