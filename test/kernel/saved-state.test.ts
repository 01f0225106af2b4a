// The saved state is read right in whichever layout the kernel has: a program's rounding mode, and its registers.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { roundingObstacle } from "@cryptnono/agent/detectors/monero/sensor";
import { Sensor } from "@cryptnono/native";
import { ROOT } from "../lib/agent.js";
import { prog } from "../lib/progs.js";

const obstacle = roundingObstacle();
const DEADLINE_MS = 120_000;
/** Rounding modes in the processor's order, then RandomX's masks. */
const [NEAREST, DOWN, UP, ZERO, MASKS] = [0, 1, 2, 3, 4];

for (const [what, wanted, never] of [
  ["registers", [UP, MASKS], [DOWN, ZERO]],
  ["two", [DOWN, UP], [ZERO, MASKS]],
  ["none", [NEAREST], [DOWN, UP, ZERO, MASKS]],
] as const) {
  test(`a program that computes with «${what}» is seen so`, obstacle === null ? {} : { skip: obstacle }, async (t) => {
    const child = spawn(prog("rounding"), [what, "200"], { stdio: "ignore" });
    t.after(() => child.kill("SIGKILL"));
    const object = readFileSync(join(ROOT, "build/test/bpf/saved-state.bpf.o"));
    const sensor = Sensor.open({ object, constants: { watched_tgid: child.pid! } });
    t.after(() => sensor.close());
    sensor.attach([{ program: "look" }]);
    const count = (at: number) => new DataView(sensor.map("seen_samples").get(at)!.buffer).getBigUint64(0, true);
    const until = Date.now() + DEADLINE_MS;
    while (wanted.some((at) => count(at) < 3n)) {
      assert.ok(Date.now() < until, `samples: ${[0, 1, 2, 3, 4].map(count).join(" ")}`);
      await sleep(20);
    }
    // The first samples are of the program's start.
    for (const at of never) assert.ok(count(at) === 0n, `samples: ${[0, 1, 2, 3, 4].map(count).join(" ")}`);
  });
}
