// Floods: whatever is thrown at the guard, every process that is to die dies, and a line that is lost is counted.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { randomString, TestAgent } from "../lib/agent.js";
import { ExecLoops } from "../lib/exec-loops.js";
import { launch, numbersOf, Workshop } from "../lib/progs.js";

const shop = new Workshop();
after(() => shop.remove());

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

test("10,000 short processes: none prints, all die, each has its line", async (t) => {
  const banned = randomString();
  const agent = await TestAgent.start({ bannedCommandStrings: [banned] });
  t.after(() => agent.stop());
  assert.deepEqual(await flood(10_000, banned), allDead(10_000));
  await agent.settle();
  assertOneLineEach(agent, 10_000);
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
  assert.deepEqual(await flood(4_000, banned), allDead(4_000));
  const others = await loops.stop();
  await agent.settle();
  assertOneLineEach(agent, 4_000);
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
  assert.deepEqual(await flood(4_000, banned), allDead(4_000));
  agent.process.kill("SIGCONT");
  await agent.waitFor(() => agent.kills().length > 0, "the lines of what the ring held");
  await agent.settle();
  const lost = await agent.metric('events_lost_total{kind="kill"}');
  const killed = await agent.metric('processes_killed_total{source="execwhacker.bpf"}');
  const marker = 1;
  assert.equal(killed - before - marker, 4_000);
  assert.ok(lost > 3_000);
  await agent.stop();
  assert.equal(agent.kills().length + lost, 4_000);
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
  assert.deepEqual(await flood(2_000, banned), allDead(2_000));
  await loops.stop();
  await agent.settle();
  assertOneLineEach(agent, 2_000);
  assert.equal(await agent.metric('events_lost_total{kind="kill"}'), 0);
  const lost = await agent.metric('events_lost_total{kind="other"}');
  t.diagnostic(`${lost} lines of spared processes lost, ${agent.actions("spared").length} written`);
});

test("long command lines by the thousand: all die, and a line that finds no room is counted", async (t) => {
  const banned = randomString();
  const agent = await TestAgent.start({ bannedCommandStrings: [banned] });
  t.after(() => agent.stop());
  await agent.untilReady();
  assert.deepEqual(await flood(2_000, `${"-".repeat(100_000)}${banned}`), allDead(2_000));
  await agent.settle();
  const lost = await agent.metric('events_lost_total{kind="kill"}');
  const dropped = await agent.metric('log_lines_dropped_total{kind="kill"}');
  await agent.stop();
  assert.equal(agent.kills().length + lost + dropped, 2_000);
  assert.equal(inSummaries(agent), lost);
  t.diagnostic(`${lost} lines found no room in the ring, ${dropped} none in the queue to the log's reader`);
});

test("a log that nobody reads delays no death and loses no line that it has room for", async (t) => {
  const banned = randomString();
  const agent = await TestAgent.start({ bannedCommandStrings: [banned] }, [], { read: false });
  t.after(() => agent.stop());
  assert.deepEqual(await flood(3_000, banned), allDead(3_000));
  assert.equal((await agent.readiness()).status, 200);
  agent.read();
  await agent.settle();
  assertOneLineEach(agent, 3_000);
});
