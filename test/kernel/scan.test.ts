// The scan against processes that would stop it, mislead it or make it spend; and a verdict at exec that binds it.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { after, describe, type TestContext, test } from "node:test";
import { rounds } from "@cryptnono/matcher/test/rounds";
import { type ConfigFile, randomString, TestAgent } from "../lib/agent.js";
import { numbersOf, packWords, prog, Workshop } from "../lib/progs.js";

const shop = new Workshop();
after(() => shop.remove());

const EACH_SECOND = ["--scan-existing", "1"];
/** Scans at start and not again while a test runs. */
const SELDOM = ["--scan-existing", "600"];

async function start(t: TestContext, config: ConfigFile, flags: readonly string[]): Promise<TestAgent> {
  const agent = await TestAgent.start(config, flags);
  t.after(() => agent.stop("SIGKILL"));
  return agent;
}

interface Living {
  readonly process: ChildProcess;
  /** What it told when it was ready. */
  readonly told: string;
}

/** A program that lives until the test's end. It is ready when it has written something. */
async function live(
  t: TestContext,
  file: string,
  args: readonly string[],
  options: { argv0?: string; cwd?: string; env?: NodeJS.ProcessEnv; input?: Uint8Array } = {},
): Promise<Living> {
  const { input, ...rest } = options;
  const child = spawn(file, [...args], { ...rest, stdio: ["pipe", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  if (input !== undefined) child.stdin!.end(input);
  const [told] = (await once(child.stdout!, "data")) as [Buffer];
  return { process: child, told: told.toString() };
}

const isAlive = ({ process }: Living): boolean => process.exitCode === null && process.signalCode === null;
const scans = (agent: TestAgent) => agent.metric("scan_duration_seconds_count");
const failures = (agent: TestAgent, reason: string) => agent.metric(`scan_failures_total{reason="${reason}"}`);

async function afterScans(agent: TestAgent, count: number): Promise<void> {
  const before = await scans(agent);
  await agent.waitFor(async () => (await scans(agent)) >= before + count, `${count} scans`, 60_000);
}

/** Seconds of a CPU that a process and the children it has waited for have taken. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]!.split(" ");
  return [11, 12, 13, 14].reduce((sum, field) => sum + Number(fields[field]), 0) / 100;
}

function residentMiB(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))![1]) / 1024;
}

describe("a process whose memory does not answer", () => {
  const skip = existsSync("/dev/fuse") ? false : "there is no /dev/fuse";

  test("costs its own turn: others are read, none dies for it, and the agent can end", {
    skip,
    timeout: 180_000,
  }, async (t) => {
    const banned = randomString();
    const agent = await start(t, { bannedCommandStrings: [banned] }, EACH_SECOND);
    const padding = "x".repeat(8192);
    const silent = await Promise.all([
      live(t, prog("lock-memory"), ["held", padding]),
      live(t, prog("lock-memory"), ["held", padding]),
      live(t, prog("lock-memory"), ["page", padding]),
      live(t, prog("fault-memory"), [padding]),
    ]);
    const victim = await live(t, prog("rewrite-arguments"), ["-".repeat(100)], { input: packWords([banned]) });
    await agent.waitFor(() => !isAlive(victim), "the end of the one that shows a banned string");
    assert.equal(victim.process.signalCode, "SIGKILL");
    await agent.waitFor(async () => (await failures(agent, "stuck")) >= 2, "the silent ones to be counted");
    assert.deepEqual(
      silent.map(isAlive),
      silent.map(() => true),
    );
    assert.equal(await agent.stop(), 0);
    t.diagnostic(`${silent.length} silent processes`);
  });
});

test("a path that leads out of the process's root is not followed: what lies there is not opened", async (t) => {
  const banned = randomString();
  const root = join(shop.directory, "root");
  mkdirSync(root);
  const outside = join(shop.directory, "outside");
  writeFileSync(outside, "#!/bin/sh\n");
  writeFileSync(join(root, "file"), "#!/bin/sh\n");
  const swapping = await live(t, prog("swap-path"), [join(root, "tool"), join(root, "file"), outside, outside]);
  const env = { ...process.env, ROOT: root };
  const victims = await Promise.all(
    Array.from({ length: 30 }, () => live(t, prog("live-below"), ["/tool", banned], { env })),
  );
  const config: ConfigFile = { bannedCommandStrings: [banned], allowedCommandPatterns: ["/tool .*"], mode: "audit" };
  const agent = await start(t, config, EACH_SECOND);
  await afterScans(agent, rounds(3));
  const told = ({ process: victim }: Living) => agent.lines.filter(({ pid }) => pid === victim.pid);
  // A look-up that the swapping disturbed is made again at the next scan, and told once.
  await agent.waitFor(() => victims.every((victim) => told(victim).length > 0), "a line of each victim", 60_000);
  const counted = once(swapping.process.stdout!, "data");
  swapping.process.stdin!.end();
  const { opened } = numbersOf(String(await counted));
  assert.equal(opened, 0);
});

describe("what exec spared or passed, the scan leaves alone", () => {
  const banned = randomString();
  const venv = join(shop.directory, "venv/bin");
  const tool = join(venv, "tool");
  const script = join(shop.directory, "scripts/job");
  const allowedCommandPatterns = [`${tool} .*`, `${script} .*`];
  mkdirSync(venv, { recursive: true });
  mkdirSync(join(shop.directory, "scripts"));
  symlinkSync(prog("live-below"), tool);
  symlinkSync(prog("rewrite-arguments"), join(venv, "titled"));
  const config: ConfigFile = {
    bannedCommandStrings: [banned],
    allowedCommandPatterns: [...allowedCommandPatterns, `${venv}/titled .*`],
  };
  const writeScript = (): void => {
    writeFileSync(script, "#!/bin/sh\necho there\nread _\n");
    chmodSync(script, 0o755);
  };

  const rows: readonly (readonly [title: string, begin: (t: TestContext) => Promise<Living>])[] = [
    ["a program that was started through a link", (t) => live(t, tool, [banned])],
    ["one whose argv[0] is relative", (t) => live(t, tool, [banned], { argv0: "../bin/tool", cwd: venv })],
    ["one whose argv[0] says something else", (t) => live(t, tool, [banned], { argv0: "something else" })],
    [
      "one that has a new title",
      (t) => live(t, join(venv, "titled"), [`${banned}-${"-".repeat(50)}`], { input: packWords([`title: ${banned}`]) }),
    ],
    [
      "a script that was moved",
      async (t) => {
        writeScript();
        const living = await live(t, script, [banned]);
        renameSync(script, `${script}-moved`);
        return living;
      },
    ],
    [
      "a script that was removed",
      async (t) => {
        writeScript();
        const living = await live(t, script, [banned]);
        rmSync(script);
        return living;
      },
    ],
    [
      "a program through a link whose target's path has the string",
      (t) => {
        const target = join(shop.directory, banned, "tool");
        mkdirSync(join(target, ".."), { recursive: true });
        copyFileSync(prog("live-below"), target);
        chmodSync(target, 0o755);
        rmSync(join(shop.directory, "link"), { force: true });
        symlinkSync(target, join(shop.directory, "link"));
        return live(t, join(shop.directory, "link"), ["x"]);
      },
    ],
  ];

  test("in many scans and sweeps", async (t) => {
    const agent = await start(t, config, EACH_SECOND);
    const living: Living[] = [];
    for (const [, begin] of rows) living.push(await begin(t));
    await afterScans(agent, rounds(2));
    for (const [i, [title]] of rows.entries()) assert.equal(isAlive(living[i]!), true, title);
    assert.deepEqual(agent.kills(), []);
  });

  test("but what its arguments are changed to since, is judged", async (t) => {
    const other = randomString();
    await start(t, { bannedCommandStrings: [banned, other], allowedCommandPatterns }, EACH_SECOND);
    const changed = await live(t, prog("rewrite-arguments"), ["-".repeat(100)], { input: packWords([`now ${other}`]) });
    await once(changed.process, "exit");
    assert.equal(changed.process.signalCode, "SIGKILL");
  });
});

describe("between scans", () => {
  test("a young process that shows a banned string after its exec dies within seconds", async (t) => {
    const banned = randomString();
    const agent = await start(t, { bannedCommandStrings: [banned] }, SELDOM);
    await agent.waitFor(async () => (await scans(agent)) >= 1, "the first scan");
    const began = performance.now();
    const victims = await Promise.all(
      Array.from({ length: 10 }, () =>
        live(t, prog("rewrite-arguments"), ["-".repeat(100)], { input: packWords([banned]) }),
      ),
    );
    await Promise.all(
      victims.map(({ process: victim }) => victim.exitCode ?? victim.signalCode ?? once(victim, "exit")),
    );
    for (const { process: victim } of victims) assert.equal(victim.signalCode, "SIGKILL");
    assert.equal(await scans(agent), 1);
    const [line] = await agent.linesOf(victims[0]!.process.pid!);
    assert.deepEqual([line!["source"], line!["killed_by"]], ["psutil.process_iter", "agent"]);
    t.diagnostic(`10 died within ${Math.round(performance.now() - began)} ms of their start`);
  });
});

describe("lines that are long or many", () => {
  test("are bounded in memory and in time, are remembered, and hide nobody", async (t) => {
    const banned = randomString();
    const AREAS = 12;
    const size = String(8 * 2 ** 20);
    const input = packWords(["x"]);
    await Promise.all(
      Array.from({ length: AREAS - 1 }, (_, i) =>
        live(t, prog("map-arguments"), [size, i % 2 ? "dashes" : "empty"], { input }),
      ),
    );
    const atEnd = await live(t, prog("map-arguments"), [size, "word"], { input: packWords([banned]) });
    const agent = await start(t, { bannedCommandStrings: [banned] }, EACH_SECOND);
    const pid = agent.process.pid!;
    const atFirst = residentMiB(pid);
    let most = 0;
    const watching = setInterval(() => {
      most = Math.max(most, residentMiB(pid));
    }, 50);
    t.after(() => clearInterval(watching));
    await agent.waitFor(() => !isAlive(atEnd), "the end of the last byte of 8 MiB", 120_000);
    assert.equal(atEnd.process.signalCode, "SIGKILL");
    const [line] = await agent.linesOf(atEnd.process.pid!);
    assert.ok(line!.cmdline!.includes(banned), "the match is shown");
    // Put off until each has been searched once; from then on they cost a hash.
    let putOff = -1;
    await agent.waitFor(
      async () => {
        const before = putOff;
        await afterScans(agent, 1);
        putOff = await failures(agent, "put-off");
        return before === putOff;
      },
      "all to be searched",
      120_000,
    );
    const [cpu, since] = [cpuSeconds(pid), await scans(agent)];
    await afterScans(agent, 2);
    clearInterval(watching);
    const perScan = (cpuSeconds(pid) - cpu) / ((await scans(agent)) - since);
    t.diagnostic(`${Math.round(most)} MiB at most; ${perScan.toFixed(2)} s of a CPU a scan of what is known`);
    assert.ok(most < atFirst + 8 * AREAS, `${most} MiB, ${atFirst} at first`);
    assert.ok(perScan < 2, `${perScan} s`);
  });
});
