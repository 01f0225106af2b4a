import assert from "node:assert/strict";
import { it } from "node:test";
import { CircuitBreaker } from "./circuit-breaker.js";

it("a breaker lets one probe through at a time after a call that got no answer, and all after an answer", () => {
  let nowMs = 0;
  const breaker = new CircuitBreaker(100, () => nowMs);
  assert.deepEqual([breaker.pass(), breaker.pass()], [true, true]);
  assert.equal(breaker.failed(), false);
  nowMs = 99;
  assert.equal(breaker.pass(), false);
  nowMs = 100;
  assert.deepEqual([breaker.pass(), breaker.pass()], [true, false]);
  nowMs = 150;
  assert.equal(breaker.failed(), true);
  assert.equal(breaker.failed(), false);
  nowMs = 249;
  assert.equal(breaker.pass(), false);
  nowMs = 250;
  assert.equal(breaker.pass(), true);
  breaker.succeeded();
  assert.deepEqual([breaker.pass(), breaker.pass()], [true, true]);
});
