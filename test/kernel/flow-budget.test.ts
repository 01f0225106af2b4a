// The egress budget: so many new public destinations leave a pod and the node, and no more; nobody is killed.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, type TestContext, test } from "node:test";
import { randomString } from "../lib/agent.js";
import { cgroup2Mount } from "../lib/cgroups.js";
import { FlowAgent, inNetwork, type NetworkRun } from "../lib/flow-agent.js";
import { numbersOf, prog } from "../lib/progs.js";

let base = 100;
const fanOut = (how: string, count: number) => `${prog("fan-out")} ${how} ${count} ${++base}`;

/** An agent without a scan rule, and with these settings. */
async function start(t: TestContext, ...settings: readonly string[]): Promise<FlowAgent> {
  const flags = ["unique_destinations_threshold=0", ...settings].map((setting) => `--FlowKiller.${setting}`);
  const agent = await FlowAgent.start(flags);
  t.after(() => agent.stop());
  return agent;
}

/** Public destinations that packets went to. */
const reached = ({ packets }: NetworkRun) => [...packets.keys()].filter((address) => address.startsWith("8.")).length;

/** ECONNREFUSED; EPERM where the kernel's programs may not choose. */
const REFUSED = /^(error 111|refused)$/;
/** A window so long that nothing comes back in it while the test runs, however slow the machine is. */
const LONG = "egress_window_seconds=86400";

for (const [of, setting] of [
  ["pod", "egress_per_pod"],
  ["node", "egress_per_node"],
] as const) {
  test(`a thousand threads of one ${of} reach half of a budget of 40 at once, and nobody dies`, async (t) => {
    const agent = await start(t, `${setting}=40`, LONG);
    const run = await inNetwork(fanOut("threads1000", 4000));
    const { refused, denied, killed } = numbersOf(run.lines[0]!);
    assert.equal(killed, 0);
    // What was let out had its answer from the network, which is the same error.
    assert.equal(refused! + denied!, 4000);
    assert.equal(reached(run), 20);
    assert.equal(await agent.metric(`destinations_refused_total{reason="${of}-budget"}`), 3980);
    assert.equal(await agent.metric("new_destinations_total"), 20);
    await agent.until("it is told", () => agent.actions("refused").length > 0);
    assert.equal(agent.actions("refused")[0]!["because"], `${of}-budget`);
  });
}

test("tokens come back evenly", async (t) => {
  const agent = await start(t, "egress_per_pod=10", "egress_window_seconds=5");
  assert.equal(reached(await inNetwork(fanOut("one", 100))), 5);
  await agent.until("a token has come", async () => {
    const [before, run] = [await agent.metric("new_destinations_total"), await inNetwork(fanOut("one", 1))];
    return reached(run) === 1 && (await agent.metric("new_destinations_total")) === before + 1;
  });
});

test("what was reached already is not new, and what is private or allowed is free", async (t) => {
  await start(t, "egress_per_pod=20", LONG, "allowed_networks=8.250.0.0/16");
  const own = ++base;
  const known = `${prog("fan-out")} one 10 ${own}`;
  const run = await inNetwork(
    [known, known, known, fanOut("one", 50), `${prog("fan-out")} one 50 250`, `${prog("fan-out")} private 50 0`].join(
      "\n",
    ),
  );
  assert.equal(reached(run), 10 + 50);
  assert.equal([...run.packets.keys()].filter((address) => address.startsWith("10.")).length, 50);
});

test("a refusal is ECONNREFUSED, or EPERM if that is wanted", async (t) => {
  await start(t, "egress_per_pod=2", LONG, "egress_refusal=EPERM");
  const { lines } = await inNetwork(fanOut("one", 10));
  assert.deepEqual(numbersOf(lines[0]!), { connected: 0, denied: 9, refused: 1, other: 0, killed: 0 });
});

test("datagrams count when they are sent, and connects of UDP only if that is wanted", async (t) => {
  const agent = await start(t, "egress_per_pod=4", LONG);
  const udp = await inNetwork(fanOut("udp", 20));
  assert.equal(numbersOf(udp.lines[0]!)["connected"], 20);
  const sends = Array.from({ length: 6 }, (_, i) => `${prog("reach")} udp 9.9.9.${i + 1} 53`);
  const { lines } = await inNetwork(sends.join("\n"));
  assert.deepEqual(lines.slice(0, 2), ["ok", "ok"]);
  for (const line of lines.slice(2)) assert.match(line, REFUSED);
  await agent.stop();
  await start(t, "egress_per_pod=4", LONG, "egress_counts_udp_connects=true");
  const counted = await inNetwork(fanOut("udp", 20));
  assert.equal(numbersOf(counted.lines[0]!)["connected"], 2);
});

test("a destination that does not answer is refused for a while, without a packet", async (t) => {
  const agent = await start(t, "egress_per_pod=1000", LONG);
  const { lines } = await inNetwork(`${prog("deaf")} 8.8.4.4`);
  assert.match(lines[0]!, /^first 115 second (111|1)$/);
  assert.ok((await agent.metric("silent_destinations_total")) >= 1);
  assert.equal(await agent.metric('destinations_refused_total{reason="unreachable"}'), 1);
});

test("audit mode refuses nothing for the budget", async (t) => {
  const agent = await FlowAgent.start(["--mode", "audit", "--FlowKiller.egress_per_pod=2", `--FlowKiller.${LONG}`]);
  t.after(() => agent.stop());
  assert.equal(reached(await inNetwork(fanOut("one", 12))), 12);
  assert.equal(await agent.metric('destinations_would_refuse_total{reason="budget"}'), 11);
});

test("of many refusals some have a line, and the rest are counted: together they are all", async (t) => {
  const settings = ["unique_destinations_threshold=0", "egress_per_pod=2", LONG];
  const few = await FlowAgent.start([...settings.map((one) => `--FlowKiller.${one}`), "--whole-lines", "3"]);
  t.after(() => few.stop());
  await inNetwork(fanOut("one", 200));
  const refused = await few.metric('destinations_refused_total{reason="pod-budget"}');
  assert.equal(refused, 199);
  await few.until("some are told", () => few.actions("refused").length >= 3);
  await few.stop();
  const told = few.actions("refused").length;
  const summed = few.actions("refused-summary").reduce((sum, { count }) => sum + Number(count), 0);
  assert.equal(told + summed, refused);
  assert.ok(told < 20, String(told));
});

describe("a pod's containers have one budget together, and each pod its own", () => {
  const mount = cgroup2Mount();
  const top = randomString("");
  const made: string[] = [];
  let agent: FlowAgent;
  before(async () => {
    const settings = ["unique_destinations_threshold=0", "egress_per_pod=4", LONG, "egress_refusal=EPERM"];
    agent = await FlowAgent.start(settings.map((one) => `--FlowKiller.${one}`));
  });
  after(async () => {
    await agent.stop();
    for (const path of made.toReversed()) rmdirSync(path);
  });
  const mkdirs = (path: string) => {
    const names = path.split("/");
    for (let i = 1; i <= names.length; i++) {
      const part = join(mount!, ...names.slice(0, i));
      if (existsSync(part)) continue;
      mkdirSync(part);
      made.push(part);
    }
    return join(mount!, path);
  };
  /** Connects to so many new destinations in that cgroup, and how many were let out. */
  const within = (cgroup: string, count: number) =>
    `(echo 0 > ${mkdirs(cgroup)}/cgroup.procs; exec ${fanOut("one", count)})`;

  for (const [driver, one, another, otherPod] of [
    [
      "systemd",
      "B.slice/B-burstable.slice/B-burstable-podA.slice/cri-a.scope",
      "B.slice/B-burstable.slice/B-burstable-podA.slice/cri-b.scope",
      "B.slice/B-burstable.slice/B-burstable-podC.slice/cri-c.scope",
    ],
    [
      "systemd, with guarantees",
      "B.slice/B-podA.slice/cri-a.scope",
      "B.slice/B-podA.slice/cri-b.scope/its-own/and-deeper",
      "B.slice/B-podC.slice/cri-c.scope",
    ],
    ["cgroupfs", "B/besteffort/podA/a", "B/besteffort/podA/b/besteffort", "B/besteffort/podC/c"],
    ["cgroupfs, with guarantees", "B/podA/a", "B/podA/b", "B/podC/c"],
    ["none, as Docker's", "S.slice/docker-a.scope", "S.slice/docker-a.scope/its-own", "S.slice/docker-b.scope"],
  ] as const) {
    test(`driver ${driver}`, async (t) => {
      if (mount === null) return t.skip("no cgroup2 file system is mounted");
      // Names of a kubelet's, below a top of the test's own.
      const own = (path: string) =>
        path.replaceAll("B-", "kubepods-").replace(/^B/, `kubepods${top}`).replace(/^S/, `system${top}`);
      const { lines } = await inNetwork([one, another, otherPod].map((path) => within(own(path), 3)).join("\n"));
      const letOut = lines.map((line) => numbersOf(line)["refused"]);
      // Where the hooks may choose no error of their own, and where they may, it is EPERM.
      assert.deepEqual(letOut, [2, 0, 2]);
    });
  }
});
