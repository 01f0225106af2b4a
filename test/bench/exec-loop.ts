// The cost of a loop of vfork and exec, the guard off and on in turns.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../lib/agent.js";
import { KernelMatcher } from "../lib/kernel-matcher.js";
import type { Result } from "./result.js";
import { compileForBench } from "./search-time.js";
import { median, medianInterval } from "./statistics.js";

const PAIRS = 160;
const EXECS_PER_BLOCK = 200;

let directory: string | undefined;

function workDirectory(): string {
  if (directory === undefined) {
    const made = mkdtempSync(join(tmpdir(), "cryptnono-bench-"));
    process.once("exit", () => rmSync(made, { recursive: true, force: true }));
    execFileSync("gcc", ["-O2", "-o", join(made, "exec-loop"), `${ROOT}test/progs/exec-loop.c`]);
    directory = made;
  }
  return directory;
}

export interface LoopTimes {
  readonly wallNs: number;
  /** User and system, the children's with it. */
  readonly cpuNs: number;
  readonly killed: number;
}

/** Run `words[0]` with the arguments `words.slice(1)`, `argv[0]` first, `count` times. */
export function execLoop(count: number, words: readonly string[], env: NodeJS.ProcessEnv = process.env): LoopTimes {
  const file = join(workDirectory(), "words");
  writeFileSync(file, `${words.join("\0")}\0`);
  const output = execFileSync(join(workDirectory(), "exec-loop"), [String(count), file], { encoding: "utf8", env });
  const [wallNs, cpuNs, killed] = output.trim().split(" ").map(Number);
  return { wallNs: wallNs!, cpuNs: cpuNs!, killed: killed! };
}

export function measureExecLoop(): Result[] {
  const kernel = new KernelMatcher();
  kernel.install(compileForBench(6100));
  const words = ["/bin/true", "true", "--count=17", "/home/someone/data/input.csv"];
  const block = (isOn: boolean) => {
    if (!isOn) return execLoop(EXECS_PER_BLOCK, words);
    kernel.attach();
    try {
      return execLoop(EXECS_PER_BLOCK, words);
    } finally {
      kernel.detach();
    }
  };
  const wall: number[] = [];
  const cpu: number[] = [];
  const offWall: number[] = [];
  try {
    block(true);
    for (let pair = 0; pair < PAIRS; pair++) {
      // In turns which comes first, so that a drift favours neither.
      const first = block(pair % 2 === 0);
      const second = block(pair % 2 === 1);
      const [on, off] = pair % 2 === 0 ? [first, second] : [second, first];
      wall.push((on.wallNs / off.wallNs - 1) * 100);
      cpu.push((on.cpuNs / off.cpuNs - 1) * 100);
      offWall.push(off.wallNs / EXECS_PER_BLOCK / 1000);
    }
  } finally {
    kernel.close();
  }
  return [
    {
      name: "exec loop, guard off: one vfork, exec and wait",
      median: median(offWall),
      best: Math.min(...offWall),
      unit: "µs",
    },
    {
      name: "exec loop, guard on: more by the clock",
      median: median(wall),
      interval: medianInterval(wall),
      unit: "%",
      goal: 1,
    },
    { name: "exec loop, guard on: more CPU", median: median(cpu), interval: medianInterval(cpu), unit: "%", goal: 1 },
  ];
}
