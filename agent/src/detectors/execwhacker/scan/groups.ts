// Whose a process is, so that nobody's processes take the turns of another's.

/** From the root: kubepods, quality of service, pod, container. What lies deeper a container's owner may have made. */
const DEPTH = 4;

/**
 * The group of a process by its /proc/PID/cgroup: the outermost names of its longest path, as on cgroup v1 a container does not
 * show in each hierarchy.
 */
export function groupOf(cgroup: string): string {
  let longest: readonly string[] = [];
  for (const line of cgroup.split("\n")) {
    const path = /^\d+:[^:]*:(\/.*)/.exec(line)?.[1];
    const names = path === undefined ? [] : path.split("/", DEPTH + 1).slice(1);
    if (names.join("/").length > longest.join("/").length) longest = names;
  }
  return longest.join("/");
}

/** What a group may spend, in milliseconds: so many a second, and so many at once. */
export class Allowance {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #now: () => number;
  /** When its debt will be paid, by group. */
  readonly #paid = new Map<string, number>();

  constructor(perSecondMs: number, burstMs: number, nowMs: () => number = () => performance.now()) {
    this.#perSecond = perSecondMs;
    this.#burst = burstMs;
    this.#now = nowMs;
  }

  has(group: string): boolean {
    return (this.#paid.get(group) ?? 0) - this.#now() < (1000 * this.#burst) / this.#perSecond;
  }

  /** It may be more than there was: then the group waits until it is paid. */
  spend(group: string, ms: number): void {
    const from = Math.max(this.#now(), this.#paid.get(group) ?? 0);
    this.#paid.set(group, from + (1000 * ms) / this.#perSecond);
  }

  /** Forget those that owe nothing. */
  tidy(): void {
    const now = this.#now();
    for (const [group, at] of this.#paid) if (at <= now) this.#paid.delete(group);
  }
}
