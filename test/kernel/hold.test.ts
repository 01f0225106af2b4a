// Processes that the kernel stops at exec for the agent to judge: allow patterns too large for its table, and command lines
// longer than it may search.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { after, describe, type TestContext, test } from "node:test";
import { compileAllow } from "@cryptnono/matcher";
import { type ConfigFile, randomString, TestAgent } from "../lib/agent.js";
import { type Launched, launch, numbersOf, packWords, prog, Workshop } from "../lib/progs.js";

const shop = new Workshop();
after(() => shop.remove());
const ran = prog("first-instruction");
const banned = randomString();
/** Its automaton has to remember where each `a` of the last forty bytes stood. */
const deferred = `/bin/echo .*a.{40}b .*${banned}`;
const sparedBy = `a${"-".repeat(40)}b`;
const config: ConfigFile = { bannedCommandStrings: [banned], allowedCommandPatterns: [deferred] };

async function start(t: TestContext, flags: readonly string[] = []): Promise<TestAgent> {
  const agent = await TestAgent.start(config, flags);
  t.after(() => agent.stop("SIGKILL"));
  await agent.untilReady();
  return agent;
}

/** State letter of /proc/PID/stat; null when there is no such process. */
function stateOf(pid: number): string | null {
  try {
    return /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, "latin1"))![1]!;
  } catch {
    return null;
  }
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

describe("an allow pattern that is too large for the kernel", () => {
  test("is left to user space by the compiler", () => {
    assert.deepEqual(compileAllow([deferred]).deferred, [0]);
  });

  test("spares what it matches, which runs to its end", async (t) => {
    const agent = await start(t);
    for (let i = 0; i < 20; i++) {
      const ended = await launch("plain", ["/bin/echo", "echo", sparedBy, banned]);
      assertRan(ended, `${sparedBy} ${banned}\n`);
      const lines = await agent.linesOf(ended.pid);
      assert.deepEqual(
        lines.map(({ action, allowedby }) => [action, allowedby]),
        [["spared", `allowed-pattern:${deferred}`]],
      );
    }
    assert.equal(await agent.metric("processes_held_total"), 21); // and the self-test
    assert.equal(await agent.metric('processes_killed_total{source="execwhacker.bpf"}'), 0);
    assert.equal(
      await agent.metric('processes_allowed_total{source="execwhacker.bpf",allowedby="allowed-pattern"}'),
      20,
    );
  });

  test("saves nothing else: that dies before its first instruction, with one line", async (t) => {
    const agent = await start(t);
    for (let i = 0; i < 50; i++) {
      const ended = await launch("plain", [ran, "v", sparedBy, banned]);
      assertKilled(ended);
      const lines = await agent.linesOf(ended.pid);
      assert.deepEqual(
        lines.map(({ action, killed_by, matched, source }) => [action, killed_by, matched, source]),
        [["killed", "agent", banned, "execwhacker.bpf"]],
      );
    }
  });

  test("spares a thread group that executes from another thread", async (t) => {
    await start(t);
    assertRan(await launch("thread", ["/bin/echo", "echo", sparedBy, banned]), `${sparedBy} ${banned}\n`);
  });

  test("shows as a stop to a parent that asks for stops, and the child ends well", async (t) => {
    await start(t);
    const { stderr, stdout } = await launch("stops", ["/bin/echo", "echo", sparedBy, banned]);
    assert.equal(stdout.toString(), `${sparedBy} ${banned}\n`);
    assert.equal(numbersOf(stderr)["status"], 0);
    t.diagnostic(stderr.trim());
  });

  test("holds a hundred at a time", async (t) => {
    await start(t);
    const ends = await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        launch("plain", i % 2 ? ["/bin/echo", "echo", sparedBy, banned] : [ran, "v", banned]),
      ),
    );
    for (const [i, ended] of ends.entries()) {
      if (i % 2) assertRan(ended, `${sparedBy} ${banned}\n`);
      else assertKilled(ended);
    }
  });

  test("tells of a process that was gone before its verdict as missed", async (t) => {
    const agent = await start(t);
    agent.process.kill("SIGSTOP");
    const ending = launch("plain", [ran, "v", banned]);
    const held = await untilHeld(1);
    process.kill(held[0]!, "SIGKILL");
    await ending;
    agent.process.kill("SIGCONT");
    const lines = await agent.linesOf(held[0]!);
    assert.deepEqual(
      lines.map(({ action, event, matched }) => [action, event, matched]),
      [["missed-kill", "Process exited before we could kill it", banned]],
    );
    assert.equal(await agent.metric('processes_missed_total{source="execwhacker.bpf"}'), 1);
  });
});

test("a held process that died and that its parent does not wait for is told of as missed", async (t) => {
  const agent = await start(t);
  agent.process.kill("SIGSTOP");
  const parent = spawn(prog("neglect"), { stdio: ["pipe", "pipe", "ignore"] });
  t.after(() => parent.kill("SIGKILL"));
  parent.stdin.end(packWords([ran, "v", banned]));
  const [told] = (await once(parent.stdout, "data")) as [Buffer];
  const pid = numbersOf(told.toString())["child"]!;
  await agent.waitFor(() => stateOf(pid) === "T", "the child to be held");
  process.kill(pid, "SIGKILL");
  await agent.waitFor(() => stateOf(pid) === "Z", "the child to be dead");
  agent.process.kill("SIGCONT");
  const lines = await agent.linesOf(pid);
  assert.deepEqual(
    lines.map(({ action, matched }) => [action, matched]),
    [["missed-kill", banned]],
  );
});

describe("when the agent dies, nothing stays stopped", () => {
  const rows = [
    ["what it held is killed", [], false],
    ["what it held goes on with --agent-away let-go", ["--agent-away", "let-go"], true],
  ] as const;

  for (const [title, flags, goesOn] of rows) {
    test(title, async (t) => {
      const agent = await start(t, flags);
      agent.process.kill("SIGSTOP");
      const endings = Array.from({ length: 40 }, () => launch("plain", [ran, "v", banned]));
      await untilHeld(40);
      await agent.stop("SIGKILL");
      for (const ended of await Promise.all(endings)) {
        if (goesOn) assertRan(ended, "ran\n");
        else assertKilled(ended);
      }
      assertRan(await launch("plain", [ran, "v", banned]), "ran\n");
    });
  }
});

describe("a command line that is longer than --max-scan-bytes", () => {
  const limit = ["--max-scan-bytes", "20000"];
  const behind = ["v", "-".repeat(60_000), banned];
  const clean = ["v", "-".repeat(60_000)];
  const overLong = 'command_lines_unsearched_total{reason="over-long"}';

  test("is held: a banned one dies, a clean one runs unharmed", async (t) => {
    const agent = await start(t, limit);
    const dead = await launch("plain", [ran, ...behind]);
    assertKilled(dead);
    assert.deepEqual(
      (await agent.linesOf(dead.pid)).map(({ action, matched, killed_by }) => [action, matched, killed_by]),
      [["killed", banned, "agent"]],
    );
    assertRan(await launch("plain", [ran, ...clean]), "ran\n");
    await agent.settle();
    assert.equal(await agent.metric(overLong), 2);
    assert.equal(
      (await agent.metric('processes_allowed_total{source="execwhacker.bpf",allowedby="no-match"}')) > 0,
      true,
    );
  });

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

test("a held process whose parent sends it SIGCONT without pause dies by its verdict all the same", async (t) => {
  const agent = await start(t);
  const { stderr } = await launch("continue-child", ["/bin/sleep", banned, "60"], ["100"]);
  assert.equal(numbersOf(stderr)["killed"], 100);
  await agent.settle();
  // SIGCONT takes a stop back, so it may have run until its verdict: how often a short one is done by then is measured.
  const short = await launch("continue-child", [ran, "v", banned], ["100"]);
  t.diagnostic(`of 100 short ones ${numbersOf(short.stderr)["printed"]} printed before their verdict`);
});

/** The children of this process that are stopped, once there are `count` of them. */
async function untilHeld(count: number): Promise<number[]> {
  const until = Date.now() + 10_000;
  for (;;) {
    const children = readFileSync(`/proc/self/task/${process.pid}/children`, "latin1").trim().split(" ").map(Number);
    const agentIsOne = (pid: number) => readFileSync(`/proc/${pid}/comm`, "latin1").trim() === "first-instructi";
    const held = children.filter((pid) => stateOf(pid) === "T" && agentIsOne(pid));
    if (held.length >= count) return held;
    if (Date.now() > until) throw new Error(`only ${held.length} of ${count} are held`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
