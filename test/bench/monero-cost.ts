// The monero agent itself: how long it takes until it guards, the memory it keeps, and its processor time while nobody that it looks at
// computes, with ticks on processors on which anybody else does and without.
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { roundingObstacle } from "@cryptnono/agent/detectors/monero/sensor";
import { MoneroAgent } from "../lib/monero-agent.js";
import type { Result } from "./result.js";
import { median } from "./statistics.js";

const STARTS = 7;
const SETTLE_MS = 5000;
const IDLE_SECONDS = 30;
/** USER_HZ is 100 on every architecture Node runs on (linux include/asm-generic/param.h). */
const SECONDS_PER_TICK = 0.01;

export async function measureMonero(): Promise<Result[]> {
  if (roundingObstacle() !== null) return [];
  const starts: number[] = [];
  for (let i = 0; i < STARTS - 1; i++) await (await timed(starts)).stop();
  const quiet = await MoneroAgent.start(["--ticks", "0"]);
  const shareWithoutTicks = await idleShare(quiet).finally(() => quiet.stop());
  const agent = await timed(starts);
  try {
    const share = await idleShare(agent);
    const rollup = readFileSync(`/proc/${agent.process.pid}/smaps_rollup`, "utf8");
    const mib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(rollup)?.[1]) / 1024;
    return [
      { name: "monero: from start to guarding", median: median(starts), best: Math.min(...starts), unit: "ms" },
      { name: "monero: memory: RSS", median: mib("Rss"), unit: "MiB" },
      { name: "monero: memory: PSS", median: mib("Pss"), unit: "MiB" },
      { name: "monero: share of a processor, without ticks", median: shareWithoutTicks, unit: "%" },
      { name: "monero: share of a processor, with ticks", median: share, unit: "%" },
    ];
  } finally {
    await agent.stop();
  }
}

/** In percent. */
async function idleShare(agent: MoneroAgent): Promise<number> {
  await sleep(SETTLE_MS);
  const before = cpuSeconds(agent.process.pid!);
  await sleep(IDLE_SECONDS * 1000);
  return ((cpuSeconds(agent.process.pid!) - before) / IDLE_SECONDS) * 100;
}

async function timed(times: number[]): Promise<MoneroAgent> {
  const sinceMs = performance.now();
  const agent = await MoneroAgent.start();
  times.push(performance.now() - sinceMs);
  return agent;
}

/** Of a process with all of its threads, and of its children that have ended: the searches. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1")
    .replace(/^.*\) /s, "")
    .split(" ");
  return [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0) * SECONDS_PER_TICK;
}
