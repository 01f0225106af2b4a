// A scan: one look at every process, those older than the sensor and those that rewrote their arguments. Groups take turns, and
// each has a share of its own.
import { type ProcFiles, type ProcStat, readStat } from "../../../proc/index.js";
import { groupOf } from "./groups.js";
import type { Looked, Looker } from "./look.js";

export interface ScanOptions {
  /** What one group's processes may take of one scan, in milliseconds of a CPU. The rest is put off to the next. */
  readonly shareMs?: number;
  /** Asked before each process. */
  readonly isStopped?: () => boolean;
}

/** What a scan tells of itself, beyond what its looks tell. */
export interface ScanCounts {
  /** A process that its group had no share left for. */
  scanFailed(why: "put-off"): void;
}

const SHARE_MS = 5000;
/** Groups whose processes are looked at at one time. One that gives no answer then costs the others half its deadline. */
const LANES = 2;
/** How many processes are listed before other work gets a turn: each takes some 50 microseconds. */
const LISTED_AT_ONCE = 200;

interface Group {
  /** Those not looked at for the longest first. */
  readonly waiting: number[];
  spentMs: number;
  isBusy: boolean;
}

/** When processes were last looked at: who was put off comes first the next time. */
export class Rounds {
  readonly #last = new Map<number, number>();
  #round = 0;

  begin(pids: ReadonlySet<number>): void {
    this.#round++;
    for (const pid of this.#last.keys()) if (!pids.has(pid)) this.#last.delete(pid);
  }

  looked(pid: number): void {
    this.#last.set(pid, this.#round);
  }

  of(pid: number): number {
    return this.#last.get(pid) ?? 0;
  }
}

/**
 * @throws what was no fault of a process, once all others have been looked at.
 */
export async function scanProcesses(
  looker: Pick<Looker, "look" | "learn" | "keep">,
  proc: ProcFiles,
  rounds: Rounds,
  count: ScanCounts,
  { shareMs = SHARE_MS, isStopped = () => false }: ScanOptions = {},
): Promise<void> {
  const groups = await listGroups(looker, proc, rounds);
  let fault: unknown = null;
  let next = 0;
  await Promise.all(Array.from({ length: LANES }, runLane));
  if (fault !== null) throw fault;

  async function runLane(): Promise<void> {
    for (let group = take(); group !== null && !isStopped(); group = take()) {
      group.isBusy = true;
      const pid = group.waiting.shift()!;
      rounds.looked(pid);
      try {
        const { costMs }: Looked = await looker.look(pid);
        group.spentMs += costMs;
      } catch (error) {
        fault ??= error;
      }
      group.isBusy = false;
    }
  }

  /** The next group in turn that has something to be looked at. */
  function take(): Group | null {
    for (let tries = 0; tries < groups.length; tries++) {
      const group = groups[next++ % groups.length]!;
      if (group.isBusy || group.waiting.length === 0) continue;
      if (group.spentMs < shareMs) return group;
      for (const _ of group.waiting) count.scanFailed("put-off");
      group.waiting.length = 0;
    }
    return null;
  }
}

async function listGroups(
  looker: Pick<Looker, "learn" | "keep">,
  proc: ProcFiles,
  rounds: Rounds,
): Promise<readonly Group[]> {
  const pids = proc.pids();
  const alive = new Set(pids);
  looker.keep(alive);
  rounds.begin(alive);
  const groups = new Map<string, Group>();
  const stats: ProcStat[] = [];
  for (const [i, pid] of pids.entries()) {
    if (i % LISTED_AT_ONCE === LISTED_AT_ONCE - 1) await new Promise((resolve) => setImmediate(resolve));
    const name = groupName(pid, proc);
    const group = groups.get(name) ?? { waiting: [], spentMs: 0, isBusy: false };
    groups.set(name, group);
    group.waiting.push(pid);
    const stat = readStat(pid, proc);
    if (stat !== null) stats.push(stat);
  }
  looker.learn(stats);
  for (const { waiting } of groups.values()) waiting.sort((a, b) => rounds.of(a) - rounds.of(b) || a - b);
  return [...groups.values()];
}

function groupName(pid: number, proc: ProcFiles): string {
  try {
    return groupOf(Buffer.from(proc.read(pid, "cgroup")).toString("latin1"));
  } catch {
    return ""; // gone, or its look says why
  }
}
