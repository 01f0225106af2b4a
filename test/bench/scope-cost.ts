// What scopes cost at each exec in which nothing is found, and what demoted strings cost where something is: in turns, by pairs.
import { readFileSync, writeFileSync } from "node:fs";
import { type CompilableString, compileTables, NARROW, SCOPE } from "@cryptnono/matcher";
import { argumentArea, withNul } from "../lib/hostile-lines.js";
import { KernelMatcher } from "../lib/kernel-matcher.js";
import { ratio } from "./ratio.js";
import type { Result } from "./result.js";
import { meanRunNs, STATISTICS } from "./search-time.js";
import { median } from "./statistics.js";
import { bannedStrings } from "./strings.js";
import { benchLine } from "./texts.js";

const STRINGS = 6100;
const PAIRS = 15;
const DEMOTED = 1000;
const HITS = 4000;

/** Audited, as the execs are the whole machine's. */
function stringsOf(scope: number): CompilableString[] {
  return bannedStrings(STRINGS, 1).map((text) => ({
    ...{ value: new TextEncoder().encode(text), mode: "word", action: "audit" },
    scope,
  }));
}

export function measureScopes(): Result[] {
  const kernels = [stringsOf(SCOPE.any), stringsOf(SCOPE.containers), stringsOf(NARROW.first)].map((strings, i) => {
    const kernel = new KernelMatcher();
    kernel.install(compileTables(strings, { generation: 1, ...(i === 2 ? { narrowKill: 0 } : {}) }));
    return kernel;
  }) as [KernelMatcher, KernelMatcher, KernelMatcher];
  try {
    return [...onExecs(kernels), onDemoted(kernels[0])];
  } finally {
    for (const kernel of kernels) kernel.close();
  }
}

function onExecs(kernels: readonly [KernelMatcher, KernelMatcher, KernelMatcher]): Result[] {
  const before = readFileSync(STATISTICS, "utf8");
  const restore = () => writeFileSync(STATISTICS, before);
  process.once("exit", restore);
  writeFileSync(STATISTICS, "1");
  try {
    const times: [number[], number[], number[]] = [[], [], []];
    for (let pair = 0; pair < PAIRS; pair++)
      for (const side of pair & 1 ? ([2, 1, 0] as const) : ([0, 1, 2] as const))
        times[side].push(meanRunNs(kernels[side], 100, pair));
    return [
      ratio("exec of 100 B, all strings of scope containers", [times[0], times[1]], 1000),
      ratio("exec of 100 B, all strings of a narrow scope", [times[0], times[2]], 1000),
    ];
  } finally {
    process.removeListener("exit", restore);
    restore();
  }
}

/** The breaker's part in the kernel: a look at what it has demoted, where a string stands. */
function onDemoted(kernel: KernelMatcher): Result {
  const { path, args } = benchLine(100, 0);
  // Enforced ones are looked up.
  const strings = stringsOf(SCOPE.any).map((string) => ({ ...string, action: "enforce" as const, allowSet: 1 }));
  kernel.install(compileTables(strings, { generation: 1 }));
  const hit = bannedStrings(STRINGS, 1)[STRINGS - 1]!;
  const area = argumentArea([...args, hit].map((text) => Buffer.from(text)));
  const times: [number[], number[]] = [[], []];
  for (let block = 0; block < 20; block++) {
    for (const side of block & 1 ? ([1, 0] as const) : ([0, 1] as const)) {
      kernel.demote(1, side === 0 ? [] : Array.from({ length: DEMOTED }, (_, i) => i));
      const ofBlock: number[] = [];
      for (let turn = 0; turn < HITS / 20; turn++)
        ofBlock.push(kernel.judge(withNul(Buffer.from(path)), area).elapsedNs);
      times[side].push(median(ofBlock));
    }
  }
  return ratio(`search 100 B that holds a string, ${DEMOTED} others demoted`, times, 1);
}
