// What one agent's kernel part knows of processes and patterns, the next agent goes on with; and what a pattern spares shows.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, type TestContext, test } from "node:test";
import { unpin } from "@cryptnono/agent/sensor/index";
import { type ConfigFile, randomString, run, TestAgent } from "../lib/agent.js";
import { packWords, prog, Workshop } from "../lib/progs.js";

const shop = new Workshop();
after(() => shop.remove());

const WAIT_MS = 60_000;

/** Agents of one config file and one pin directory, each the successor of the one before. */
function dynasty(t: TestContext, config: ConfigFile) {
  const pinDir = `/sys/fs/bpf/${randomString("test-")}`;
  const configFile = join(shop.directory, `${randomString("list")}.json`);
  writeFileSync(configFile, JSON.stringify(config));
  t.after(() => unpin(pinDir));
  return {
    write: (changed: ConfigFile) => writeFileSync(configFile, JSON.stringify(changed)),
    async next(scanEvery = "1"): Promise<TestAgent> {
      const flags = ["--pin-dir", pinDir, "--scan-existing", scanEvery];
      const agent = await TestAgent.start(config, flags, { configFile });
      t.after(() => agent.stop("SIGKILL"));
      return agent;
    },
  };
}

/** A child that has told that it is there, and lives until the test's end. */
async function live(t: TestContext, file: string, args: readonly string[], input?: Uint8Array): Promise<ChildProcess> {
  const child = spawn(file, [...args], { stdio: ["pipe", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  if (input !== undefined) child.stdin.end(input);
  const ended = once(child, "close");
  const told = await Promise.race([once(child.stdout, "data"), ended.then(() => null)]);
  assert.ok(told !== null, `${file} ended with ${child.signalCode}`);
  return child;
}

async function afterScans(agent: TestAgent, count: number): Promise<void> {
  const scans = () => agent.metric("scan_duration_seconds_count");
  const before = await scans();
  await agent.waitFor(async () => (await scans()) >= before + count, `${count} scans`, WAIT_MS);
}

test("a process that exec spared under one agent is not killed by the next one's scan", async (t) => {
  const [banned, other] = [randomString(), randomString()];
  const script = join(shop.directory, "job");
  const tool = join(shop.directory, "tool");
  writeFileSync(script, "#!/bin/sh\necho there\nread line\n", { mode: 0o755 });
  copyFileSync(prog("rewrite-arguments"), tool);
  const config = {
    bannedCommandStrings: [banned, other],
    allowedCommandPatterns: [`${script} .*`, `${tool} 'as-it-was .*`],
  };
  const agents = dynasty(t, config);
  const first = await agents.next();
  const padding = "-".repeat(64);
  const spared = [
    // Its file is gone by the time of the scan.
    await live(t, script, [banned]),
    // By then it shows other arguments, which the pattern does not match; the pattern is for that string all the same.
    await live(t, tool, [`as-it-was ${banned} ${padding}`], packWords([`changed ${other}`])),
  ];
  rmSync(script);
  await first.stop("SIGKILL");
  const second = await agents.next();
  await afterScans(second, 2);
  await second.stop("SIGKILL");
  agents.write({ ...config, bannedCommandStrings: [...config.bannedCommandStrings, randomString()] });
  const third = await agents.next();
  // By another list the one that shows other arguments is judged anew; of the other one the path is still known.
  await afterScans(third, 2);
  assert.deepEqual(
    spared.map(({ signalCode }) => signalCode),
    [null, "SIGKILL"],
  );
  assert.deepEqual(
    [...first.actions("killed"), ...second.actions("killed")].map(({ pid }) => pid),
    [],
  );
});

test("what each pattern spares is counted by list and index, over reloads and agents", async (t) => {
  const banned = randomString();
  const words = [randomString(), randomString()];
  const patternOf = (word: string) => `/bin/echo ${word} .*`;
  const config = { bannedCommandStrings: [banned], allowedCommandPatterns: words.map(patternOf) };
  const pinDir = `/sys/fs/bpf/${randomString("test-")}`;
  t.after(() => unpin(pinDir));
  const configFile = join(shop.directory, "spares.json");
  writeFileSync(configFile, JSON.stringify(config));
  const start = async () => {
    const agent = await TestAgent.start(config, ["--pin-dir", pinDir], { configFile });
    t.after(() => agent.stop("SIGKILL"));
    return agent;
  };
  const spare = async (word: string, times: number) => {
    for (let i = 0; i < times; i++) assert.equal((await run("/bin/echo", [word, banned])).code, 0);
  };
  const counts = (agent: TestAgent) =>
    Promise.all(
      [0, 1].map((index) => agent.metric(`processes_allowed_by_pattern_total{list="spares",index="${index}"}`)),
    );
  const until = (agent: TestAgent, expected: readonly number[]) =>
    agent.waitFor(
      async () => (await counts(agent)).every((count, i) => count === expected[i]),
      `the counts ${expected}`,
      WAIT_MS,
    );

  const first = await start();
  assert.deepEqual(await counts(first), [0, 0]);
  await spare(words[0]!, 30);
  await spare(words[1]!, 2);
  await until(first, [30, 2]);
  // The same patterns in another list: each has its own count by the place that it stood at.
  writeFileSync(configFile, JSON.stringify({ ...config, allowedCommandPatterns: words.toReversed().map(patternOf) }));
  first.process.kill("SIGHUP");
  await first.waitFor(() => first.events("Config reloaded").length > 0, "the reload", WAIT_MS);
  await spare(words[0]!, 5);
  await until(first, [30, 7]);

  writeFileSync(configFile, JSON.stringify(config));
  await first.stop("SIGKILL");
  await spare(words[0]!, 1); // by the list before, while nobody is there
  const second = await start();
  // Of the same list as at first; the other one's is not known any more.
  await until(second, [30, 2]);
  await spare(words[0]!, 4);
  await until(second, [34, 2]);
  const third = await start();
  await second.stop();
  await spare(words[1]!, 1);
  await until(third, [34, 3]);
  const allowed = 'processes_allowed_total{source="execwhacker.bpf",allowedby="allowed-pattern"}';
  assert.equal(await third.metric(allowed), 30 + 2 + 5 + 1 + 4 + 1);
});
