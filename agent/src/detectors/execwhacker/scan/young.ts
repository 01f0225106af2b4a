// Young processes are looked at early and often: one whose arguments were swapped after its exec shows it within seconds, and
// lives no longer. Old ones are asked now and then whether they are still the same.
import { type ProcFiles, type ProcStat, parseStat } from "../../../proc/index.js";
import { Allowance, groupOf } from "./groups.js";
import type { Looked, Looker } from "./look.js";

export interface SweepOptions {
  readonly nowMs?: () => number;
  readonly isStopped?: () => boolean;
}

/** How old a process is when it is looked at, in milliseconds since it was first seen. */
const AGES_MS = [1000, 5000, 30_000] as const;
/** One that gave no answer is asked again at the same age: its looker knows when that is worth it. */
const ASK_AGAIN_MS = 10_000;
/** What one group's young processes may take, in milliseconds of a CPU a second, and at once; then all of them together. */
const GROUP_ALLOWANCE = { perSecondMs: 5, burstMs: 100 } as const;
const ALLOWANCE = { perSecondMs: 20, burstMs: 400 } as const;
/** Of those that are due at one time, looks, and processes that are asked whose they are. */
const MAX_LOOKS = 64;
const MAX_SORTED = 512;
/** An old process is asked whether it is another by now, or has executed something: each about every ten sweeps. */
const ROUND_SWEEPS = 10;
const MAX_ASKED = 100;
const ALL = "";

interface Young {
  readonly firstSeenMs: number;
  /** At how many ages it has been looked at, and when that is due again. */
  looks: number;
  dueMs: number;
  /** null: not known yet. */
  group: string | null;
  /** Start time and image when it was last looked at. */
  identity: string | null;
}

/** The processes that there are, by how long they have been. */
export class YoungSweep {
  readonly #looker: Pick<Looker, "look">;
  readonly #proc: ProcFiles;
  readonly #now: () => number;
  readonly #known = new Map<number, Young>();
  #hasBegun = false;
  readonly #groups: Allowance;
  readonly #all: Allowance;
  #round: number[] = [];

  constructor(looker: Pick<Looker, "look">, proc: ProcFiles, nowMs: () => number = () => performance.now()) {
    this.#looker = looker;
    this.#proc = proc;
    this.#now = nowMs;
    this.#groups = new Allowance(GROUP_ALLOWANCE.perSecondMs, GROUP_ALLOWANCE.burstMs, nowMs);
    this.#all = new Allowance(ALLOWANCE.perSecondMs, ALLOWANCE.burstMs, nowMs);
  }

  /** To be called about once a second. The first time, what is there is taken for old: a scan looks at that. */
  async sweep(isStopped: () => boolean = () => false): Promise<void> {
    this.#list();
    this.#askOld();
    this.#groups.tidy();
    for (const pid of this.#choose()) {
      if (isStopped() || !this.#all.has(ALL)) return;
      const young = this.#known.get(pid)!;
      const looked = await this.#looker.look(pid);
      this.#all.spend(ALL, looked.costMs);
      this.#groups.spend(young.group ?? ALL, looked.costMs);
      this.#advance(young, looked);
    }
  }

  #list(): void {
    const pids = this.#proc.pids();
    const now = this.#now();
    const alive = new Set(pids);
    for (const pid of this.#known.keys()) if (!alive.has(pid)) this.#known.delete(pid);
    const looks = this.#hasBegun ? 0 : AGES_MS.length;
    for (const pid of pids) if (!this.#known.has(pid)) this.#known.set(pid, newborn(now, looks));
    this.#hasBegun = true;
  }

  /** One that is another process by now, or has executed something, is young again. */
  #askOld(): void {
    if (this.#round.length === 0) this.#round = [...this.#known.keys()];
    const count = Math.min(MAX_ASKED, Math.ceil(this.#known.size / ROUND_SWEEPS));
    for (const pid of this.#round.splice(0, count)) {
      const young = this.#known.get(pid);
      if (young === undefined || young.looks < AGES_MS.length) continue;
      const identity = this.#identityOf(pid);
      if (identity === null) continue;
      if (young.identity !== null && young.identity !== identity)
        this.#known.set(pid, { ...newborn(this.#now() - AGES_MS[0]), identity });
      else young.identity = identity;
    }
  }

  /** Those that are due and that there is time for: of each group one, then of each another. */
  #choose(): number[] {
    const now = this.#now();
    const due = [...this.#known].filter(([, { looks, dueMs }]) => looks < AGES_MS.length && now >= dueMs);
    // Whose they are is asked of some, chosen by chance, so that a flood of processes delays others but does not hide them.
    if (due.length > MAX_SORTED) shuffle(due);
    const groups = new Map<string, number[]>();
    for (const [pid, young] of due.slice(0, MAX_SORTED)) {
      young.group ??= this.#groupOf(pid);
      const group = groups.get(young.group);
      if (group !== undefined) group.push(pid);
      else if (this.#groups.has(young.group)) groups.set(young.group, [pid]);
    }
    const chosen: number[] = [];
    for (let turn = 0; chosen.length < MAX_LOOKS; turn++) {
      const before = chosen.length;
      for (const pids of groups.values()) if (turn < pids.length && chosen.length < MAX_LOOKS) chosen.push(pids[turn]!);
      if (chosen.length === before) break;
    }
    return chosen;
  }

  #advance(young: Young, { isStuck, stat }: Looked): void {
    const now = this.#now();
    if (isStuck) {
      young.dueMs = now + ASK_AGAIN_MS;
      return;
    }
    if (stat !== null) young.identity = identityOf(stat);
    do young.looks++;
    while (young.looks < AGES_MS.length && now >= young.firstSeenMs + AGES_MS[young.looks]!);
    young.dueMs = young.firstSeenMs + (AGES_MS[young.looks] ?? 0);
  }

  #identityOf(pid: number): string | null {
    try {
      const stat = parseStat(this.#proc.read(pid, "stat"));
      return stat === null ? null : identityOf(stat);
    } catch {
      return null; // gone: the next sweep does not list it
    }
  }

  #groupOf(pid: number): string {
    try {
      return groupOf(Buffer.from(this.#proc.read(pid, "cgroup")).toString("latin1"));
    } catch {
      return ALL;
    }
  }
}

function newborn(firstSeenMs: number, looks = 0): Young {
  return { firstSeenMs, looks, dueMs: firstSeenMs + AGES_MS[0], group: null, identity: null };
}

function identityOf({ startTicks, image }: ProcStat): string {
  return `${startTicks} ${image}`;
}

function shuffle<T>(items: T[]): void {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [items[i], items[j]] = [items[j]!, items[i]!];
  }
}
