// Where a string counts: by the real agent, at real execs in namespaces of their own and outside of them, and for what runs already.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readlinkSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { randomString, TestAgent } from "../lib/agent.js";
import { type Launched, launch, packWords, prog } from "../lib/progs.js";

/** linux include/uapi/linux/nsfs.h: the first cgroup namespace, without which nothing here is the host's. */
const ON_HOST = readlinkSync("/proc/self/ns/cgroup") === "cgroup:[4026531835]";
const skip = ON_HOST ? false : "these tests run in a container's cgroup namespace";
const ran = prog("first-instruction");

const everywhere = randomString();
const contained = randomString();
const hosted = randomString();
const audited = randomString();
const byFile = randomString();
const CONFIG = {
  bannedCommandStrings: [
    everywhere,
    { value: contained, scope: "containers" },
    { value: hosted, scope: "host", mode: "anywhere" },
    { value: `${contained} 'or this`, scope: "containers" },
  ],
  allowedCommandPatterns: [".*/first-instruction spared "],
};
const MORE = [
  { bannedCommandStrings: [byFile, { value: audited, scope: "any" }], scope: "containers", mode: "audit" },
] as const;

type Fate = "killed" | "ran";

function fateOf({ signal, child, stdout }: Launched): Fate {
  const status = child === null ? (signal === "SIGKILL" ? 9 : 0) : child.status & 0x7f;
  assert.equal(stdout.toString(), status === 9 ? "" : "ran\n");
  return status === 9 ? "killed" : "ran";
}

const PLACES = {
  host: (words: readonly string[]) => launch("plain", words),
  "a pid namespace": (words: readonly string[]) => launch("namespaces", words, ["/"]),
  "a cgroup namespace": (words: readonly string[]) => launch("namespaces", words, ["/", "cgroup"]),
} as const;

describe("at exec", { skip }, () => {
  let agent: TestAgent;
  before(async () => {
    agent = await TestAgent.start(CONFIG, [], { more: MORE });
    await agent.untilReady();
  });
  after(() => agent.stop());

  const KILLED = { fate: "killed", action: "killed" } as const;
  const OUT = { fate: "ran", action: "spared", allowedby: "out-of-scope" } as const;
  for (const [words, rows] of [
    [[everywhere], { host: KILLED, "a pid namespace": KILLED, "a cgroup namespace": KILLED }],
    [[contained], { host: OUT, "a pid namespace": KILLED, "a cgroup namespace": KILLED }],
    [[hosted], { host: KILLED, "a pid namespace": OUT, "a cgroup namespace": OUT }],
    // What does not count hides nothing that does, and is not what is told.
    [[hosted, contained], { host: KILLED, "a pid namespace": KILLED }],
    [["x", contained, everywhere, hosted], { host: KILLED, "a pid namespace": KILLED }],
    [["spared", everywhere, contained, hosted], { host: { fate: "ran", action: "spared" } }],
    [[byFile], { host: OUT, "a pid namespace": { fate: "ran", action: "would-kill" } }],
    [[byFile, audited], { host: { fate: "ran", action: "would-kill" } }],
    [[`${contained}`, "or this"], { "a pid namespace": KILLED, host: OUT }],
    [[`x${contained}`, "or this"], { host: { fate: "ran", action: "spared", allowedby: "is-substring" } }],
  ] as const) {
    for (const [place, { fate, action, ...more }] of Object.entries(rows)) {
      test(`${words.map(nameOf).join(" ")}: ${fate} in ${place}`, async () => {
        const ended = await PLACES[place as keyof typeof PLACES]([ran, "v", ...words]);
        assert.equal(fateOf(ended), fate);
        const [line] = await agent.linesOf(ended.child?.pid ?? ended.pid);
        assert.equal(line!.action, action);
        for (const [key, value] of Object.entries(more)) assert.equal(line![key], value);
        const scopes = { [contained]: "containers", [hosted]: "host", [byFile]: "containers" };
        assert.equal(line!["scope"], scopes[String(line!["matched"])]);
      });
    }
  }

  test("the metrics count what was out of scope", async () => {
    assert.ok((await agent.metric('processes_allowed_total{source="execwhacker.bpf",allowedby="out-of-scope"}')) >= 4);
  });
});

function nameOf(word: string): string {
  const names = { everywhere, contained, hosted, audited, byFile };
  return Object.entries(names).reduce((text, [name, value]) => text.replace(value, name), word);
}

test("what runs already is judged by the same places", { skip, timeout: 300_000 }, async (t) => {
  const sleeper = (args: readonly string[], word: string) => {
    const child = spawn(prog(args.length === 0 ? "plain" : "namespaces"), [...args], {
      stdio: ["pipe", "ignore", "pipe"],
    });
    child.stdin.end(packWords(["/bin/sleep", word, "1000"]));
    t.after(() => child.kill("SIGKILL"));
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    return { child, ended };
  };
  // sleep takes any argv[0].
  const onHost = sleeper([], contained);
  const hostsOwn = sleeper([], hosted);
  const inPid = sleeper(["/"], contained);
  const inCgroup = sleeper(["/", "cgroup"], contained);
  const agent = await TestAgent.start(CONFIG, ["--scan-existing", "600"]);
  t.after(() => agent.stop());
  await Promise.all([hostsOwn.ended, inPid.ended, inCgroup.ended]);
  await agent.waitFor(
    () => agent.lines.some(({ pid, action }) => pid === onHost.child.pid && action === "spared"),
    "the host's own to be spared",
  );
  const line = agent.lines.find(({ pid }) => pid === onHost.child.pid)!;
  assert.deepEqual(
    [line["allowedby"], line["scope"], line["source"]],
    ["out-of-scope", "containers", "psutil.process_iter"],
  );
  assert.equal(onHost.child.exitCode ?? onHost.child.signalCode, null);
});
