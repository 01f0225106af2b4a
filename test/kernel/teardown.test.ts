// However a sensor ends, the process goes on or ends as it would without one.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("../lib/sensor-ends.js", import.meta.url));

for (const [title, way] of [
  ["a process exits with records pending", "exit-with-records-pending"],
  ["a process whose sensor was closed ends by itself", "end-of-the-program"],
  ["a sensor is closed twice, and its methods answer with an error then, and break nothing", "used-after-close"],
  ["a worker thread ends with its sensor open", "worker-ended"],
  ["a sensor that no one holds is collected, and its descriptors are closed", "garbage"],
] as const) {
  test(title, () => {
    const child = spawnSync(process.execPath, ["--expose-gc", PROGRAM, way], { encoding: "utf8", timeout: 60_000 });
    assert.deepEqual([child.status, child.signal, child.stderr], [0, null, ""]);
  });
}
