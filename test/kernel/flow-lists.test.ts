// The network guard's lists: mounted directories that are swapped, errors with their place, a hundred thousand entries.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { rounds } from "@cryptnono/matcher/test/rounds";
import { FlowAgent, inNetwork, Lists, reach } from "../lib/flow-agent.js";
import { numbersOf, prog } from "../lib/progs.js";

function folder(t: TestContext): Lists {
  const lists = new Lists();
  t.after(() => lists.remove());
  return lists;
}

/** A directory as the kubelet mounts a ConfigMap: links to `..data`, which is itself a link that is swapped. */
class Mounted {
  readonly directory: string;
  #version = 0;

  constructor(parent: string, name: string) {
    this.directory = join(parent, name);
    mkdirSync(this.directory);
  }

  swap(files: Readonly<Record<string, string>>): void {
    const version = `..2026_11_26_${++this.#version}`;
    mkdirSync(join(this.directory, version));
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(join(this.directory, version, name), text);
      rmSync(join(this.directory, name), { force: true });
      symlinkSync(`..data/${name}`, join(this.directory, name));
    }
    symlinkSync(version, join(this.directory, "..data_tmp"));
    renameSync(join(this.directory, "..data_tmp"), join(this.directory, "..data"));
  }
}

test("a mounted directory that is swapped is in force by itself; a bad list is refused, with its place", async (t) => {
  const lists = folder(t);
  const mounted = new Mounted(lists.directory, "banned");
  mounted.swap({ "one.txt": "192.0.2.1\n" });
  const agent = await FlowAgent.start([`--FlowKiller.banned_ipv4_file_globs=${lists.directory}/*`]);
  t.after(() => agent.stop());
  const verdicts = async () =>
    (await inNetwork(["192.0.2.1", "192.0.2.2"].map((address) => reach("udp-connect", address)).join("\n"))).lines;
  assert.deepEqual(await verdicts(), ["udp-connect 192.0.2.1 refused 0", "udp-connect 192.0.2.2 ok 0"]);

  mounted.swap({ "one.txt": "192.0.2.2\n", "two.txt": "# nothing\n" });
  await agent.until("the reload", () => agent.events("Config reloaded").length === 1);
  assert.deepEqual(await verdicts(), ["udp-connect 192.0.2.1 ok 0", "udp-connect 192.0.2.2 refused 0"]);

  mounted.swap({ "one.txt": "192.0.2.1\n", "two.txt": "# a comment\n\n192.0.2.1/33\npool.example.org\n" });
  const refused = () => agent.events("Config refused, the one before stays in force");
  await agent.until("the refusal", () => refused().length > 0);
  const error = String(refused()[0]!["error"]);
  assert.match(error, /two\.txt: line 3: expected a prefix of 0 to 32 bits/);
  assert.match(error, /two\.txt: line 4: expected an address or a network.*, got a name/);
  assert.match(await agent.readiness(), /config refused/);
  assert.deepEqual(await verdicts(), ["udp-connect 192.0.2.1 ok 0", "udp-connect 192.0.2.2 refused 0"]);
});

for (const [what, flags, message] of [
  [
    "a list that is not there",
    ["--FlowKiller.banned_ipv4_file_globs=/none/list"],
    /read config \/none\/list: .*no such file/,
  ],
  [
    "a flag that is misspelt",
    ["--FlowKiller.unique_destination_threshold=3"],
    /Did you mean --FlowKiller.unique_destinations_threshold/,
  ],
  ["a cgroup below the root", ["--cgroup-root", "/sys"], /find the root cgroup: \/sys: not a cgroup2 file system/],
] as const) {
  test(`${what} ends the start, and says so`, async () => {
    const agent = await FlowAgent.start(flags, { expectsError: true });
    assert.equal(await agent.ended(), 1);
    assert.match(agent.stderr, message);
  });
}

test("settings in a file are in force when it changes, and an unknown one is refused with the nearest", async (t) => {
  const lists = folder(t);
  const list = lists.write("list", "192.0.2.0/24\n");
  const settings = (more: Readonly<Record<string, unknown>>) =>
    lists.write(
      "settings.json",
      JSON.stringify({ FlowKiller: { banned_file_globs: [list], log_connects: true, ...more } }),
    );
  const agent = await FlowAgent.start(["--config", settings({})]);
  t.after(() => agent.stop());
  const verdict = async () => (await inNetwork(reach("tcp", "192.0.2.1"))).lines[0];
  assert.equal(await verdict(), "tcp 192.0.2.1 137");
  settings({ allowed_networks: ["192.0.2.0/28"] });
  await agent.until("the reload", () => agent.events("Config reloaded").length === 1);
  assert.equal(await verdict(), "tcp 192.0.2.1 error 111 0");
  await agent.until("the connect is told", () => agent.actions("connect").length === 1);
  const line = agent.actions("connect")[0]!;
  assert.deepEqual([line["event"], line["ip"], line["port"]], ["Connection established", "192.0.2.1", 9]);
  settings({ allowed_network: [] });
  const refused = () => agent.events("Config refused, the one before stays in force");
  await agent.until("the refusal", () => refused().length > 0);
  assert.match(
    String(refused()[0]!["error"]),
    /FlowKiller\.allowed_network: .*\n {2}hint: did you mean allowed_networks\?/,
  );
  assert.equal(await verdict(), "tcp 192.0.2.1 error 111 0");
});

/** Networks outside of what the test asks for. */
function many(count: number, seed: number): string {
  const lines: string[] = [];
  for (let i = 0; i < count; i++) {
    const [a, b] = [(i * 7 + seed) % 256, (i >> 8) & 255];
    lines.push(
      i % 5 === 0
        ? `2001:db8:${(i & 0xffff).toString(16)}:${seed}${i >> 16}::/64`
        : `${11 + (i >> 16)}.${b}.${i & 255}.${a}`,
    );
  }
  return `${lines.join("\n")}\n192.0.2.1\n`;
}

test("a hundred thousand entries are swapped whole, with no wrong verdict in between", async (t) => {
  const lists = folder(t);
  lists.write("list", many(100_000, 1));
  const agent = await FlowAgent.start([`--FlowKiller.banned_ipv4_file_globs=${lists.directory}/list`]);
  t.after(() => agent.stop());
  assert.equal(await agent.metric("banned_networks"), 100_001);
  const asker = spawn(prog("alternate"), ["192.0.2.1", "198.51.100.1"], { stdio: ["pipe", "pipe", "inherit"] });
  let out = "";
  asker.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  await agent.until("it asks", () => out.startsWith("begun"));
  for (let swap = 1; swap <= rounds(1); swap++) {
    lists.write("list", many(100_000, swap + 1));
    agent.process.kill("SIGHUP");
    await agent.until("the swap", () => agent.events("Config reloaded").length >= swap);
  }
  asker.stdin.end();
  await agent.until("it tells", () => out.includes("wrong"));
  const { asked, wrong } = numbersOf(out);
  assert.ok(asked! > 1000, out);
  assert.equal(wrong, 0, out);
});
