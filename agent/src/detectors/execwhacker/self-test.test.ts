import assert from "node:assert/strict";
import type { spawn } from "node:child_process";
import { test } from "node:test";
import { runSelfTest, selfTestRule } from "./self-test.js";

test("a child that cannot be started is a failed self-test, whether spawn throws or says so later", async () => {
  const throwing = (() => {
    throw Object.assign(new Error("spawn ENOMEM"), { code: "ENOMEM" });
  }) as unknown as typeof spawn;
  assert.equal(await runSelfTest(selfTestRule(), process.execPath, throwing), "could not be started");
  assert.equal(await runSelfTest(selfTestRule(), "/nowhere"), "could not be started");
});

test("a child that is not killed has survived", async () => {
  assert.equal(await runSelfTest(selfTestRule()), "survived");
});
