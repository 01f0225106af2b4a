// What a flood may cost and hide: the agent's processor time, its memory, and other people's kills. Every process is told of,
// by a line of its own or by its number.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { after, test } from "node:test";
import { unpin } from "@cryptnono/agent/sensor/pins";
import { rounds } from "@cryptnono/matcher/test/rounds";
import { type ConfigFile, type LogLine, randomString, type StartOptions, TestAgent } from "../lib/agent.js";
import { Cgroups, cgroupPathOf } from "../lib/container-cgroups.js";
import { launch, numbersOf, type Word, Workshop } from "../lib/progs.js";

const cgroups = new Cgroups();
const shop = new Workshop();
after(async () => {
  await cgroups.remove();
  shop.remove();
});

/** As agents run, but for the summaries' time. */
const BOUNDED = ["--whole-lines", "16", "--summary-every", "1"] as const;
/** Half of the chart's limit for the agent. */
const MOST_RSS_BYTES = 128 * 2 ** 20;
const MOST_CPU_SHARE = 0.1;

interface Flood {
  readonly killed: number;
  readonly other: number;
}

async function flood(dirs: readonly string[], seconds: number, words: readonly Word[]): Promise<Flood> {
  const { stdout, stderr, code } = await launch("flood-groups", [...dirs, "", ...words], [String(seconds)]);
  assert.equal(code, 0, stderr);
  return numbersOf(stdout.toString()) as unknown as Flood;
}

const start = (config: ConfigFile, flags: readonly string[] = [], options: StartOptions = {}) =>
  TestAgent.start(config, [...BOUNDED, ...flags], options);

/** How many processes with the string the log tells of: whole, by their number, and by lines that were dropped. */
function told(agent: TestAgent, action: string, kind: string) {
  const summaries = agent.actions(`${action}-summary`);
  const dropped = agent.eventsLike("Log lines dropped");
  const sum = (lines: readonly LogLine[], key: string) =>
    lines.reduce((all, line) => all + ((line[key] as number | undefined) ?? 0), 0);
  return {
    whole: agent.actions(action).length,
    counted: sum(summaries, "count"),
    dropped: sum(dropped, kind),
    summaries,
  };
}

/** All processes of the agent's life: the flood's and the tests' own. */
async function killedOf(agent: TestAgent): Promise<number> {
  return await agent.metric('processes_killed_total{source="execwhacker.bpf"}');
}

function sumOf(agent: TestAgent): number {
  const { whole, counted, dropped } = told(agent, "killed", "kill");
  return whole + counted + dropped;
}

function assertAllTold(agent: TestAgent, killed: number) {
  const { whole, counted, dropped, summaries } = told(agent, "killed", "kill");
  assert.equal(whole + counted + dropped, killed, `${whole} whole, ${counted} counted, ${dropped} dropped`);
  return { whole, counted, dropped, summaries };
}

test("a flood of one cgroup: sixteen lines, then numbers by cgroup, and all together are all", async (t) => {
  const banned = randomString();
  const agent = await start({ bannedCommandStrings: [{ value: banned, note: "why" }] });
  t.after(() => agent.stop());
  const [dir] = cgroups.make(1) as [string];
  const { killed, other } = await flood([dir], rounds(1), ["/bin/true", "true", banned]);
  assert.equal(other, 0);
  await agent.waitFor(() => sumOf(agent) >= killed, "the summaries");
  const live = told(agent, "killed", "kill").summaries[0]!;
  const total = await killedOf(agent);
  await agent.stop();
  assert.equal(total, killed);
  const { whole, summaries } = assertAllTold(agent, killed);
  assert.equal(whole, 16);
  assert.ok(summaries.length <= 12, `${summaries.length} summaries`);
  assert.equal(live["event"], `Killed ${String(live["count"])} more processes`);
  assert.deepEqual(
    [live["matched"], live["rule"], live["note"], live["cgroup"], live["uid"], live["source"]],
    [banned, "config[0]", "why", cgroupPathOf(dir), 0, "execwhacker.bpf"],
  );
  assert.ok(Date.parse(String(live["first"])) <= Date.parse(String(live["last"])));
  assert.equal(agent.rawLines.filter((line) => line.includes('"action":"killed"')).length, 16);
  t.diagnostic(`${killed} killed, ${summaries.length} summaries`);
});

test("beside a flood of one cgroup a kill in another has its own line at once", async (t) => {
  const banned = randomString();
  const agent = await start({ bannedCommandStrings: [banned] });
  t.after(() => agent.stop());
  const [loud, quiet] = cgroups.make(2) as [string, string];
  const flooding = flood([loud], rounds(1), ["/bin/true", "true", banned]);
  await agent.waitFor(() => agent.kills().length >= 16, "the flood");
  await assertQuietIsTold(t, agent, quiet, banned);
  assert.equal((await flooding).other, 0);
});

test("beside a flood of 500 cgroups a kill in another has its own line at once", async (t) => {
  const banned = randomString();
  const agent = await start({ bannedCommandStrings: [banned] });
  t.after(() => agent.stop());
  const [quiet, ...loud] = cgroups.make(501) as [string, ...string[]];
  const flooding = flood(loud, rounds(4), ["/bin/true", "true", banned]);
  // More than all groups together may have at once.
  await agent.waitFor(() => agent.kills().length >= 2100, "the flood");
  await assertQuietIsTold(t, agent, quiet, banned);
  assert.equal((await flooding).other, 0);
});

/** Before the minute's summary. The machine is full of the flood: its wait for a processor is not the agent's. */
const AT_ONCE_MS = 30_000;

async function assertQuietIsTold(t: { diagnostic(text: string): void }, agent: TestAgent, dir: string, banned: string) {
  const sinceMs = performance.now();
  await flood([dir], 0.001, ["/bin/echo", "echo", banned, "quiet"]);
  const isQuiet = ({ cgroup, cmdline }: LogLine) => cgroup === cgroupPathOf(dir) && cmdline?.endsWith("quiet") === true;
  await agent.waitFor(() => agent.kills().some(isQuiet), "the line of the quiet cgroup", AT_ONCE_MS);
  t.diagnostic(`${Math.round(performance.now() - sinceMs)} ms from its start to its line`);
}

test("a flood of spared processes: a few lines, then their number", async (t) => {
  const banned = randomString();
  const agent = await start({ bannedCommandStrings: [banned] });
  t.after(() => agent.stop());
  const [dir] = cgroups.make(1) as [string];
  const cpu = cpuSeconds(agent);
  const seconds = rounds(2);
  const { other } = await flood([dir], seconds, ["/bin/true", "true", `x${banned}`]);
  const share = (cpuSeconds(agent) - cpu) / seconds;
  await agent.stop();
  const { whole, counted, dropped, summaries } = told(agent, "spared", "spare");
  assert.equal(whole + counted + dropped, other);
  assert.equal(whole, 4);
  assert.deepEqual([summaries[0]!["allowedby"], summaries[0]!["cgroup"]], ["is-substring", cgroupPathOf(dir)]);
  assert.ok(share < MOST_CPU_SHARE, `${share} of a processor`);
  t.diagnostic(`${other} spared, ${(share * 100).toFixed(1)} % of a processor`);
});

/** Some kilobytes that are as dear to quote, escape and cut as any. */
const HOSTILE = Buffer.concat(Array.from({ length: 4000 }, () => Buffer.from("'\u202e\x01")));

test("500 containers, large arguments, a log that halts and a runtime that hangs: little time, little memory, all counted", async (t) => {
  const banned = randomString();
  const runtime = await silentServer(join(shop.directory, "hangs.sock"));
  t.after(() => runtime.close());
  const agent = await start({ bannedCommandStrings: [banned] }, ["--lookup-container", "--lookup-wait", "2"], {
    read: false,
    env: { ...process.env, CONTAINER_RUNTIME_ENDPOINT: `unix://${runtime.path}`, DOCKER_HOST: "" },
  });
  t.after(() => agent.stop());
  const dirs = cgroups.make(500);
  const before = cpuSeconds(agent);
  const sinceMs = performance.now();
  const memory = watchMemory(agent);
  const { killed, other } = await flood(dirs, rounds(3), ["/bin/true", "true", HOSTILE, banned, HOSTILE]);
  const seconds = (performance.now() - sinceMs) / 1000;
  const share = (cpuSeconds(agent) - before) / seconds;
  const most = memory.stop();
  t.diagnostic(`${Math.round(killed / seconds)} kills a second, ${(share * 100).toFixed(1)} % of a processor`);
  t.diagnostic(`${(most / 2 ** 20).toFixed(0)} MiB of memory at most`);
  assert.equal(other, 0);
  assert.ok(share < MOST_CPU_SHARE, `${share} of a processor`);
  assert.ok(most < MOST_RSS_BYTES, `${most} bytes`);
  assert.equal(await killedOf(agent), killed);
  agent.read();
  await agent
    .waitFor(async () => sumOf(agent) >= killed, "all of them", 120_000)
    .catch((error: Error) => {
      const { whole, counted, dropped } = told(agent, "killed", "kill");
      throw new Error(`${error.message}: ${whole} whole, ${counted} counted, ${dropped} dropped of ${killed}`);
    });
  await agent.stop();
  const { whole, counted, dropped } = assertAllTold(agent, killed);
  t.diagnostic(`${killed} killed: ${whole} lines, ${counted} in summaries, ${dropped} lines dropped`);
});

test("an agent that dies in a flood leaves the count to the next one", async (t) => {
  const banned = randomString();
  const pinDir = `/sys/fs/bpf/cryptnono-test-${randomString()}`;
  const flags = ["--pin-dir", pinDir];
  const first = await start({ bannedCommandStrings: [banned] }, flags);
  t.after(() => first.stop("SIGKILL"));
  const [dir] = cgroups.make(1) as [string];
  const flooding = flood([dir], rounds(2), ["/bin/true", "true", banned]);
  await first.waitFor(() => told(first, "killed", "kill").counted > 0, "a summary");
  await first.stop("SIGKILL");
  const { killed } = await flooding;
  const second = await start({ bannedCommandStrings: [banned] }, flags);
  t.after(async () => {
    await second.stop();
    unpin(pinDir);
  });
  await second.waitFor(() => sumOf(first) + sumOf(second) >= killed, "the summaries of both");
  assert.equal(sumOf(first) + sumOf(second), killed);
  assert.equal(await killedOf(second), killed);
  t.diagnostic(`${killed} killed: ${sumOf(first)} told by the first, ${sumOf(second)} by the second`);
});

/** A socket that takes connections and never answers. */
async function silentServer(path: string): Promise<{ path: string; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).resume();
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    path,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

/** USER_HZ: 100 on every machine that Linux runs on here. */
const TICKS_PER_SECOND = 100;

/** Processor time that the agent has used. */
function cpuSeconds({ process: { pid } }: TestAgent): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

function watchMemory({ process: { pid } }: TestAgent): { stop(): number } {
  let most = 0;
  const look = (): void => {
    const pages = Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]);
    most = Math.max(most, pages * 4096);
  };
  const timer = setInterval(look, 100);
  return {
    stop() {
      clearInterval(timer);
      look();
      return most;
    },
  };
}
