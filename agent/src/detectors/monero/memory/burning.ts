// Processes that burn CPU: whose clock ticks grew by more than a share of one processor since the last look.
import type { AllTimes, ProcessTimes } from "@cryptnono/native";
import { type ProcFiles, type ProcStat, readStat } from "../../../proc/index.js";

export interface Burning {
  readonly pid: number;
  readonly stat: ProcStat;
  /** Of one processor, since the last look. */
  readonly share: number;
}

type Ticks = Pick<ProcessTimes, "startTicks" | "cpuTicks">;

/** USER_HZ is 100 on every architecture Node runs on (linux include/asm-generic/param.h). */
const MS_PER_TICK = 10;
/** A look after less would see a tick or two. */
const LEAST_MS = 1000;

export class BurnWatch {
  readonly #proc: Pick<ProcFiles, "times" | "read">;
  readonly #scopePid: number;
  readonly #nowMs: () => number;
  #last: ReadonlyMap<number, Ticks> = new Map();
  #lastMs: number | null = null;

  /** @param scopePid - Tests: only this process's descendants; 0: every process. */
  constructor(proc: Pick<ProcFiles, "times" | "read">, scopePid = 0, nowMs: () => number = () => performance.now()) {
    this.#proc = proc;
    this.#scopePid = scopePid;
    this.#nowMs = nowMs;
  }

  /**
   * The hungriest first. A process that began since the last look is taken by all that it has used.
   *
   * @param least - Share of one processor.
   * @throws StuckError
   */
  async look(least: number): Promise<Burning[]> {
    const nowMs = this.#nowMs();
    const elapsedMs = this.#lastMs === null ? null : nowMs - this.#lastMs;
    if (elapsedMs !== null && elapsedMs < LEAST_MS) return [];
    const next = new Map<number, ProcessTimes>();
    for (let from: number | null = 1; from !== null; ) {
      const list: AllTimes = await this.#proc.times(from);
      for (const times of list.processes) next.set(times.pid, times);
      from = list.next;
    }
    const burning: Burning[] = [];
    if (elapsedMs !== null) {
      for (const { pid, startTicks, cpuTicks } of next.values()) {
        const before = this.#last.get(pid);
        const used = before?.startTicks === startTicks ? cpuTicks - before.cpuTicks : cpuTicks;
        const share = (used * MS_PER_TICK) / elapsedMs;
        if (share < least || !this.#isInScope(pid, next)) continue;
        const stat = readStat(pid, this.#proc);
        if (stat?.startTicks === startTicks) burning.push({ pid, stat, share });
      }
    }
    this.#last = next;
    this.#lastMs = nowMs;
    return burning.sort((a, b) => b.share - a.share);
  }

  #isInScope(pid: number, all: ReadonlyMap<number, ProcessTimes>): boolean {
    if (this.#scopePid === 0) return true;
    for (let at: number | undefined = pid, depth = 0; at !== undefined && depth < MOST_DEPTH; depth++) {
      if (at === this.#scopePid) return true;
      at = all.get(at)?.ppid;
    }
    return false;
  }
}

const MOST_DEPTH = 64;
