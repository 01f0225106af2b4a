// What was judged before: a process that is as it was costs a hash, and is not searched again.

/** All that a verdict depends on. */
export interface JudgedState {
  /** Tells a process id that was given again. */
  readonly startTicks: number;
  /** The list's number. */
  readonly generation: number;
  readonly bytes: number;
  readonly hash: bigint;
  /** The executable's path, when it was searched too. */
  readonly exe: string;
  /** The environment's hash, when that was searched too; else 0. */
  readonly environment: bigint;
}

/** More processes than a node has; some 200 bytes each. */
const MAX_REMEMBERED = 32_768;

/** Remembers one verdict a process. Forgets the longest unseen when full. */
export class Judged<Verdict> {
  readonly #max: number;
  readonly #of = new Map<number, { readonly state: JudgedState; readonly verdict: Verdict }>();

  constructor(max = MAX_REMEMBERED) {
    this.#max = max;
  }

  /** The verdict on `pid`, if nothing that it depends on has changed; else null. */
  get(pid: number, state: JudgedState): Verdict | null {
    const known = this.#of.get(pid);
    if (known === undefined || !isSame(known.state, state)) return null;
    this.#of.delete(pid);
    this.#of.set(pid, known);
    return known.verdict;
  }

  set(pid: number, state: JudgedState, verdict: Verdict): void {
    this.#of.delete(pid);
    this.#of.set(pid, { state, verdict });
    if (this.#of.size > this.#max) this.#of.delete(this.#of.keys().next().value!);
  }

  /** Forget processes that are no more. */
  keep(alive: ReadonlySet<number>): void {
    for (const pid of this.#of.keys()) if (!alive.has(pid)) this.#of.delete(pid);
  }
}

function isSame(a: JudgedState, b: JudgedState): boolean {
  return (
    a.hash === b.hash &&
    a.bytes === b.bytes &&
    a.startTicks === b.startTicks &&
    a.generation === b.generation &&
    a.exe === b.exe &&
    a.environment === b.environment
  );
}
