// Floods: whatever is thrown at the guard, every process that is to die dies, and a line that is lost is counted.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { rounds } from "@cryptnono/matcher/test/rounds";
import { randomString, TestAgent } from "../lib/agent.js";
import { ExecLoops } from "../lib/exec-loops.js";
import { launch, numbersOf, Workshop } from "../lib/progs.js";

const shop = new Workshop();
after(() => shop.remove());

/** Processes of a flood. */
const MANY = rounds(2_000);
const SOME = rounds(1_000);

interface Flood {
  readonly killed: number;
  readonly ended: number;
  readonly other: number;
  /** Bytes that all of them printed. */
  readonly printed: number;
}

/** `count` processes of /bin/echo and /bin/true in turn, two at a time, with `argument`. */
async function flood(count: number, argument: string): Promise<Flood> {
  const words = ["/bin/echo", "/bin/true", "", "short", argument];
  const { stdout, stderr, code } = await launch("flood", words, [String(count), "2"]);
  assert.equal(code, 0, stderr);
  return numbersOf(stdout.toString()) as unknown as Flood;
}

const allDead = (count: number): Flood => ({ killed: count, ended: 0, other: 0, printed: 0 });

/** One line for each killed process. */
function assertOneLineEach(agent: TestAgent, count: number): void {
  const processes = agent.kills().map(({ pid, start_time }) => `${pid} ${start_time}`);
  assert.equal(processes.length, count);
  assert.equal(new Set(processes).size, count);
}

/** Killed processes that a summary counts. */
function inSummaries(agent: TestAgent): number {
  return agent.actions("killed-summary").reduce((sum, { count }) => sum + Number(count), 0);
}

test(`${MANY} short processes: none prints, all die, each has its line`, async (t) => {
  const banned = randomString();
  const agent = await TestAgent.start({ bannedCommandStrings: [banned] });
  t.after(() => agent.stop());
  assert.deepEqual(await flood(MANY, banned), allDead(MANY));
  await agent.settle();
  assertOneLineEach(agent, MANY);
});

test("the same while four loops execute as fast as they can", async (t) => {
  const banned = randomString();
  const agent = await TestAgent.start({ bannedCommandStrings: [banned] });
  const loops = new ExecLoops(shop.directory);
  t.after(async () => {
    await loops.stop();
    await agent.stop();
  });
  await loops.start(4, ["/bin/true", "true", "nothing"]);
  assert.deepEqual(await flood(SOME, banned), allDead(SOME));
  const others = await loops.stop();
  await agent.settle();
  assertOneLineEach(agent, SOME);
  for (const { killed } of others) assert.equal(killed, 0);
  t.diagnostic(`${others.reduce((sum, { other }) => sum + other, 0)} other processes meanwhile`);
});

test("a tiny ring that nobody reads has no room for lines, which a summary counts to the last one, and loses no verdict", async (t) => {
  const banned = randomString();
  const agent = await TestAgent.start({ bannedCommandStrings: [banned] }, ["--kill-ring-bytes", "4096"]);
  t.after(() => agent.stop());
  await agent.untilReady();
  const before = await agent.metric('processes_killed_total{source="execwhacker.bpf"}');
  agent.process.kill("SIGSTOP");
  assert.deepEqual(await flood(SOME, banned), allDead(SOME));
  agent.process.kill("SIGCONT");
  await agent.waitFor(() => agent.kills().length > 0, "the lines of what the ring held");
  await agent.settle();
  const lost = await agent.metric('events_lost_total{kind="kill"}');
  const killed = await agent.metric('processes_killed_total{source="execwhacker.bpf"}');
  const marker = 1;
  assert.equal(killed - before - marker, SOME);
  assert.ok(lost > 0.75 * SOME);
  await agent.stop();
  assert.equal(agent.kills().length + lost, SOME);
  assert.equal(inSummaries(agent), lost);
  t.diagnostic(`${lost} in summaries, ${agent.kills().length} lines`);
});

test("a flood of spared processes loses no line of a kill", async (t) => {
  const banned = randomString();
  const spared = randomString();
  const agent = await TestAgent.start({ bannedCommandStrings: [banned, spared] }, ["--other-ring-bytes", "4096"]);
  const loops = new ExecLoops(shop.directory);
  t.after(async () => {
    await loops.stop();
    await agent.stop();
  });
  await loops.start(2, ["/bin/true", "true", `x${spared}`]);
  assert.deepEqual(await flood(SOME, banned), allDead(SOME));
  await loops.stop();
  await agent.settle();
  assertOneLineEach(agent, SOME);
  assert.equal(await agent.metric('events_lost_total{kind="kill"}'), 0);
  const lost = await agent.metric('events_lost_total{kind="other"}');
  t.diagnostic(`${lost} lines of spared processes lost, ${agent.actions("spared").length} written`);
});

test("long command lines by the thousand: all die, and a line that finds no room is counted", async (t) => {
  const banned = randomString();
  const agent = await TestAgent.start({ bannedCommandStrings: [banned] });
  t.after(() => agent.stop());
  await agent.untilReady();
  assert.deepEqual(await flood(SOME, `${"-".repeat(100_000)}${banned}`), allDead(SOME));
  await agent.settle();
  const lost = await agent.metric('events_lost_total{kind="kill"}');
  const dropped = await agent.metric('log_lines_dropped_total{kind="kill"}');
  await agent.stop();
  assert.equal(agent.kills().length + lost + dropped, SOME);
  assert.equal(inSummaries(agent), lost);
  t.diagnostic(`${lost} lines found no room in the ring, ${dropped} none in the queue to the log's reader`);
});

test("a log that nobody reads delays no death and loses no line that it has room for", async (t) => {
  const banned = randomString();
  const agent = await TestAgent.start({ bannedCommandStrings: [banned] }, [], { read: false });
  t.after(() => agent.stop());
  assert.deepEqual(await flood(SOME, banned), allDead(SOME));
  assert.equal((await agent.readiness()).status, 200);
  agent.read();
  await agent.settle();
  assertOneLineEach(agent, SOME);
});
