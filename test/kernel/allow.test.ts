// What an allow pattern spares and what it does not, by the real agent at real execs.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, type TestContext, test } from "node:test";
import { rounds } from "@cryptnono/matcher/test/rounds";
import { type ConfigFile, ROOT, randomString, TestAgent } from "../lib/agent.js";
import { type Launched, launch, numbersOf, prog } from "../lib/progs.js";

const ran = prog("first-instruction");

async function start(
  t: TestContext,
  config: ConfigFile,
  more: readonly ConfigFile[] = [],
  flags: readonly string[] = [],
): Promise<TestAgent> {
  const agent = await TestAgent.start(config, flags, { more });
  t.after(() => agent.stop("SIGKILL"));
  await agent.untilReady();
  return agent;
}

function assertKilled(ended: Launched): void {
  assert.equal(ended.signal, "SIGKILL");
  assert.equal(ended.stdout.length, 0, "it ran");
}

function assertRan(ended: Launched): void {
  assert.equal(ended.signal, null);
  assert.equal(ended.stdout.toString(), "ran\n");
}

describe("a pattern without an end, known to everybody, with a string of another list behind its words", () => {
  const tested = randomString();
  const mined = randomString();
  const first = { bannedCommandStrings: [tested], allowedCommandPatterns: [`.*/first-instruction allowed ${tested}`] };
  const second = { bannedCommandStrings: [mined] };

  test("spares what its own list bans, and nothing else", async (t) => {
    const agent = await start(t, first, [second]);
    assertRan(await launch("plain", [ran, "v", "allowed", tested]));
    assertRan(await launch("plain", [ran, "v", "allowed", tested, "-o", "x"]));
    const ended = await launch("plain", [ran, "v", "allowed", tested, "-o", mined]);
    assertKilled(ended);
    const [line] = await agent.linesOf(ended.pid);
    assert.deepEqual([line!.action, line!["matched"]], ["killed", mined]);
    assert.equal(
      await agent.metric('processes_allowed_total{source="execwhacker.bpf",allowedby="allowed-pattern"}'),
      2,
    );
  });

  test("spares it when the operator says so for all patterns, or for that one", async (t) => {
    const words = [ran, "v", "allowed", tested, "-o", mined];
    await start(t, first, [second], ["--allow-across-lists"]);
    assertRan(await launch("plain", words));
  });

  test("spares it when the pattern is for all lists, or names that one", async (t) => {
    for (const lists of ["all", ["config", "more-1"]] as const) {
      const [pattern] = first.allowedCommandPatterns;
      const agent = await start(t, { ...first, allowedCommandPatterns: [{ pattern: pattern!, for: lists }] }, [second]);
      assertRan(await launch("plain", [ran, "v", "allowed", tested, "-o", mined]));
      await agent.stop();
    }
  });
});

describe("a banned line padded past what patterns are followed for", () => {
  const banned = randomString();
  const padding = Array.from({ length: 4 }, () => "-".repeat(100_000));

  for (const [title, pattern, verdict] of [
    ["dies where a pattern's far end alone could spare it", ".*/first-instruction .* end$", "killed"],
    ["dies where every pattern has long died", "/nowhere/.*", "killed"],
    ["runs where a pattern has matched in front", `.*/first-instruction ${banned} `, "ran"],
    ["dies where bits alone are alive", ".*-.{300}end$", "killed"],
  ] as const) {
    test(title, async (t) => {
      const agent = await start(t, { bannedCommandStrings: [banned], allowedCommandPatterns: [pattern] });
      for (let i = 0; i < rounds(5); i++) {
        const ended = await launch("plain", [ran, "v", banned, ...padding, "end"]);
        if (verdict === "ran") assertRan(ended);
        else assertKilled(ended);
        const lines = await agent.linesOf(ended.pid);
        assert.deepEqual(
          lines.map(({ action }) => action),
          [verdict === "ran" ? "spared" : "killed"],
        );
      }
    });
  }
});

// Whatever lets a stopped process run on lets nothing run here: nothing is stopped.
describe(`0 of ${rounds(80)} padded lines run an instruction, however their parent resists`, () => {
  const banned = randomString();
  const padding = Array.from({ length: 4 }, () => "-".repeat(100_000));
  let agent: TestAgent;
  before(async () => {
    agent = await TestAgent.start({
      bannedCommandStrings: [banned, `${banned}s 'piece`],
      allowedCommandPatterns: [".*/first-instruction .* end$", ".*-.{300}other$"],
    });
    await agent.untilReady();
  });
  after(() => agent.stop());

  for (const ways of [[], ["continue"], ["trace"], ["continue", "trace"]]) {
    test(`${ways.length === 0 ? "it forks and waits" : ways.join(" and ")}`, async () => {
      const padded = [ran, "v", banned, ...padding, "end"];
      for (const [words, times, atOnce] of [
        [padded, rounds(10), 1],
        [padded, rounds(1), 10],
        [[ran, "v", `${banned}s`, "piece of it", "-"], rounds(5), 10],
      ] as const) {
        const ended = await launch("resist", words, [String(times), String(atOnce), ...ways]);
        assert.deepEqual(numbersOf(ended.stderr), { printed: 0, killed: times * atOnce, other: 0 });
      }
    });
  }

  test("and an honest line as long runs, each time", async () => {
    const ended = await launch("resist", [ran, "v", ...padding, "end"], [String(rounds(2)), "10", "continue", "trace"]);
    assert.deepEqual(numbersOf(ended.stderr), { printed: rounds(20), killed: 0, other: rounds(20) });
  });
});

describe("a pattern whose table would be too large", () => {
  const banned = randomString();
  let agent: TestAgent;
  before(async () => {
    agent = await TestAgent.start({
      bannedCommandStrings: [banned],
      allowedCommandPatterns: [".*/first-instruction .*a.{30}b$", ".*/first-instruction ok .*"],
    });
    await agent.untilReady();
  });
  after(() => agent.stop());

  test("spares what it matches, at exec", async () => {
    const ended = await launch("plain", [ran, "v", banned, `a${"x".repeat(30)}b`]);
    assertRan(ended);
    const [line] = await agent.linesOf(ended.pid);
    assert.deepEqual([line!.action, line!["allowed_rule"]], ["spared", "config[0]"]);
  });

  test("spares nothing else, and the one beside it spares what it matches", async () => {
    assertKilled(await launch("plain", [ran, "v", banned, `a${"x".repeat(29)}b`]));
    assertKilled(await launch("plain", [ran, "v", banned, `a${"x".repeat(30)}b`, "c"]));
    const ended = await launch("plain", [ran, "v", "ok", banned]);
    assertRan(ended);
    const [line] = await agent.linesOf(ended.pid);
    assert.equal(line!["allowed_rule"], "config[1]");
  });
});

test("a pattern that the kernel cannot walk is refused at the start, by list and index", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "cn-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, "large.json");
  const patterns = ["/bin/x", "(a{1,30}){1,30}.*x.{25}"];
  writeFileSync(file, JSON.stringify({ bannedCommandStrings: [randomString()], allowedCommandPatterns: patterns }));
  const { status, stderr } = spawnSync(
    join(ROOT, "bin/cryptnono"),
    ["execwhacker", "--config", file, "--scope-pid", `${process.pid}`],
    {
      encoding: "utf8",
      timeout: 120_000,
    },
  );
  assert.equal(status, 1);
  assert.match(
    stderr,
    /large: allowedCommandPatterns\[1\]: expected .*at most 512 states, got 9\d\d\n {2}write smaller counts/,
  );
});
