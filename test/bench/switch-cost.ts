// What a task switch costs with the monero detector's programs: by the kernel's own count of their time, less that of programs that do
// nothing there, and with them and without, in turns of some milliseconds.
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { moneroSensor, OBJECT, roundingObstacle } from "@cryptnono/agent/detectors/monero/sensor";
import { type ProgramStatistics, Sensor } from "@cryptnono/native";
import { ROOT } from "../lib/agent.js";
import { prog } from "../lib/progs.js";
import type { Result } from "./result.js";
import { median, medianInterval } from "./statistics.js";

const STATISTICS = "/proc/sys/kernel/bpf_stats_enabled";
const GOAL_NS = 50;
const READINGS = 10;
/** Programs of the detector, and those that stand in for them. */
const PAIRS = [
  ["switched_out", "empty_out"],
  ["switched_in", "empty_in"],
] as const;

interface Way {
  readonly how: string;
  readonly name: string;
  /** Of one turn with and without: some 10 ms; null: a kernel thread's time is in no process's, and waiting for it in none at all. */
  readonly rounds: number | null;
  /** Of one reading of the kernel's count. */
  readonly countedRounds: number;
}

const WAYS: readonly Way[] = [
  { how: "user", name: "between two programs", rounds: 1000, countedRounds: 20_000 },
  { how: "kernel", name: "to a kernel thread and back", rounds: null, countedRounds: 300 },
  { how: "interrupted", name: "a program that computes is interrupted", rounds: 100, countedRounds: 2000 },
];

interface Turn {
  /** Of the processes that take part. */
  readonly cpuNs: number;
  readonly switches: number;
}

/** @param turns - Of each kind. */
export async function measureSwitches(turns = 1000): Promise<Result[]> {
  const obstacle = roundingObstacle();
  if (obstacle !== null) return [];
  const empty = Sensor.open({ object: readFileSync(`${ROOT}build/test/bpf/empty-switch.bpf.o`) });
  // No settings are installed: nobody is judged.
  const { constants, skip } = moneroSensor(true, false);
  const ours = Sensor.open({ object: readFileSync(`${ROOT}build/bpf/${OBJECT}`), constants, skip });
  try {
    const results: Result[] = [];
    for (const way of WAYS) results.push(...(await measure(way, ours, empty, turns)));
    return results;
  } finally {
    ours.close();
    empty.close();
  }
}

async function measure(way: Way, ours: Sensor, empty: Sensor, turns: number): Promise<Result[]> {
  const { how, name, rounds, countedRounds } = way;
  const switcher = new Switcher(how);
  try {
    const results = await byTheKernelsCount(name, ours, empty, () => switcher.turn(countedRounds));
    if (rounds === null) return results;
    const run = async () => {
      const { cpuNs, switches } = await switcher.turn(rounds);
      return cpuNs / switches;
    };
    return [...results, ...(await byTurns(name, [ours, empty], turns, run))];
  } finally {
    switcher.close();
  }
}

/** Both objects are attached at once, so that they run at the same switches; who is first finds colder caches, and is so by turns. */
async function byTheKernelsCount(
  name: string,
  ours: Sensor,
  empty: Sensor,
  run: () => Promise<Turn>,
): Promise<Result[]> {
  const before = readFileSync(STATISTICS, "utf8");
  writeFileSync(STATISTICS, "1");
  const attach = [
    () => void ours.attach([{ program: "switched_in" }, { program: "switched_out" }]),
    () => void empty.attach([{ program: "empty_in" }, { program: "empty_out" }]),
  ];
  const read = () => PAIRS.map(([program, none]) => [ours.statistics(program), empty.statistics(none)] as const);
  try {
    const means = new Map<string, number[]>(PAIRS.map(([program]) => [program, []]));
    let share = 0;
    for (let i = 0; i < READINGS; i++) {
      for (const one of i % 2 === 0 ? attach : attach.toReversed()) one();
      const starts = read();
      const { switches } = await run();
      const ends = read();
      empty.detach();
      ours.detach();
      for (const [at, [program]] of PAIRS.entries()) {
        const [[own, none], [ownBefore, noneBefore]] = [ends[at]!, starts[at]!];
        const runs = own.runs - ownBefore.runs;
        if (program === "switched_in") share = runs / switches;
        if (runs > 0) means.get(program)!.push(meanRun(own, ownBefore) - meanRun(none, noneBefore));
      }
    }
    return PAIRS.flatMap(([program]) => {
      const all = means.get(program)!;
      if (all.length === 0) return [];
      return [
        {
          name: `switch ${name}: ${program}, mean run`,
          median: median(all),
          best: Math.min(...all),
          interval: medianInterval(all),
          unit: "ns",
          goal: GOAL_NS,
          ...(program === "switched_in" ? { note: `runs at ${share.toFixed(2)} of the switches` } : {}),
        },
      ];
    });
  } finally {
    empty.detach();
    ours.detach();
    writeFileSync(STATISTICS, before);
  }
}

function meanRun(end: ProgramStatistics, begin: ProgramStatistics): number {
  return (end.runTimeNs - begin.runTimeNs) / (end.runs - begin.runs);
}

/** Turns without, with ours and with those that do nothing, each first by turns: what drifts falls on all. */
async function byTurns(
  name: string,
  [ours, empty]: readonly [ours: Sensor, empty: Sensor],
  turns: number,
  run: () => Promise<number>,
): Promise<Result[]> {
  const attached = (sensor: Sensor, programs: readonly string[]) => async () => {
    sensor.attach(programs.map((program) => ({ program })));
    const ns = await run();
    sensor.detach();
    return ns;
  };
  const kinds = [run, attached(ours, ["switched_in", "switched_out"]), attached(empty, ["empty_in", "empty_out"])];
  const times = kinds.map((): number[] => []);
  await run();
  for (let turn = 0; turn < turns; turn++) {
    for (let i = 0; i < kinds.length; i++) {
      const kind = (turn + i) % kinds.length;
      times[kind]!.push(await kinds[kind]!());
    }
  }
  const [without, ...others] = times as [number[], number[], number[]];
  return others.map((other, i) => {
    const more = other.map((ns, turn) => ns - without[turn]!);
    return {
      name: `switch ${name}: more than without, ${i === 0 ? "both programs" : "two that do nothing"}`,
      median: median(more),
      interval: medianInterval(more),
      unit: "ns",
      ...(i === 0 ? { goal: GOAL_NS } : {}),
      note: `${turns} turns each; without ${Math.round(median(without)).toLocaleString("en-US")} ns`,
    };
  });
}

class Switcher {
  readonly #process: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  constructor(how: string) {
    this.#process = spawn(prog("switch-cost"), [how], { stdio: ["pipe", "pipe", "inherit"] });
    this.#answers = createInterface({ input: this.#process.stdout! })[Symbol.asyncIterator]();
  }

  async turn(rounds: number): Promise<Turn> {
    this.#process.stdin!.write(`${rounds}\n`);
    const { value, done } = await this.#answers.next();
    if (done === true) throw new Error("switch-cost ended");
    const [cpuNs = 0, switches = 0] = value.split(" ").map(Number);
    return { cpuNs, switches };
  }

  close(): void {
    this.#process.stdin!.end();
  }
}
