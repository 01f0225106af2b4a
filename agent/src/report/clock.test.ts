import assert from "node:assert/strict";
import { test } from "node:test";
import { microsecondClock } from "./clock.js";

const START_MS = Date.UTC(2024, 0, 31, 16, 59, 32, 990);

function clock() {
  const now = { wallMs: START_MS, monotonicNs: 77n };
  return { now, read: microsecondClock({ wallMs: () => now.wallMs, monotonicNs: () => now.monotonicNs }) };
}

test("microseconds come from the monotonic clock", () => {
  const { now, read } = clock();
  now.monotonicNs += 489_999n;
  assert.equal(read(), "2024-01-31T16:59:32.990489Z");
});

test("a wall clock that was set is followed", () => {
  const { now, read } = clock();
  now.wallMs += 3_600_000;
  now.monotonicNs += 5_000n;
  assert.equal(read(), "2024-01-31T17:59:32.990000Z");
  now.monotonicNs += 1_000_000n;
  now.wallMs += 1;
  assert.equal(read(), "2024-01-31T17:59:32.991000Z");
});

test("the shape is always the same, at any digit", () => {
  const { now, read } = clock();
  for (let i = 0; i < 2000; i++) {
    now.monotonicNs += 999n;
    assert.match(read(), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  }
});

test("the real clocks give the present", () => {
  const read = microsecondClock();
  const before = Date.now();
  const text = read();
  assert.ok(Date.parse(text) > before - 1000 && Date.parse(text) < Date.now() + 1000, text);
});
