import assert from "node:assert/strict";
import { test } from "node:test";
import { monero } from "./index.js";
import { roundingObstacle } from "./sensor.js";

const BOTH = Buffer.from("\0btf_trace_x86_fpu_regs_deactivated\0btf_trace_x86_fpu_regs_activated\0");

test("what keeps a machine from seeing rounding is said", () => {
  assert.equal(
    roundingObstacle(() => BOTH, "x64"),
    null,
  );
  assert.match(roundingObstacle(() => BOTH, "arm64")!, /arm64, only on x86-64/);
  assert.match(roundingObstacle(() => Buffer.alloc(9), "x64")!, /no tracepoint x86_fpu:x86_fpu_regs_deactivated$/);
  const missing = () => {
    throw new Error("ENOENT");
  };
  assert.match(roundingObstacle(missing, "x64")!, /CONFIG_DEBUG_INFO_BTF/);
});

test("there the memory scan is left, and without it the start is refused with the reason", () => {
  const rounding = {
    minSamples: 20,
    minEach: 3,
    minPercent: 8,
    halfLife: 60,
    registers: "enforce",
    fourModes: "audit",
  } as const;
  const options = (mode: "off" | "audit") => ({
    config: [],
    rounding,
    memory: { mode, every: 20, leastPercent: 30, atExec: false },
    ticks: 10,
    wholeLines: 16,
    scopePid: 0,
  });
  const { sensor } = monero(options("audit"), "no tracepoint");
  assert.deepEqual(
    sensor.programs.map(({ program }) => program),
    ["agent_exit"],
  );
  assert.deepEqual(sensor.skip, ["switched_out", "switched_in", "execed"]);
  assert.throws(() => monero(options("off"), "no tracepoint"), /watch what programs compute: no tracepoint/);
});
