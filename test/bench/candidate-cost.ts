// What a candidate costs at each exec: 8,000 strings in force alone, and with a candidate of 8,000 others beside them, in turns.
import { readFileSync, writeFileSync } from "node:fs";
import { type CompilableString, compileTables } from "@cryptnono/matcher";
import { argumentArea, withNul } from "../lib/hostile-lines.js";
import { KernelMatcher } from "../lib/kernel-matcher.js";
import { ratio } from "./ratio.js";
import type { Result } from "./result.js";
import { meanRunNs, STATISTICS } from "./search-time.js";
import { bannedStrings } from "./strings.js";
import { benchLine } from "./texts.js";

const STRINGS = 8000;
/** Of one list. */
const GOAL = 1.5;
/** Bytes, turns on buffers, pairs of blocks of execs. */
const LENGTHS = [
  ["20 B", 20, 4000, 7],
  ["100 B", 100, 4000, 7],
  ["1 KB", 1024, 3000, 7],
  ["16 KB", 16 << 10, 600, 5],
  ["128 KB", 128 << 10, 150, 5],
] as const;
const VARIANTS = 6;

/** Audited, as the execs are the whole machine's. */
function stringsOf(seed: number, more: Partial<CompilableString> = {}): CompilableString[] {
  return bannedStrings(STRINGS, seed).map((text) => ({
    ...{ value: new TextEncoder().encode(text), mode: "word", action: "audit" },
    ...more,
  }));
}

export function measureCandidate(): Result[] {
  const inForce = stringsOf(1);
  const candidate = stringsOf(2, { only: "candidate", allowSet: 1 });
  const kernels = [inForce, [...inForce, ...candidate]].map((strings) => {
    const kernel = new KernelMatcher();
    kernel.install(compileTables(strings));
    return kernel;
  }) as [KernelMatcher, KernelMatcher];
  try {
    return [...onBuffers(kernels), ...onExecs(kernels)];
  } finally {
    for (const kernel of kernels) kernel.close();
  }
}

function onBuffers(kernels: readonly [KernelMatcher, KernelMatcher]): Result[] {
  return LENGTHS.map(([label, bytes, turns]) => {
    const lines = Array.from({ length: VARIANTS }, (_, variant) => {
      const { path, args } = benchLine(bytes, variant);
      return { path: withNul(Buffer.from(path)), area: argumentArea(args.map((text) => Buffer.from(text))) };
    });
    const times: [number[], number[]] = [[], []];
    for (let turn = 0; turn < turns; turn++) {
      const { path, area } = lines[turn % VARIANTS]!;
      for (const side of turn & 1 ? ([1, 0] as const) : ([0, 1] as const))
        times[side].push(kernels[side].judge(path, area).elapsedNs);
    }
    return ratio(`search ${label}, with a candidate`, times, 1, GOAL);
  });
}

function onExecs(kernels: readonly [KernelMatcher, KernelMatcher]): Result[] {
  const before = readFileSync(STATISTICS, "utf8");
  const restore = () => writeFileSync(STATISTICS, before);
  process.once("exit", restore);
  writeFileSync(STATISTICS, "1");
  try {
    return LENGTHS.map(([label, bytes, , pairs]) => {
      const times: [number[], number[]] = [[], []];
      for (let pair = 0; pair < pairs; pair++)
        for (const side of pair & 1 ? ([1, 0] as const) : ([0, 1] as const))
          times[side].push(meanRunNs(kernels[side], bytes, pair));
      return ratio(`exec of ${label}, with a candidate: program's mean run`, times, 1000, GOAL);
    });
  } finally {
    process.removeListener("exit", restore);
    restore();
  }
}
