// The scan rule: who reaches for more distinct public destinations than the window may have dies, once the agent has looked.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { parseAddress, unwrapped } from "@cryptnono/agent/detectors/flowkiller/address";
import { isPublic } from "@cryptnono/agent/detectors/flowkiller/public";
import { settingsOf } from "@cryptnono/agent/detectors/flowkiller/settings";
import { Cgroups } from "../lib/container-cgroups.js";
import { FlowAgent, inNetwork, KILLED, Lists } from "../lib/flow-agent.js";
import { numbersOf, prog } from "../lib/progs.js";

const folder = new Lists();
after(() => folder.remove());
/** It stays until it is killed, a minute at most. */
const NEVER = join(folder.directory, "never");
let base = 0;
/** A line of script, with destinations that none before it had; it runs in a session of its own. */
const fanOut = (how: string, count: number, more = "") =>
  `setsid -w ${prog("fan-out")} ${how} ${count} ${++base} ${more}; echo $?`;

describe("with a threshold of 15", () => {
  let agent: FlowAgent;
  before(async () => {
    agent = await FlowAgent.start([
      "--FlowKiller.unique_destinations_threshold=15",
      "--FlowKiller.lookback_duration_seconds=5",
      '--FlowKiller.allowed_command_patterns=[".*fan-out threads 20 "]',
      "--FlowKiller.allowed_networks=8.99.0.0/16",
    ]);
  });
  after(() => agent.stop());

  const scans = () => agent.metric("scans_total");

  for (const [how, count] of [
    ["one", 14],
    ["one", 15],
    ["ports", 15],
    ["threads", 15],
    ["udp", 40],
    ["private", 40],
  ] as const) {
    test(`${count} by ${how} live`, async () => {
      const scansBefore = await scans();
      const { lines } = await inNetwork(fanOut(how, count));
      assert.equal(lines.at(-1), "0");
      assert.equal(await scans(), scansBefore);
    });
  }

  for (const [how, count] of [
    ["one", 16],
    ["one", 24],
    ["ports", 24],
    ["threads", 16],
    ["threads", 24],
  ] as const) {
    test(`${count} by ${how} are killed`, async () => {
      const told = agent.actions("killed").length;
      const { lines } = await inNetwork(fanOut(how, count, NEVER));
      assert.equal(lines.at(-1), KILLED);
      await agent.until("it is told", () => agent.actions("killed").length > told);
      const line = agent.actions("killed").at(-1)!;
      const addresses = line["addresses"] as unknown as Record<string, number>;
      assert.equal(Object.keys(addresses).length, 15);
      assert.equal(line["connections"], 15);
      assert.match(Object.keys(addresses)[0]!, /^8\.\d+\.0\.\d+:\d+$/);
      assert.equal(line["because"], "scan");
      assert.ok(line["by"] === "process" || line["by"] === "session");
    });
  }

  test("the same destinations again and again count once", async () => {
    const own = ++base;
    const scansBefore = await scans();
    const again = `for i in 1 2 3 4 5 6; do ${prog("fan-out")} one 15 ${own}; done`;
    const { lines } = await inNetwork(`setsid -w sh -c '${again}'; echo $?`);
    assert.equal(lines.at(-1), "0");
    assert.equal(await scans(), scansBefore);
  });

  test("a process for each connect is one session, which is stopped", async () => {
    const { lines } = await inNetwork(fanOut("fork", 1500));
    const { killed, refused } = numbersOf(lines[0]!);
    // Some get through until the agent has looked.
    assert.ok(killed! > 0 && refused! < 1400, lines[0]);
  });

  test("an allow pattern spares a command line, and is told once", async () => {
    const told = agent.actions("spared").length;
    const seen = join(folder.directory, "seen");
    const running = inNetwork(fanOut("threads", 20, seen));
    await agent.until("it is told", () => agent.actions("spared").length > told);
    folder.write("seen", "");
    const { lines } = await running;
    assert.equal(numbersOf(lines[0]!)["refused"], 20);
    assert.match(String(agent.actions("spared").at(-1)!["allowedby"]), /^allowed-pattern:\.\*fan-out/);
    assert.ok((await agent.metric('processes_allowed_total{reason="scan"}')) >= 1);
  });

  test("destinations in allowed networks are free", async () => {
    const scansBefore = await scans();
    const { lines } = await inNetwork(`${prog("fan-out")} one 40 99; echo $?`);
    assert.equal(lines.at(-1), "0");
    assert.equal(await scans(), scansBefore);
  });

  test("the kernel's table of public addresses is the agent's", async () => {
    const settings = settingsOf();
    const all = [
      ...["8.8.8.8", "9.255.255.255", "11.0.0.1", "100.63.0.1", "100.128.0.1", "126.0.0.1", "128.0.0.1", "169.253.0.1"],
      ...[
        "172.15.0.1",
        "172.32.0.1",
        "192.0.1.1",
        "192.0.3.1",
        "192.167.0.1",
        "192.169.0.1",
        "198.17.0.1",
        "198.20.0.1",
      ],
      ...["198.51.99.1", "203.0.112.1", "223.0.0.1", "2606:4700::1", "2001:200::1", "2400::1", "::ffff:8.8.4.4"],
      ...["0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.0.1", "127.0.0.1", "169.254.1.1", "172.16.0.1", "172.31.0.1"],
      ...[
        "192.0.0.1",
        "192.0.2.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.19.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "240.0.0.1",
      ],
      ...["224.0.0.1", "::1", "fc00::1", "fdff::1", "fe80::1", "64:ff9b:1::1", "100::1", "2001:db8::1", "2001:1ff::1"],
      ...["64:ff9b::10.0.0.1", "64:ff9b::8.8.8.8", "::ffff:10.0.0.1"],
    ];
    for (const wanted of [true, false]) {
      const some = all.filter((address) => isPublic(unwrapped(parseAddress(address)!), settings) === wanted);
      const before = await agent.metric("public_connects_total");
      await inNetwork(some.map((address) => `setsid -w ${prog("reach")} tcp-nonblocking ${address} 9`).join("\n"));
      assert.equal((await agent.metric("public_connects_total")) - before, wanted ? some.length : 0);
      assert.ok(some.length > 20);
    }
  });

  test("metrics name the reason", async () => {
    assert.ok((await agent.metric('processes_killed_total{reason="scan"}')) >= 5);
    assert.equal(await agent.metric('processes_killed_total{reason="banned-ip"}'), 0);
  });

  test("a gauge says how many windows there are", async () => {
    // Each of the runs above was a process and a session of its own.
    const windows = await agent.metric('map_entries{map="windows"}');
    assert.ok(windows > 20 && windows <= 10_240, String(windows));
    assert.equal(await agent.metric('map_entries{map="pod_windows"}'), 0);
  });
});

test("what is older than the window counts no more: 15 in each of two windows live", async (t) => {
  const agent = await FlowAgent.start([
    "--FlowKiller.unique_destinations_threshold=15",
    "--FlowKiller.lookback_duration_seconds=1",
  ]);
  t.after(() => agent.stop());
  const two = `${prog("fan-out")} one 15 ${++base}; sleep 2; ${prog("fan-out")} one 15 ${++base}`;
  const { lines } = await inNetwork(`setsid -w sh -c '${two}'; echo $?`);
  assert.equal(lines.at(-1), "0");
  assert.equal(await agent.metric("scans_total"), 0);
});

describe("without patterns that could spare anyone the kernel decides", () => {
  let agent: FlowAgent;
  before(async () => {
    agent = await FlowAgent.start(["--FlowKiller.unique_destinations_threshold=15"]);
  });
  after(() => agent.stop());

  /** Public destinations that packets went to. */
  const reached = (packets: ReadonlyMap<string, number>) =>
    [...packets.keys()].filter((address) => address.startsWith("8.")).length;

  test("15 live, and the 16th is refused before its first packet", async () => {
    assert.equal((await inNetwork(fanOut("one", 15))).lines.at(-1), "0");
    const { lines, packets } = await inNetwork(fanOut("one", 16, NEVER));
    assert.equal(lines.at(-1), KILLED);
    assert.equal(reached(packets), 15);
    await agent.until("it is told", () => agent.actions("killed").length > 0);
    const [line] = agent.actions("killed");
    assert.equal(line!["because"], "scan");
    assert.equal(line!["killed_by"], "kernel");
    assert.equal(Object.keys(line!["addresses"] as unknown as object).length, 15);
    assert.equal(await agent.metric("scans_total"), 1);
  });

  test("a thousand threads reach 15, and no more", async () => {
    const { lines, packets } = await inNetwork(fanOut("threads1000", 1000, NEVER));
    assert.equal(lines.at(-1), KILLED);
    assert.equal(reached(packets), 15);
    assert.equal(await agent.metric('scan_uncounted_total{reason="busy"}'), 0);
  });

  test("a process for each connect is one session: 15 get through", async () => {
    const { lines, packets } = await inNetwork(fanOut("fork", 300));
    assert.equal(reached(packets), 15);
    assert.equal(numbersOf(lines[0]!)["killed"], 285);
  });
});

test("3,000 connecting processes between its two halves hide no scan", async (t) => {
  // A window that lasts however slow the machine is.
  const agent = await FlowAgent.start(["--FlowKiller.lookback_duration_seconds=3600"]);
  t.after(() => agent.stop());
  const half = () => `${prog("fan-out")} one 8 ${++base}`;
  const script = [half(), `${prog("fan-out")} setsid 3000 ${++base}`, half(), "echo it ended by $?"];
  const { lines } = await inNetwork(`setsid -w sh -c '${script.join("; ")}'`);
  assert.equal(numbersOf(lines[1]!)["refused"], 3000);
  assert.equal(lines.at(-1), `it ended by ${KILLED}`);
  // A process and a session each.
  assert.ok((await agent.metric('map_entries{map="windows"}')) >= 6000);
});

test("audit mode kills no scanner, and tells", async (t) => {
  const agent = await FlowAgent.start(["--mode", "audit"]);
  t.after(() => agent.stop());
  const { lines } = await inNetwork(fanOut("one", 24));
  assert.equal(lines.at(-1), "0");
  await agent.until("it is told", () => agent.actions("would-kill").length > 0);
  assert.equal(agent.actions("would-kill")[0]!["because"], "scan");
});

test("a pod's processes together have a bound of their own", async (t) => {
  const agent = await FlowAgent.start([
    "--FlowKiller.unique_destinations_threshold=0",
    "--FlowKiller.unique_destinations_per_pod=40",
  ]);
  t.after(() => agent.stop());
  // Where the tests are in the root cgroup, which is no pod.
  const cgroups = new Cgroups();
  t.after(() => cgroups.remove());
  const [pod] = cgroups.make(1);
  const { lines } = await inNetwork(`echo 0 > ${pod}/cgroup.procs\n${fanOut("setsid", 1500)}`);
  assert.ok(numbersOf(lines[0]!)["killed"]! > 0, lines[0]);
  await agent.until("it is told", () => agent.lines.some(({ by }) => by === "pod"));
});
