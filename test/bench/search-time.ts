// In-kernel time to read and search a command line: on buffers, and on real execs by the kernel's own statistics.
import { readFileSync, writeFileSync } from "node:fs";
import { type CompilableString, compileTables } from "@cryptnono/matcher";
import { argumentArea, withNul } from "../lib/hostile-lines.js";
import { KernelMatcher } from "../lib/kernel-matcher.js";
import { execLoop } from "./exec-loop.js";
import type { Result } from "./result.js";
import { median } from "./statistics.js";
import { bannedStrings } from "./strings.js";
import { benchLine } from "./texts.js";

export const LIST_SIZES = [10, 6100, 100_000] as const;
const LENGTHS = [
  ["20 B", 20, 4000],
  ["100 B", 100, 4000],
  ["1 KB", 1024, 2000],
  ["16 KB", 16 << 10, 400],
  ["128 KB", 128 << 10, 100],
  ["2 MB", 2 << 20, 12],
] as const;
const VARIANTS = 6;
const ROUNDS = 5;
export const STATISTICS = "/proc/sys/kernel/bpf_stats_enabled";

/** Audited, as the real execs are the whole machine's: a made-up string that is found somewhere must kill no one. */
export function compileForBench(count: number) {
  const strings = bannedStrings(count).map(
    (text): CompilableString => ({ value: new TextEncoder().encode(text), mode: "word", action: "audit" }),
  );
  return compileTables(strings);
}

export function measureSearch(): Result[] {
  const kernels = LIST_SIZES.map((size) => {
    const kernel = new KernelMatcher();
    kernel.install(compileForBench(size));
    return { size, kernel };
  });
  try {
    return [...onBuffers(kernels), ...onExecs(kernels)];
  } finally {
    for (const { kernel } of kernels) kernel.close();
  }
}

type Kernels = readonly { readonly size: number; readonly kernel: KernelMatcher }[];

function onBuffers(kernels: Kernels): Result[] {
  const results: Result[] = [];
  for (const [label, bytes, turns] of LENGTHS) {
    const times = new Map<number, number[]>(LIST_SIZES.map((size) => [size, []]));
    const lines = Array.from({ length: VARIANTS }, (_, variant) => {
      const { path, args } = benchLine(bytes, variant);
      return { path: withNul(Buffer.from(path)), area: argumentArea(args.map((text) => Buffer.from(text))) };
    });
    for (let round = 0; round < ROUNDS; round++) {
      for (const { size, kernel } of kernels) {
        for (let turn = 0; turn < turns; turn++) {
          const { path, area } = lines[turn % VARIANTS]!;
          times.get(size)!.push(kernel.judge(path, area).elapsedNs);
        }
      }
    }
    const base = median(times.get(6100)!);
    for (const size of LIST_SIZES) {
      const all = times.get(size)!;
      const isLong = bytes >= 16 << 10;
      const time = median(all);
      results.push({
        name: `search ${label}, ${size.toLocaleString("en-US")} strings`,
        median: isLong ? time / bytes : time,
        best: isLong ? Math.min(...all) / bytes : Math.min(...all),
        unit: isLong ? "ns/B" : "ns",
        ...(isLong ? { goal: 1 } : {}),
        ...(bytes === 100 && size === 6100 ? { goal: 500 } : {}),
        ...(bytes === 100 && size === 100_000 ? { goal: 2 * base, note: "goal: twice that with 6,100" } : {}),
      });
    }
  }
  return results;
}

function onExecs(kernels: Kernels): Result[] {
  const before = readFileSync(STATISTICS, "utf8");
  const restore = () => writeFileSync(STATISTICS, before);
  process.once("exit", restore);
  writeFileSync(STATISTICS, "1");
  try {
    const results: Result[] = [];
    for (const [label, bytes] of LENGTHS) {
      const means = new Map<number, number[]>(LIST_SIZES.map((size) => [size, []]));
      for (let round = 0; round < 3; round++) {
        for (const { size, kernel } of kernels) means.get(size)!.push(meanRunNs(kernel, bytes, round));
      }
      for (const size of LIST_SIZES) {
        results.push({
          name: `exec of ${label}, ${size.toLocaleString("en-US")} strings: program's mean run`,
          median: median(means.get(size)!) / 1000,
          best: Math.min(...means.get(size)!) / 1000,
          unit: "µs",
        });
      }
    }
    return results;
  } finally {
    process.removeListener("exit", restore);
    restore();
  }
}

/** The statistics are of all execs on the machine: a round with too many of others is made again, a few times. */
export function meanRunNs(kernel: KernelMatcher, bytes: number, variant: number): number {
  const count = bytes >= 1 << 20 ? 20 : 150;
  const { path, args } = benchLine(bytes, variant);
  let mean = Number.NaN;
  for (let attempt = 0; attempt < 5; attempt++) {
    kernel.attach();
    const start = kernel.statistics();
    execLoop(count, ["/bin/true", path, ...args]);
    const end = kernel.statistics();
    kernel.detach();
    mean = (end.runTimeNs - start.runTimeNs) / (end.runs - start.runs);
    if (end.runs - start.runs < count * 1.1) break;
  }
  return mean;
}
