import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parseStat, ticksToNs } from "./stat.js";
import { bootTimeNs } from "./uptime.js";

test("it is the clock of start times: this process began before now, and after boot", () => {
  const { startTicks } = parseStat(readFileSync("/proc/self/stat"))!;
  assert.ok(ticksToNs(startTicks) <= bootTimeNs());
});

test("days of it are counted to the hundredth", () => {
  const root = mkdtempSync(join(tmpdir(), "uptime-"));
  test.after(() => rmSync(root, { recursive: true }));
  writeFileSync(join(root, "uptime"), "40000000.07 1.00\n");
  assert.equal(bootTimeNs(root), 40_000_000_070_000_000n);
  writeFileSync(join(root, "uptime"), "nothing\n");
  assert.throws(() => bootTimeNs(root), /no time/);
});
