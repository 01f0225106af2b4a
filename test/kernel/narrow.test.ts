// Scopes by namespaces, pods and labels: containers of a runtime of the test's own, real execs in their cgroups, by the kernel where
// it was told what they are and by the agent where it was not.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type ConfigFile, type LogLine, randomString, TestAgent } from "../lib/agent.js";
import { Cgroups, cgroupPathOf, containerIdOf } from "../lib/container-cgroups.js";
import { FakeCri } from "../lib/fake-cri.js";
import { packWords, prog } from "../lib/progs.js";

const ON_HOST = readlinkSync("/proc/self/ns/cgroup") === "cgroup:[4026531835]";
const skip = ON_HOST ? false : "these tests run in a container's cgroup namespace";

const cgroups = new Cgroups();
const directory = mkdtempSync(join(tmpdir(), "cn-"));
const socket = join(directory, "cri.sock");
const env = { ...process.env, CONTAINER_RUNTIME_ENDPOINT: socket };
const FLAGS = ["--lookup-container", "--lookup-wait", "2"];
let cri: FakeCri;

before(async () => {
  cri = await FakeCri.serve(socket);
});
after(async () => {
  cri.stop();
  await cgroups.remove();
  rmSync(directory, { recursive: true, force: true });
});

/** A container's cgroup; of a pod that the runtime knows, if one is given. */
function container(namespace?: string, pod = "p", labels: Readonly<Record<string, string>> = {}): string {
  const [dir] = cgroups.make(1) as [string];
  const id = containerIdOf(dir);
  if (namespace !== undefined)
    cri.pods.set(id, { namespace, pod, uid: `uid-${randomBytes(6).toString("hex")}`, labels });
  return dir;
}

/** A process with these words in a pid namespace and the cgroup; null: on the host, with the words as its `argv[0]`. */
function waiter(dir: string | null, words: readonly string[]) {
  const [command, args] =
    dir === null
      ? [prog("plain"), []]
      : ["/bin/sh", ["-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', dir, prog("namespaces"), "/"]];
  const child = spawn(command, args, { stdio: ["pipe", "ignore", "ignore"] });
  const contained = ["/bin/sh", "sh", "-c", "while :; do sleep 1000; done", ...words];
  child.stdin.end(packWords(dir === null ? ["/bin/sleep", words.join(" "), "1000"] : contained));
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  return { child, ended };
}

/** What the log says of one such process. */
async function told(agent: TestAgent, dir: string | null, ...words: readonly string[]): Promise<LogLine> {
  const from = agent.lines.length;
  const { child, ended } = waiter(dir, words);
  const isMeant = ({ action, matched }: LogLine) => action !== undefined && words.includes(String(matched));
  const line = () => agent.lines.slice(from).find(isMeant);
  await agent.waitFor(() => line() !== undefined, `a line of ${words.length} words`);
  const found = line()!;
  if (found.action === "killed") await ended;
  else {
    assert.equal(child.exitCode ?? child.signalCode, null, "it lives");
    process.kill(found.pid!, "SIGKILL");
    await ended;
  }
  return found;
}

describe("narrow scopes at exec", { skip }, () => {
  const byNamespace = randomString();
  const byPod = randomString();
  const byLabel = randomString();
  const everywhere = randomString();
  const audited = randomString();
  const config: ConfigFile = {
    bannedCommandStrings: [
      { value: byNamespace, scope: { namespaces: ["hub-*", "binder"] } },
      { value: byPod, scope: { pods: ["jupyter-?*"], namespaces: "hub-a" } },
      { value: byLabel, scope: { labels: { component: ["singleuser-server", "x-*"] } } },
      everywhere,
    ],
    allowedCommandPatterns: [".*spared .*"],
  };
  const more = [{ bannedCommandStrings: [audited], scope: { namespaces: ["hub-*"] }, mode: "audit" }] as const;
  let agent: TestAgent;
  before(async () => {
    agent = await TestAgent.start(config, FLAGS, { env, more });
    await agent.untilReady();
  });
  after(() => agent.stop());

  const KILLED = ["killed", undefined] as const;
  const OUT = ["spared", "out-of-scope"] as const;
  for (const [name, make, rows] of [
    [
      "a pod of a namespace that is meant",
      () => container("hub-b"),
      [
        [byNamespace, KILLED],
        [byPod, OUT],
        [byLabel, OUT],
      ],
    ],
    [
      "a pod of another",
      () => container("kube-system"),
      [
        [byNamespace, OUT],
        [byPod, OUT],
        [everywhere, KILLED],
      ],
    ],
    ["a pod of that name and namespace", () => container("hub-a", "jupyter-ann"), [[byPod, KILLED]]],
    ["a pod of that name elsewhere", () => container("hub-c", "jupyter-ann"), [[byPod, OUT]]],
    ["a pod with the label", () => container("n", "p", { component: "x-1" }), [[byLabel, KILLED]]],
    ["a pod with another label", () => container("n", "p", { component: "hub" }), [[byLabel, OUT]]],
    [
      "the host",
      () => null,
      [
        [byNamespace, OUT],
        [byLabel, OUT],
      ],
    ],
    ["a pod of a namespace that is meant, audited", () => container("hub-d"), [[audited, ["would-kill", undefined]]]],
  ] as const) {
    for (const [word, [action, allowedby]] of rows) {
      test(`${name}: ${config.bannedCommandStrings.findIndex((s) => JSON.stringify(s).includes(word))} ${action}, twice`, async () => {
        const dir = make();
        // By the agent, as nobody knows the container yet; then by the kernel.
        for (const by of ["first", "then"]) {
          const line = await told(agent, dir, word);
          assert.deepEqual([line.action, line["allowedby"]], [action, allowedby], by);
          assert.equal(line["matched"], word);
          if (dir !== null) assert.equal(line["cgroup"], cgroupPathOf(dir));
          if (by === "then" && action === "killed") assert.equal(line["killed_by"], "kernel");
        }
      });
    }
  }

  test("the log says which scope it was", async () => {
    const spared = await told(agent, container("kube-system"), byNamespace);
    assert.equal(spared["scope"], "namespaces=hub-*,binder");
    const killed = await told(agent, container("hub-a", "jupyter-1"), byPod);
    assert.equal(killed["scope"], "namespaces=hub-a pods=jupyter-?*");
  });

  test("a container that nobody knows is in no narrow scope, and the line says so; others still count there", async () => {
    const line = await told(agent, container(), byNamespace);
    assert.deepEqual(
      [line.action, line["allowedby"], line["because"]],
      ["spared", "out-of-scope", "container-unknown"],
    );
    const dir = container();
    const both = await told(agent, dir, byNamespace, everywhere);
    assert.deepEqual([both.action, both["killed_by"], both["matched"]], ["killed", "kernel", everywhere]);
  });

  test("what a pattern spares lives, where a narrow scope holds too", async () => {
    for (const _ of ["first", "then"]) {
      const dir = container("hub-e");
      const line = await told(agent, dir, "spared", byNamespace, "x");
      assert.deepEqual([line.action, line["allowed_rule"]], ["spared", "config[0]"]);
    }
  });

  test("the metrics count who was asked for, and what is known", async () => {
    assert.ok((await agent.metric('narrow_scopes_asked_total{scopes="some-hold"}')) > 0);
    assert.ok((await agent.metric('narrow_scopes_asked_total{scopes="none-holds"}')) > 0);
    assert.ok((await agent.metric('narrow_scopes_asked_total{scopes="unknown"}')) > 0);
    assert.ok((await agent.metric("narrow_scope_cgroups")) > 0);
  });

  test("a container is learnt before anything is found in it", async () => {
    // Other people's containers are learnt too: what the number grew by need not be this one. The first find in one that was not is
    // always the agent's.
    const isLearnt = async () => {
      const dir = container("hub-f");
      const before = await agent.metric("narrow_scope_cgroups");
      const hasGrown = async () => (await agent.metric("narrow_scope_cgroups")) > before;
      await agent.waitFor(hasGrown, "the container to be learnt");
      const line = await told(agent, dir, byNamespace);
      assert.equal(line.action, "killed");
      return line["killed_by"] === "kernel";
    };
    await agent.waitFor(isLearnt, "a first find that the kernel judges");
  });

  test("another list takes nothing from what was known under the one before", async () => {
    const dir = container("hub-g");
    assert.equal((await told(agent, dir, byNamespace)).action, "killed");
    agent.write({ bannedCommandStrings: [{ value: byNamespace, scope: { namespaces: ["other"] } }] });
    agent.process.kill("SIGHUP");
    await agent.waitFor(() => agent.events("Config reloaded").length > 0, "the reload");
    assert.equal((await told(agent, dir, byNamespace)).action, "spared");
    assert.equal((await told(agent, container("other"), byNamespace)).action, "killed");
  });
});

test("what runs already is judged by the same scopes", { skip, timeout: 300_000 }, async (t) => {
  const word = randomString();
  const meant = waiter(container("hub-a"), [word]);
  const other = waiter(container("elsewhere"), [word]);
  t.after(() => {
    for (const line of agent?.lines ?? []) if (line.action === "spared") process.kill(line.pid!, "SIGKILL");
  });
  const scope = { namespaces: ["hub-*"] };
  const agent = await TestAgent.start(
    { bannedCommandStrings: [{ value: word, scope }] },
    [...FLAGS, "--scan-existing", "600"],
    { env },
  );
  t.after(() => agent.stop());
  await meant.ended;
  await agent.waitFor(() => agent.actions("spared").length > 0, "the other to be spared");
  const [line] = agent.actions("spared");
  assert.deepEqual([line!["allowedby"], line!["source"]], ["out-of-scope", "psutil.process_iter"]);
  assert.equal(other.child.exitCode ?? other.child.signalCode, null);
});

test("without look-ups a narrow scope is refused, with what to do", { skip }, async () => {
  const scope = { namespaces: ["hub-*"] };
  await assert.rejects(
    TestAgent.start({ bannedCommandStrings: [{ value: randomString(), scope }] }),
    /containers are not looked up[\s\S]*--lookup-container/,
  );
});
