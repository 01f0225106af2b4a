// A file with an algorithm's constants marks whatever runs it: looked at each second, and killed once it burns CPU.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";
import { unpin } from "@cryptnono/agent/sensor/index";
import { ROOT, randomString, run } from "../lib/agent.js";
import { MoneroAgent } from "../lib/monero-agent.js";
import { prog } from "../lib/progs.js";

/** No look at who burns CPU would come in time. */
const FLAGS = ["--registers", "off", "--four-modes", "off", "--memory", "enforce", "--memory-every", "600"];

test("what burns CPU is killed long before the next look, what sleeps lives, and the next agent goes on", async (t) => {
  const carry = prog("carry-constants"); // the agent must not see the compiler's large files
  const pinDir = `/sys/fs/bpf/${randomString("test-")}`;
  t.after(() => unpin(pinDir));
  const flags = [...FLAGS, "--memory-percent", "5", "--memory-at-exec", "--pin-dir", pinDir];
  const first = await MoneroAgent.start(flags);
  t.after(() => first.stop());
  const isMarked = (agent: MoneroAgent) =>
    agent.until("a marked process", async () => (await agent.metric("memory_marked_total")) === 1, "memory_");
  const idle = spawn(carry, ["idle", "600"], { stdio: "ignore" });
  t.after(() => idle.kill("SIGKILL"));
  await isMarked(first);
  const asked = await run(`${ROOT}bin/cryptnono`, ["explain-computing", String(idle.pid), "--pin-dir", pinDir]);
  assert.match(
    asked.stdout.toString(),
    /its file: began at .*Z, searched at .*Z\n {2}marked for the constants of RandomX in it/,
  );
  await first.stop();
  const agent = await MoneroAgent.start(flags);
  t.after(() => agent.stop());
  await isMarked(agent);
  const burning = await run(carry, ["burn", "120"]);
  assert.equal(burning.signal, "SIGKILL", (await agent.seriesOf("memory_")).join("\n"));
  const line = await agent.lineOf("killed", burning.pid);
  assert.equal(line["algorithm"], "RandomX");
  assert.equal(line["file_at_exec"], "RandomX");
  assert.match(line["mappings"] as string, /^file r/);
  assert.equal(idle.exitCode ?? idle.signalCode, null);
  assert.equal(await agent.metric("memory_marked_total"), 2);
});
