import assert from "node:assert/strict";
import { test } from "node:test";
import { createTallying } from "./tallying.js";

function tallyingWith(lookTakesMs = 0, cpuShare = 1) {
  let nowMs = 0;
  let cpuMs = 0;
  let isBehind = false;
  let looks = 0;
  let fails = false;
  const takes: boolean[] = [];
  const told: boolean[] = [];
  const errors: unknown[] = [];
  const tallying = createTallying({
    counts: {
      look: () => {
        looks++;
        nowMs += lookTakesMs;
        cpuMs += lookTakesMs * cpuShare;
        if (fails) throw new Error("gone");
      },
      tell: (isLast) => void takes.push(isLast),
      untold: () => ({}),
    },
    reporter: {
      tellCounts(tellCounts, isLast = false) {
        if (isBehind) return false;
        tellCounts();
        told.push(isLast);
        return true;
      },
    },
    everyMs: 60_000,
    onError: (error) => void errors.push(error),
    nowMs: () => nowMs,
    cpuMs: () => cpuMs,
  });
  return {
    setBehind: (is: boolean) => {
      isBehind = is;
    },
    tallying,
    takes,
    told,
    errors,
    looks: () => looks,
    fail: () => {
      fails = true;
    },
    /** So many turns, a second apart. */
    turns(count: number) {
      for (let i = 0; i < count; i++) {
        nowMs += 1000;
        tallying.turn();
      }
    },
  };
}

test("counts are looked at each second and told each minute", () => {
  const { turns, looks, told, takes } = tallyingWith();
  turns(59);
  assert.deepEqual([looks(), told], [59, []]);
  turns(61);
  assert.equal(looks(), 120);
  assert.deepEqual(told, [false, false]);
  assert.deepEqual(takes, [false, false]);
});

test("a look that takes long is made less often", () => {
  const { turns, looks } = tallyingWith(50);
  turns(60);
  assert.ok(looks() >= 10 && looks() <= 14, `${looks()} looks`);
});

test("a look that waits for a processor is not one that costs", () => {
  const { turns, looks } = tallyingWith(5000, 0.001);
  turns(30);
  assert.equal(looks(), 30);
});

test("however dear a look is, the next one comes within ten seconds", () => {
  const { turns, looks } = tallyingWith(2000);
  turns(60);
  assert.ok(looks() >= 6, `${looks()} looks`);
});

test("what could not be told, as the log's reader is behind, is told when he has caught up and not a minute later", () => {
  const { turns, told, setBehind } = tallyingWith();
  setBehind(true);
  turns(70);
  assert.deepEqual(told, []);
  setBehind(false);
  turns(1);
  assert.deepEqual(told, [false]);
});

for (const isDetached of [true, false]) {
  test(`at the end ${isDetached ? "all is told" : "what the next agent goes on with stays"}`, () => {
    const { tallying, takes, told } = tallyingWith();
    tallying.finish(isDetached);
    assert.deepEqual([takes, told], [[isDetached], [true]]);
  });
}

test("a map that cannot be read is a fault, and no end", () => {
  const { tallying, turns, errors, fail } = tallyingWith();
  fail();
  turns(3);
  tallying.finish(true);
  assert.equal(errors.length, 4);
});

test("without a detector's counts the reporter tells its own", () => {
  let told = 0;
  const tallying = createTallying({
    reporter: {
      tellCounts(tellCounts) {
        tellCounts();
        told++;
        return true;
      },
    },
    everyMs: 1000,
    onError: (error) => assert.fail(String(error)),
    nowMs: () => 0,
  });
  tallying.finish(true);
  assert.equal(told, 1);
});
