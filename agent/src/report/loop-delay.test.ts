import assert from "node:assert/strict";
import { test } from "node:test";
import { type LoopTurns, watchLoop } from "@cryptnono/native";
import { createLoopDelay } from "./loop-delay.js";

const turns = (elapsedNs: number, ...kinds: (readonly [count: number, eachNs: number])[]): LoopTurns => ({
  elapsedNs,
  longestNs: Math.max(0, ...kinds.map(([, each]) => each)),
  kinds: kinds.map(([count, each]) => ({ count, sumNs: count * each })),
});

function delays(...readings: LoopTurns[]) {
  const left = [...readings];
  const delay = createLoopDelay(() => left.shift()!);
  return readings.map(() => delay.read()).map(({ max, p99 }) => [max, Number(p99.toFixed(4))]);
}

/** A turn is counted at its end, which is before or behind the immediates of the next one. A timer may come too early. */
async function turnsOver(): Promise<void> {
  for (let i = 0; i < 2; i++) await new Promise((resolve) => setImmediate(resolve));
}

test("an idle loop keeps nobody", () => assert.deepEqual(delays(turns(10e9, [0, 0])), [[0, 0]]));

test("a long turn is the longest delay, and the 99th percentile of the waits that fall into it", () => {
  // 10 s with a turn of 1 s: of 1,000 comers 10 wait longer than 0.9 s.
  assert.deepEqual(delays(turns(10e9, [1, 1e9])), [[1, 0.9]]);
  // A turn that fills less than a hundredth of the time hardly anybody meets.
  assert.deepEqual(delays(turns(60e9, [1, 0.2e9])), [[0.2, 0]]);
});

test("a delay is told for one to two minutes", () => {
  const quiet = turns(30e9, [0, 0]);
  assert.deepEqual(
    delays(turns(30e9, [1, 3e9]), quiet, quiet, quiet, quiet, quiet).map(([max]) => max),
    [3, 3, 3, 3, 0, 0],
  );
});

test("the loop's own turns are measured: work, and not waiting", async () => {
  const watch = watchLoop();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const idle = watch.read();
  assert.ok(idle.elapsedNs > 900e6);
  // A second of waiting is no turn: what remains is work, and on a busy machine the wait for a processor.
  assert.ok(idle.longestNs < 900e6, `${idle.longestNs}`);
  await new Promise((resolve) => setImmediate(resolve));
  const until = performance.now() + 200;
  while (performance.now() < until);
  await turnsOver();
  const busy = watch.read();
  assert.ok(busy.longestNs > 150e6, `${busy.longestNs}`);
  assert.equal(busy.kinds.reduce((all, { count }) => all + count, 0) > 0, true);
  assert.ok(busy.kinds.reduce((all, { sumNs }) => all + sumNs, 0) >= busy.longestNs);
});

test("what is read in the middle of a turn does not lose it", async () => {
  const watch = watchLoop();
  await new Promise((resolve) => setImmediate(resolve));
  const until = performance.now() + 100;
  while (performance.now() < until);
  watch.read();
  await turnsOver();
  assert.ok(watch.read().longestNs > 50e6);
});
