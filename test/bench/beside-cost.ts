// What looks beside the guard costs at each exec: the search for wallets, and that of the environment, in one run with the guard.
import { readFileSync, writeFileSync } from "node:fs";
import { compileRules } from "@cryptnono/agent/detectors/execwhacker/rules";
import type { Rule, Rules } from "@cryptnono/agent/detectors/execwhacker/types";
import { KernelMatcher } from "../lib/kernel-matcher.js";
import { execLoop } from "./exec-loop.js";
import type { Result } from "./result.js";
import { STATISTICS } from "./search-time.js";
import { median, medianInterval } from "./statistics.js";
import { bannedStrings } from "./strings.js";
import { benchLine } from "./texts.js";

const STRINGS = 6100;
const COINS = ["monero", "wownero", "raptoreum", "verus", "bitcoin", "litecoin"];
const LINES = [
  ["100 B", 100],
  ["1 KB", 1024],
  ["16 KB", 16 << 10],
] as const;
const ENVIRONMENTS = [
  ["1 KB", 1024],
  ["16 KB", 16 << 10],
  ["128 KB", 128 << 10],
] as const;
const ROUNDS = 5;
const EXECS = 150;
const PAIRS = 40;
const EXECS_PER_BLOCK = 200;

/** Audited, as the execs are the whole machine's; all strings and wallets are looked for in the environment, too. */
function rules(environment: boolean): Rules {
  const common = { mode: "word", list: "b", index: 0, action: "audit", allowSet: 0 } as const;
  const where = environment ? { environment } : {};
  const encoder = new TextEncoder();
  const strings = bannedStrings(STRINGS).map((text): Rule => ({ ...common, ...where, value: encoder.encode(text) }));
  const wallets = COINS.map((wallet): Rule => ({ ...common, ...where, wallet, value: new Uint8Array(0) }));
  return { strings, wallets, allow: [], allowSets: [] };
}

export function measureBeside(): Result[] {
  const { tables, list } = compileRules(rules(true), 1);
  const alone = new KernelMatcher();
  const all = new KernelMatcher({ beside: { wallets: true, environment: true } });
  try {
    alone.install(tables);
    all.install(tables, list.wallets, list.environment!);
    return [...meanRuns(all), ...pairs(alone, all)];
  } finally {
    alone.close();
    all.close();
  }
}

const wordsOf = (bytes: number) => {
  const { path, args } = benchLine(bytes, 1);
  return ["/bin/true", path, ...args];
};

/** Variables as programs have them; one may have 128 KiB. */
function environmentOf(bytes: number): NodeJS.ProcessEnv {
  const text = benchLine(bytes, 2).args.join(" ");
  const pieces = Math.ceil(text.length / 1000);
  return Object.fromEntries(
    Array.from({ length: pieces }, (_, i) => [`VARIABLE_${i}`, text.slice(i * 1000, (i + 1) * 1000)]),
  );
}

function meanRuns(kernel: KernelMatcher): Result[] {
  const before = readFileSync(STATISTICS, "utf8");
  const restore = () => writeFileSync(STATISTICS, before);
  process.once("exit", restore);
  writeFileSync(STATISTICS, "1");
  try {
    return [
      ...LINES.flatMap(([label, bytes]) =>
        ofPrograms(kernel, `exec of ${label}`, ["guard", "guard_wallets"], wordsOf(bytes), environmentOf(100)),
      ),
      ...ENVIRONMENTS.flatMap(([label, bytes]) =>
        ofPrograms(
          kernel,
          `exec with ${label} of environment`,
          ["guard_environment"],
          wordsOf(100),
          environmentOf(bytes),
        ),
      ),
    ];
  } finally {
    process.removeListener("exit", restore);
    restore();
  }
}

function ofPrograms(
  kernel: KernelMatcher,
  name: string,
  programs: readonly string[],
  words: readonly string[],
  env: NodeJS.ProcessEnv,
): Result[] {
  const times = new Map<string, number[]>(programs.map((program) => [program, []]));
  kernel.attach();
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const start = programs.map((program) => kernel.statistics(program));
      execLoop(EXECS, words, env);
      for (const [i, program] of programs.entries()) {
        const end = kernel.statistics(program);
        times.get(program)!.push((end.runTimeNs - start[i]!.runTimeNs) / (end.runs - start[i]!.runs) / 1000);
      }
    }
  } finally {
    kernel.detach();
  }
  return programs.map((program) => ({
    name: `${name}: ${program}'s mean run`,
    median: median(times.get(program)!),
    best: Math.min(...times.get(program)!),
    unit: "µs",
  }));
}

/** Blocks of execs with the guard alone, and with what looks beside it, by turns. */
function pairs(alone: KernelMatcher, all: KernelMatcher): Result[] {
  const words = ["/bin/true", "true", "--count=17", "/home/someone/data/input.csv"];
  const env = environmentOf(2048);
  const block = (kernel: KernelMatcher) => {
    kernel.attach();
    try {
      return execLoop(EXECS_PER_BLOCK, words, env);
    } finally {
      kernel.detach();
    }
  };
  const wall: number[] = [];
  const cpu: number[] = [];
  block(all);
  for (let pair = 0; pair < PAIRS; pair++) {
    const order = pair % 2 === 0 ? [alone, all] : [all, alone];
    const [first, second] = [block(order[0]!), block(order[1]!)];
    const [without, beside] = pair % 2 === 0 ? [first, second] : [second, first];
    wall.push((beside.wallNs / without.wallNs - 1) * 100);
    cpu.push((beside.cpuNs / without.cpuNs - 1) * 100);
  }
  const name = "exec loop, 2 KB of environment, wallets and the environment beside the guard";
  return [
    { name: `${name}: more by the clock`, median: median(wall), interval: medianInterval(wall), unit: "%" },
    { name: `${name}: more CPU`, median: median(cpu), interval: medianInterval(cpu), unit: "%" },
  ];
}
