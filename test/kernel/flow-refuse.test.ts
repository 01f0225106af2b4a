// The network guard at every way to reach an address: what is banned is refused, its process killed, and no packet leaves.
import assert from "node:assert/strict";
import { mkdirSync, rmdirSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { randomString } from "../lib/agent.js";
import { cgroup2Mount } from "../lib/cgroups.js";
import { FlowAgent, inNetwork, KILLED, Lists, reach } from "../lib/flow-agent.js";
import { prog } from "../lib/progs.js";

const lists = new Lists();
const BANNED = lists.write(
  "banned",
  ["# miners", "192.0.2.1", "198.51.100.0/24  # a network", "2001:db8:bad::/48", "203.0.113.9:3333", ""].join("\n"),
);
const ALLOWED = lists.write("allowed", "198.51.100.64/26\n2001:db8:bad:a::/64\n");
after(() => lists.remove());

const WAYS = [
  "tcp",
  "tcp-nonblocking",
  "tcp-fast-open",
  "tcp-fast-open-connect",
  "mptcp",
  "mptcp-nonblocking",
  "mptcp-fast-open",
  "ring",
  "ring-async",
  "ring-polled",
  "ring-send",
  "udp",
  "udp-many",
  "udp-lite",
  "udp-on-v6-socket",
] as const;

/** What the guard does not see as the address that is written. */
const REFUSED = ["192.0.2.1", "198.51.100.7", "2001:db8:bad::1", "::ffff:192.0.2.1", "64:ff9b::192.0.2.1"] as const;
const SPARED = ["192.0.2.2", "198.51.100.77", "2001:db8:bad:a::1", "2001:db8::1", "::ffff:198.51.100.77"] as const;

/** What the capture shows of an address. */
const wire = (address: string) => address.replace("::ffff:", "").replace("64:ff9b::192.0.2.1", "64:ff9b::c000:201");

for (const killWay of ["in-hook", "by-printk", "by-agent"] as const) {
  describe(`killed ${killWay}`, () => {
    let agent: FlowAgent;
    let lacks: string | null = null;
    before(async () => {
      const flags = [
        ...["--kill-way", killWay],
        `--FlowKiller.banned_ipv4_file_globs=["${lists.directory}/b*"]`,
        `--FlowKiller.allowed_file_globs=${ALLOWED}`,
      ];
      try {
        agent = await FlowAgent.start(flags);
      } catch (error) {
        // Linux 6.1 and 6.12: what programs of these hooks may not do there.
        lacks = /unknown func bpf_send_signal|cannot use helper bpf_send_signal/.exec(String(error))?.[0] ?? null;
        if (lacks === null) throw error;
      }
    });
    after(() => (lacks === null ? agent.stop() : undefined));

    test("every way to a banned address is refused and its process killed; no packet leaves", async (t) => {
      if (lacks !== null) return t.skip(lacks);
      const script = WAYS.flatMap((way) => [...REFUSED, ...SPARED].map((address) => reach(way, address)));
      const { lines, packets } = await inNetwork(script.join("\n"));
      assert.equal(lines.length, script.length);
      const known = lines.map((line) => line.split(" ")).filter((words) => words.at(-1) !== "77");
      assert.ok(known.length > 60, "this kernel knows most of them");
      for (const [way, address, ...rest] of known) {
        const isBanned = (REFUSED as readonly string[]).includes(address!);
        // One that the agent kills may have told that it was refused, or even ended, before.
        if (isBanned && killWay === "by-agent")
          assert.match(rest.join(" "), /^(refused )?(0|137)$/, `${way} ${address}`);
        else if (isBanned) assert.deepEqual(rest, [KILLED], `${way} ${address}`);
        else assert.notEqual(rest.at(-1), KILLED, `${way} ${address}`);
      }
      for (const address of REFUSED) assert.equal(packets.get(wire(address)), undefined, `packets to ${address}`);
      for (const address of SPARED) assert.ok(packets.get(wire(address))! > 0, `packets to ${address}`);
      const wanted = known.filter(([, address]) => (REFUSED as readonly string[]).includes(address!)).length;
      const told = () => agent.actions("killed").length + agent.actions("missed-kill").length;
      await agent.until("all are told", () => told() >= wanted);
      assert.equal(told(), wanted);
    });

    test("a line has the contract's keys, and names file and line", async (t) => {
      if (lacks !== null) return t.skip(lacks);
      await agent.until("a kill", () => agent.actions("killed").length > 0);
      // Of the agent's victims any may have been gone before: the first that it killed may be another way's.
      const line = agent.lines.find(
        ({ "banned-ip": ip, action, protocol }) => ip === "198.51.100.7" && action === "killed" && protocol === "tcp",
      );
      if (line === undefined) {
        assert.equal(killWay, "by-agent"); // each was gone
        return;
      }
      assert.deepEqual((line["cmdline"] as unknown as string[]).slice(2), ["198.51.100.7", "9"]);
      assert.equal(line["rule"], `${BANNED}:3`);
      assert.equal(line["event"], "Killed process");
      assert.equal(line["killed_by"], killWay === "by-agent" ? "agent" : "kernel");
      assert.equal(line["port"], 9);
    });
  });
}

describe("in the hook", () => {
  let agent: FlowAgent;
  before(async () => {
    agent = await FlowAgent.start([
      `--FlowKiller.banned_ipv4_file_globs=${BANNED}`,
      `--FlowKiller.allowed_file_globs=${ALLOWED}`,
    ]);
  });
  after(() => agent.stop());

  test("a UDP connect is refused and nobody killed: getaddrinfo connects to every answer", async () => {
    const { lines, packets } = await inNetwork(reach("udp-connect", "192.0.2.1"));
    assert.deepEqual(lines, ["udp-connect 192.0.2.1 refused 0"]);
    assert.equal(packets.get("192.0.2.1"), undefined);
    await agent.until("it is told", () => agent.actions("refused").length > 0);
    assert.equal(agent.actions("refused")[0]!["banned-ip"], "192.0.2.1");
  });

  test("an entry with a port bans that port alone", async () => {
    const { lines } = await inNetwork([reach("tcp", "203.0.113.9", 3333), reach("tcp", "203.0.113.9", 80)].join("\n"));
    assert.deepEqual(lines, ["tcp 203.0.113.9 137", "tcp 203.0.113.9 error 111 0"]);
  });

  test("it counts, and its own connects show that the hooks are there", async () => {
    await agent.until("readiness", async () => /^attached: /.test(await agent.readiness()));
    assert.ok((await agent.metric('processes_killed_total{reason="banned-ip"}')) >= 1);
    assert.ok((await agent.metric('destinations_refused_total{reason="banned-ip"}')) >= 2);
    assert.ok((await agent.metric("connects_checked_total")) >= 2);
    assert.equal(await agent.metric('kill_way{way="at-state"}'), 0);
    assert.equal(await agent.metric("banned_networks"), 4);
  });
});

test("a cgroup below, and namespaces of one's own, hide nothing", async (t) => {
  const mount = cgroup2Mount();
  if (mount === null) return t.skip("no cgroup2 file system is mounted");
  const agent = await FlowAgent.start([`--FlowKiller.banned_ipv4_file_globs=${BANNED}`]);
  t.after(() => agent.stop());
  const cgroup = `${mount}/${randomString("test-")}`;
  mkdirSync(`${cgroup}/below`, { recursive: true });
  t.after(() => {
    rmdirSync(`${cgroup}/below`);
    rmdirSync(cgroup);
  });
  const hidden = `unshare -U -r -n -C -m ${prog("reach")} tcp 192.0.2.1 9`;
  const { lines, stderr } = await inNetwork(`(echo 0 > ${cgroup}/below/cgroup.procs; exec ${hidden}); echo $?`);
  assert.deepEqual(lines, [KILLED], stderr);
  await agent.until("it is told", () => agent.actions("killed").length > 0);
  const [line] = agent.actions("killed");
  assert.ok(String(line!["cgroup"]).endsWith("/below") || mount !== "/sys/fs/cgroup", String(line!["cgroup"]));
});

test("of a cgroup whose path is longer than a record's room the outermost names are told", async (t) => {
  const mount = cgroup2Mount();
  if (mount === null) return t.skip("no cgroup2 file system is mounted");
  const agent = await FlowAgent.start([`--FlowKiller.banned_ipv4_file_globs=${BANNED}`]);
  t.after(() => agent.stop());
  const names = Array.from({ length: 12 }, (_, i) => `${i === 0 ? randomString("test-") : i}-${"x".repeat(200)}`);
  const paths = names.map((_, i) => `/${names.slice(0, i + 1).join("/")}`);
  for (const path of paths) mkdirSync(`${mount}${path}`);
  t.after(() => {
    for (const path of paths.toReversed()) rmdirSync(`${mount}${path}`);
  });
  const line = `(echo 0 > ${mount}${paths.at(-1)}/cgroup.procs; exec ${prog("reach")} tcp 192.0.2.1 9); echo $?`;
  assert.deepEqual((await inNetwork(line)).lines, [KILLED]);
  await agent.until("it is told", () => agent.actions("killed").length > 0);
  const [told] = agent.actions("killed");
  // The log cuts the record's five names once more.
  assert.equal(told!["cgroup"], paths[4]!.slice(0, 1024));
  assert.deepEqual(told!["truncated"], { cgroup: { total_chars: paths[4]!.length, shown_chars: 1024 } });
});

test("audit mode refuses nothing, and tells", async (t) => {
  const agent = await FlowAgent.start(["--mode", "audit", `--FlowKiller.banned_ipv4_file_globs=${BANNED}`]);
  t.after(() => agent.stop());
  const { lines, packets } = await inNetwork([reach("tcp", "192.0.2.1"), reach("udp-connect", "192.0.2.1")].join("\n"));
  assert.deepEqual(lines, ["tcp 192.0.2.1 error 111 0", "udp-connect 192.0.2.1 ok 0"]);
  assert.ok(packets.get("192.0.2.1")! > 0);
  await agent.until(
    "both are told",
    () => agent.lines.filter(({ action }) => action?.startsWith("would-")).length === 2,
  );
  assert.deepEqual(agent.lines.map(({ action }) => action).filter(Boolean), ["would-kill", "would-refuse"]);
});

test("without cgroup hooks the process dies, after its first packet", async (t) => {
  const agent = await FlowAgent.start(["--kill-way", "at-state", `--FlowKiller.banned_ipv4_file_globs=${BANNED}`]);
  t.after(() => agent.stop());
  assert.match(await agent.readiness(), /after the first packet/);
  const { lines, packets } = await inNetwork(reach("tcp", "192.0.2.1"));
  assert.deepEqual(lines, ["tcp 192.0.2.1 137"]);
  assert.ok(packets.get("192.0.2.1")! > 0);
});
