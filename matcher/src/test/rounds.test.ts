import assert from "node:assert/strict";
import { test } from "node:test";
import { rounds } from "./rounds.js";
import { seedOfRun } from "./seed.js";

test("rounds are the usual, times a positive whole number", () => {
  assert.equal(rounds(82, "1"), 82);
  assert.equal(rounds(82, "10"), 820);
  for (const factor of ["", "0", "-1", "1.5", "1e3", "ten", " 2"])
    assert.throws(() => rounds(82, factor), /TEST_ROUNDS is .*, not a whole number from 1 to 999999/, factor);
});

test("a run's seed is another each time, or the one that is given", () => {
  assert.equal(seedOfRun("4294967295"), 2 ** 32 - 1);
  assert.notEqual(seedOfRun(undefined), seedOfRun(undefined));
  for (const given of ["", "-1", "4294967296", "x"]) assert.throws(() => seedOfRun(given), /TEST_SEED is/, given);
});
