// Samples where there would be few: a program that has a processor to itself is hardly ever taken off it. Processors that compute are
// interrupted some times a second by a thread of the agent's.
import { readFileSync } from "node:fs";
import { ticker } from "@cryptnono/native";

/** Share of a processor's time in user mode from which on it computes. */
const LEAST_SHARE = 0.5;
/** Of all processors together, a second: at some 40 microseconds each 0.4 % of one. */
const MOST_TICKS = 100;

interface Times {
  readonly user: number;
  readonly all: number;
}

export class Ticks {
  readonly #perSecond: number;
  readonly #read: () => string;
  readonly #set: typeof ticker.set;
  #last: ReadonlyMap<number, Times> | null = null;

  /** @param perSecond - For each processor, while there are few. */
  constructor(
    perSecond: number,
    read = () => readFileSync("/proc/stat", "latin1"),
    set: typeof ticker.set = ticker.set,
  ) {
    this.#perSecond = perSecond;
    this.#read = read;
    this.#set = set;
  }

  /** Look which processors computed since the last look, and tick there until the next. */
  look(): void {
    const times = parseTimes(this.#read());
    const last = this.#last;
    this.#last = times;
    if (last === null) return;
    const cpus = [...times].flatMap(([cpu, { user, all }]) => {
      const before = last.get(cpu);
      return before !== undefined && user - before.user > (all - before.all) * LEAST_SHARE ? [cpu] : [];
    });
    this.#set(
      cpus,
      cpus.length === 0 ? 0 : Math.max(1, Math.min(this.#perSecond, Math.floor(MOST_TICKS / cpus.length))),
    );
  }

  rest(): void {
    this.#set([], 0);
  }
}

/** The lines of single processors. @see proc_stat(5) */
function parseTimes(text: string): Map<number, Times> {
  const times = new Map<number, Times>();
  for (const [, cpu, fields] of text.matchAll(/^cpu(\d+) (.*)$/gm)) {
    // user nice system idle iowait irq softirq steal; guests' time is in the first two.
    const ticks = fields!.split(" ").slice(0, 8).map(Number);
    times.set(Number(cpu), { user: ticks[0]! + ticks[1]!, all: ticks.reduce((sum, one) => sum + one, 0) });
  }
  return times;
}
