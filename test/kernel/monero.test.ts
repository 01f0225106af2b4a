// What a program computes is its verdict: RandomX's constants in its registers, or its four rounding modes.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, type TestContext, test } from "node:test";
import { roundingObstacle } from "@cryptnono/agent/detectors/monero/sensor";
import { unpin } from "@cryptnono/agent/sensor/index";
import { rounds } from "@cryptnono/matcher/test/rounds";
import { type Ended, ROOT, randomString, run } from "../lib/agent.js";
import { Computing, lived, MoneroAgent } from "../lib/monero-agent.js";
import { prog } from "../lib/progs.js";

const obstacle = roundingObstacle();
const options = obstacle === null ? {} : { skip: obstacle };
/** Longer than any verdict takes on a busy machine: what is to die ends early. */
const FOREVER = "100";
/** Hundreds of times as long as one look. */
const AWHILE = String(rounds(5) / 10);

const compute = (what: string, seconds: string, ...more: string[]): Promise<Ended> =>
  run(prog("rounding"), [what, seconds, ...more]);

describe("rounding", options, () => {
  let agent: MoneroAgent;
  before(async () => {
    agent = await MoneroAgent.start(["--four-modes", "enforce"]);
  });
  after(() => agent.stop());

  test("the masks, or an AES key, in registers are death, and the line has the evidence", async () => {
    const word = randomString();
    for (const [what, constants] of [
      ["registers", "scale-mask mantissa-mask"],
      ["key", "aes-key"],
    ] as const) {
      const ended = await compute(what, FOREVER, word);
      assert.equal(ended.signal, "SIGKILL", what);
      const line = await agent.lineOf("killed", ended.pid);
      assert.equal(line["rule"], "registers");
      assert.equal(line["constants"], constants);
      assert.equal(line["killed_by"], "kernel");
      assert.equal(line["source"], "monero.bpf");
      assert.equal(line["event"], "Killed process");
      assert.match(line.cmdline!, new RegExp(`rounding ${what} ${FOREVER} ${word}$`));
      assert.ok((line["age_seconds"] as number) < 60);
      const samples = line["samples"] as Record<string, number>;
      assert.ok(samples["taken"]! >= 1 && samples["up"]! >= 1, JSON.stringify(samples));
    }
  });

  test("four rounding modes are death", async () => {
    const ended = await compute("four", FOREVER);
    assert.equal(ended.signal, "SIGKILL");
    const line = await agent.lineOf("killed", ended.pid);
    assert.equal(line["rule"], "four-modes");
    const samples = line["samples"] as Record<string, number>;
    for (const mode of ["down", "up", "zero"]) assert.ok(samples[mode]! >= 3, JSON.stringify(samples));
    assert.ok((line["directed_share"] as number) > 0.24);
  });

  test("two modes, one mask, or none live", async () => {
    const all = await Promise.all(["two", "half", "none"].map((what) => compute(what, AWHILE)));
    assert.ok(all.every(lived), JSON.stringify(all.map(({ signal }) => signal)));
  });

  test("it counts what it did", async () => {
    assert.ok((await agent.metric('processes_killed_total{rule="registers"}')) >= 2);
    assert.ok((await agent.metric('processes_killed_total{rule="four-modes"}')) >= 1);
    assert.ok((await agent.metric('samples_total{rounding="directed"}')) >= 20);
    assert.equal(await agent.metric("events_lost_total"), 0);
  });
});

test("a self-test that is asked for dies in any mode, and is nobody's kill", options, async (t) => {
  for (const flags of [[], ["--mode", "audit"]]) {
    const agent = await MoneroAgent.start(flags);
    t.after(() => agent.stop());
    const { code, stdout } = await run(`${ROOT}bin/cryptnono`, [
      ...["selftest", "monero"],
      ...["--health-port", String(agent.healthPort)],
    ]);
    assert.match(
      stdout.toString(),
      /^monero: the child was killed in \S+ (s|µs); the kernel's event came; the log line/,
    );
    assert.equal(code, 0);
    assert.equal(await agent.metric('processes_killed_total{rule="registers"}'), 0);
    assert.deepEqual([...agent.actions("killed"), ...agent.actions("would-kill")], []);
    await agent.stop();
  }
});

test("audit mode tells once and kills nothing", options, async (t) => {
  const agent = await MoneroAgent.start(["--mode", "audit", "--four-modes", "enforce"]);
  t.after(() => agent.stop());
  const computing = ["registers", "four"].map((what) => new Computing("rounding", [what, FOREVER]));
  for (const [i, rule] of ["registers", "four-modes"].entries())
    assert.equal((await agent.lineOf("would-kill", computing[i]!.pid))["rule"], rule);
  const all = await Promise.all(computing.map((one) => one.end()));
  assert.ok(all.every(lived));
  await agent.stop();
  for (const { pid } of all) assert.equal(agent.actions("would-kill", pid).length, 1);
});

test("a rule that is off does not look", options, async (t) => {
  const agent = await MoneroAgent.start(["--registers", "off"]);
  t.after(() => agent.stop());
  assert.ok(lived(await compute("registers", AWHILE)));
  assert.deepEqual(agent.actions("killed"), []);
});

test("an allow pattern spares, and what none spares is killed by the agent", options, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "cn-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const word = randomString();
  const file = join(folder, "allowed.json");
  writeFileSync(file, JSON.stringify({ allowedCommandPatterns: [`\\S*/rounding registers \\S+ ${word}$`] }));
  const agent = await MoneroAgent.start(["--config", file]);
  t.after(() => agent.stop());
  const [spared, killed] = await Promise.all([
    compute("registers", AWHILE, word),
    compute("registers", FOREVER, `${word}x`),
  ]);
  assert.ok(lived(spared));
  assert.equal(killed.signal, "SIGKILL");
  const line = await agent.lineOf("spared", spared.pid);
  assert.equal(line["allowed_rule"], "allowed[0]");
  assert.equal(agent.actions("spared", spared.pid).length, 1);
  assert.equal((await agent.lineOf("killed", killed.pid))["killed_by"], "agent");
});

test("with pins the kernel kills on while no agent is there, and the next one tells", options, async (t) => {
  const pinDir = pins(t);
  const first = await MoneroAgent.start(["--pin-dir", pinDir]);
  t.after(() => first.stop());
  await first.stop("SIGKILL");
  const ended = await compute("registers", FOREVER);
  assert.equal(ended.signal, "SIGKILL");
  const next = await MoneroAgent.start(["--pin-dir", pinDir]);
  t.after(() => next.stop());
  assert.equal((await next.lineOf("killed", ended.pid))["rule"], "registers");
  assert.ok((await next.metric('processes_killed_total{rule="registers"}')) >= 1);
});

test("what is known of a running process can be asked for", options, async (t) => {
  const pinDir = pins(t);
  const agent = await MoneroAgent.start(["--mode", "audit", "--pin-dir", pinDir]);
  t.after(() => agent.stop());
  const child = spawn(prog("rounding"), ["registers", FOREVER], { stdio: "ignore" });
  t.after(() => child.kill("SIGKILL"));
  await agent.lineOf("would-kill", child.pid!);
  const ask = (pid: number, ...more: string[]) =>
    run(`${ROOT}bin/cryptnono`, ["explain-computing", String(pid), "--pin-dir", pinDir, ...more]);
  const [told, json, unknown, nobody] = await Promise.all([
    ask(child.pid!),
    ask(child.pid!, "--json"),
    ask(process.pid),
    ask(4_194_304),
  ]);
  assert.equal(told.code, 0);
  assert.match(
    told.stdout.toString(),
    /constants in registers: scale-mask, mantissa-mask\n {2}verdicts so far: registers\n/,
  );
  const known = JSON.parse(json.stdout.toString()) as { seen: { directed: number } };
  assert.ok(known.seen.directed >= 1);
  assert.match(unknown.stdout.toString(), /no sample of it/);
  assert.equal(nobody.code, 1);
});

function pins(t: TestContext): string {
  const pinDir = `/sys/fs/bpf/${randomString("test-")}`;
  t.after(() => unpin(pinDir));
  return pinDir;
}
