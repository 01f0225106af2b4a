import assert from "node:assert/strict";
import { test } from "node:test";
import { Ticks } from "./ticks.js";

const stat = (...cpus: readonly (readonly [user: number, idle: number])[]) =>
  [
    `cpu  1 2 3 4 5 6 7 8 9 10`,
    ...cpus.map(([user, idle], i) => `cpu${i} ${user} 0 0 ${idle} 0 0 0 0 0 0`),
    "intr 7",
  ].join("\n");

test("processors that compute are ticked, and no others; many of them less often", () => {
  let text = stat([0, 0], [0, 0]);
  const set: [readonly number[], number][] = [];
  const ticks = new Ticks(
    10,
    () => text,
    (cpus, perSecond) => void set.push([cpus, perSecond]),
  );
  ticks.look();
  text = stat([10, 90], [60, 40]);
  ticks.look();
  text = stat([110, 90], [160, 40]);
  ticks.look();
  text = stat([110, 190], [160, 140]);
  ticks.look();
  assert.deepEqual(set, [
    [[1], 10],
    [[0, 1], 10],
    [[], 0],
  ]);
  text = stat(...Array.from({ length: 64 }, () => [0, 0] as const));
  ticks.look();
  text = stat(...Array.from({ length: 64 }, () => [9, 1] as const));
  ticks.look();
  assert.equal(set.at(-1)![0].length, 64);
  assert.equal(set.at(-1)![1], 1);
});
