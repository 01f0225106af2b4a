import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { type Outcome, Waiting, type WaitingLimits } from "./waiting.js";

const limits = { momentMs: 1000, waitMs: 10_000, patient: 2, most: 6 };

describe("a look-up that waits", () => {
  it("waits for a moment while others press, and for as long as is set while none do", async (context) => {
    const { waiting, ended, tick } = open(context);
    waiting.wait("a").then(ended("a"));
    await tick(1000);
    await tick(8999);
    assert.deepEqual(ended.all, []);
    await tick(1);
    assert.deepEqual(ended.all, [["a", "too-long"]]);
  });

  it("has its answer with all who wait for the same", async (context) => {
    const { waiting, ended, tick, left } = open(context);
    waiting.wait("a").then(ended("a"));
    waiting.wait("a").then(ended("a"));
    waiting.wait("b").then(ended("b"));
    waiting.answer("a", 7);
    await tick(0);
    assert.deepEqual(ended.all, [
      ["a", { answer: 7 }],
      ["a", { answer: 7 }],
    ]);
    assert.deepEqual([left, waiting.count, waiting.has("a"), waiting.has("b")], [["a"], 1, false, true]);
  });

  it("gives up when others begin to press and its moment is over", async (context) => {
    const { waiting, ended, tick, left } = open(context);
    waiting.wait("a").then(ended("a"));
    await tick(5000);
    waiting.wait("b").then(ended("b"));
    await tick(100);
    waiting.wait("c").then(ended("c"));
    await tick(0);
    assert.deepEqual(ended.all, [["a", "too-long"]]);
    assert.deepEqual(left, ["a"]);
  });

  it("waits no longer than is set, be it less than a moment", async (context) => {
    for (const waitMs of [0, 10]) {
      const { waiting, ended, tick } = open(context, { waitMs });
      waiting.wait("a").then(ended("a"));
      await tick(Math.max(waitMs, 1));
      assert.deepEqual(ended.all, [["a", "too-long"]]);
      context.mock.timers.reset();
    }
  });

  it("makes room for a container that nobody waits for, at the cost of the one that most wait for", async (context) => {
    const { waiting, ended, tick, left } = open(context);
    for (let index = 0; index < 5; index++) waiting.wait("flood").then(ended(`flood ${index}`));
    waiting.wait("a").then(ended("a"));
    waiting.wait("b").then(ended("b"));
    waiting.wait("flood").then(ended("one more of the flood"));
    await tick(0);
    assert.deepEqual(ended.all, [
      ["flood 4", "too-many"],
      ["one more of the flood", "too-many"],
    ]);
    assert.deepEqual([waiting.count, left], [6, []]);
    for (const key of ["c", "d", "e"]) waiting.wait(key).then(ended(key));
    waiting.wait("f").then(ended("f"));
    await tick(0);
    assert.deepEqual(ended.all.at(-1), ["f", "too-many"]);
    assert.deepEqual([waiting.count, waiting.has("flood"), waiting.has("f")], [6, true, false]);
  });

  it("hurries when the agent ends", async (context) => {
    const { waiting, ended, tick } = open(context);
    waiting.wait("a").then(ended("a"));
    await tick(3000);
    waiting.hurry();
    waiting.wait("b").then(ended("b"));
    await tick(999);
    assert.equal(ended.all.length, 0);
    await tick(1);
    assert.deepEqual(ended.all, [
      ["a", "too-long"],
      ["b", "too-long"],
    ]);
  });
});

function open(context: TestContext, some: Partial<WaitingLimits> = {}) {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  let nowMs = 0;
  const left: string[] = [];
  const all: [string, Outcome<number>][] = [];
  const ended = Object.assign((key: string) => (outcome: Outcome<number>) => void all.push([key, outcome]), { all });
  const waiting = new Waiting<number>(
    { ...limits, ...some },
    (key) => left.push(key),
    () => nowMs,
  );
  return {
    waiting,
    ended,
    left,
    async tick(ms: number) {
      nowMs += ms;
      context.mock.timers.tick(ms);
      await new Promise(setImmediate);
    },
  };
}
