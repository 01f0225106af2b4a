// Command lines longer than the kernel may search: killed or let go, as configured, and never passed in silence.
import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { randomString, TestAgent } from "../lib/agent.js";
import { type Launched, launch, prog } from "../lib/progs.js";

const ran = prog("first-instruction");
const banned = randomString();

async function start(t: TestContext, flags: readonly string[] = []): Promise<TestAgent> {
  const agent = await TestAgent.start({ bannedCommandStrings: [banned] }, flags);
  t.after(() => agent.stop("SIGKILL"));
  await agent.untilReady();
  return agent;
}

function assertKilled(ended: Launched): void {
  assert.equal(ended.signal, "SIGKILL");
  assert.equal(ended.stdout.length, 0, "it ran");
}

function assertRan(ended: Launched, output: string): void {
  assert.equal(ended.signal, null);
  assert.equal(ended.code, 0);
  assert.equal(ended.stdout.toString(), output);
}

describe("a command line that is longer than --max-scan-bytes", () => {
  const limit = ["--max-scan-bytes", "20000"];
  const behind = ["v", "-".repeat(60_000), banned];
  const clean = ["v", "-".repeat(60_000)];
  const overLong = 'command_lines_unsearched_total{reason="over-long"}';

  test("is killed with --over-long kill, whatever stands there", async (t) => {
    const agent = await start(t, [...limit, "--over-long", "kill"]);
    for (const words of [behind, clean]) {
      const ended = await launch("plain", [ran, ...words]);
      assertKilled(ended);
      const lines = await agent.linesOf(ended.pid);
      assert.deepEqual(
        lines.map(({ action, matched }) => [action, matched]),
        [["killed", undefined]],
      );
    }
    assert.equal(await agent.metric(overLong), 2);
  });

  test("runs with --over-long let-go, and the log says so", async (t) => {
    const agent = await start(t, [...limit, "--over-long", "let-go"]);
    for (const words of [behind, clean]) {
      const ended = await launch("plain", [ran, ...words]);
      assertRan(ended, "ran\n");
      const lines = await agent.linesOf(ended.pid);
      assert.deepEqual(
        lines.map(({ action, because }) => [action, because]),
        [["let-go", "over-long"]],
      );
    }
    assert.equal(await agent.metric("processes_let_go_total"), 2);
    assert.equal(await agent.metric(overLong), 2);
  });

  test("dies with any of them by a banned string within the limit", async (t) => {
    const agent = await start(t, [...limit, "--over-long", "let-go"]);
    const ended = await launch("plain", [ran, "v", banned, "-".repeat(60_000)]);
    assertKilled(ended);
    assert.equal((await agent.linesOf(ended.pid))[0]!.action, "killed");
  });

  test("is no longer than the limit at the limit", async (t) => {
    const agent = await start(t, [...limit, "--over-long", "kill"]);
    assertRan(await launch("plain", [ran, "v", "-".repeat(16_000)]), "ran\n");
    await agent.settle();
    assert.equal(await agent.metric(overLong), 0);
  });
});
