// What a flood of kills costs while the runtime hangs.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { rounds } from "@cryptnono/matcher/test/rounds";
import type { ContainerResult } from "../types.js";
import { createContainerLookup } from "./lookup.js";

const CONTAINERS = 500;
const KILLS = rounds(10_000);
/** In each round, of a millisecond or somewhat more: about 10,000 kills a second on an idle machine. */
const KILLS_A_ROUND = 15;
/** As much as a report has of arguments. */
const REPORT_BYTES = 8192;
const MAX_GROWTH_BYTES = 8 * 2 ** 20;

it(`${KILLS} kills in ${CONTAINERS} containers while the runtime hangs wait in bounded memory, and each has its result`, async (context) => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const directory = mkdtempSync(join(tmpdir(), "cn-"));
  const socketPath = join(directory, "c.sock");
  writeFileSync(socketPath, "");
  const hung = () => new Promise<never>(() => {});
  const lookup = createContainerLookup({
    endpoints: [{ type: "cri", socketPath }],
    open: async () => ({ list: hung, inspect: hung, watch: hung, reset: () => {}, close: () => {} }),
  });
  context.after(async () => {
    await lookup.close();
    rmSync(directory, { recursive: true });
  });
  const results = new Map<string, number>();
  let waiting = 0;
  let mostWaiting = 0;
  const series: number[] = [];
  collect();
  await new Promise(setImmediate);
  collect();
  const bytesBefore = bytes();
  const startMs = performance.now();
  for (let kill = 0; kill < KILLS; kill++) {
    waiting += 1;
    const report = Buffer.alloc(REPORT_BYTES);
    const id = (kill % CONTAINERS).toString(16).padStart(64, "0");
    void lookup.lookup({ source: "kernel", paths: [`/k8s.io/${id}`] }).then((result) => {
      assert.equal(report.length, REPORT_BYTES);
      waiting -= 1;
      count(result);
    });
    if (kill % KILLS_A_ROUND === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    mostWaiting = Math.max(mostWaiting, waiting);
    if (kill % 5000 !== 4999) continue;
    // Twice: buffers go when the one before has been swept.
    collect();
    await new Promise(setImmediate);
    collect();
    series.push(bytes() - bytesBefore);
  }
  const perSecond = (KILLS / (performance.now() - startMs)) * 1000;
  lookup.hurry();
  while (waiting > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  context.diagnostic(
    `${perSecond.toFixed(0)} kills a second; ${mostWaiting} waited at most, in ${series.map((each) => (each / 2 ** 20).toFixed(1)).join(" ")} MiB; ${JSON.stringify([...results])}`,
  );
  assert.equal(
    [...results.values()].reduce((sum, each) => sum + each, 0),
    KILLS,
  );
  // Those that wait, and as many whose wait is over and whose results are on their way.
  assert.ok(mostWaiting <= 2 * 256 + KILLS_A_ROUND, `${mostWaiting}`);
  assert.ok(Math.max(...series) < MAX_GROWTH_BYTES, `${series} bytes`);

  function count(result: ContainerResult): void {
    const why = result.kind === "failed" ? result.why : result.kind;
    results.set(why, (results.get(why) ?? 0) + 1);
  }
});

function bytes(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
