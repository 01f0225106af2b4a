// A file with an algorithm's constants marks whatever runs it: looked at each second, and killed once it burns CPU.
import assert from "node:assert/strict";
import { test } from "node:test";
import { run } from "../lib/agent.js";
import { MoneroAgent } from "../lib/monero-agent.js";
import { prog } from "../lib/progs.js";

/** No look at who burns CPU would come in time. */
const FLAGS = ["--registers", "off", "--four-modes", "off", "--memory", "enforce", "--memory-every", "600"];

test("what burns CPU is killed long before the next look, and what sleeps lives", async (t) => {
  const carry = prog("carry-constants"); // the agent must not see the compiler's large files
  const agent = await MoneroAgent.start([...FLAGS, "--memory-percent", "5", "--memory-at-exec"]);
  t.after(() => agent.stop());
  const idle = run(carry, ["idle", "8"]);
  await agent.until("a marked process", async () => (await agent.metric("memory_marked_total")) === 1, "memory_");
  const burning = await run(carry, ["burn", "120"]);
  assert.equal(burning.signal, "SIGKILL", (await agent.seriesOf("memory_")).join("\n"));
  const line = await agent.lineOf("killed", burning.pid);
  assert.equal(line["algorithm"], "RandomX");
  assert.equal(line["file_at_exec"], "RandomX");
  assert.match(line["mappings"] as string, /^file r/);
  const slept = await idle;
  assert.equal(slept.signal, null);
  assert.equal(slept.stdout.toString(), "lived\n");
  assert.equal(await agent.metric("memory_marked_total"), 2);
});
