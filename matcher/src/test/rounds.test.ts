import assert from "node:assert/strict";
import { test } from "node:test";
import { rounds } from "./rounds.js";

test("rounds are the usual, times a positive whole number", () => {
  assert.equal(rounds(82, "1"), 82);
  assert.equal(rounds(82, "10"), 820);
  for (const factor of ["", "0", "-1", "1.5", "1e3", "ten", " 2"])
    assert.throws(() => rounds(82, factor), /TEST_ROUNDS is .*, not a whole number from 1 to 999999/, factor);
});
