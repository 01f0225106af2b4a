// A wrong string ends by itself, on the real kernel: kills of several pods' processes, named by a runtime of the test's own.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { compileAllow, compileTables, judgeLine, quotedPiece } from "@cryptnono/matcher";
import { type LogLine, randomString, TestAgent } from "../lib/agent.js";
import { Cgroups, cgroupPathOf, containerIdOf } from "../lib/container-cgroups.js";
import { FakeCri } from "../lib/fake-cri.js";
import { argumentArea } from "../lib/hostile-lines.js";
import { KernelMatcher } from "../lib/kernel-matcher.js";
import { launch, numbersOf } from "../lib/progs.js";

const PODS = 3;
const cgroups = new Cgroups();
const directory = mkdtempSync(join(tmpdir(), "cn-"));
const socket = join(directory, "cri.sock");
let cri: FakeCri;

before(async () => {
  cri = await FakeCri.serve(socket);
});
after(async () => {
  cri.stop();
  await cgroups.remove();
  rmSync(directory, { recursive: true, force: true });
});

/** A container's cgroup in a pod of this namespace. */
function container(namespace: string): string {
  const [dir] = cgroups.make(1) as [string];
  const id = containerIdOf(dir);
  const uid = `uid-${id.slice(0, 12)}`;
  cri.pods.set(id, { namespace, pod: uid, uid, labels: {} });
  return dir;
}

async function killedIn(dir: string, word: string): Promise<boolean> {
  const words = [dir, "", "/bin/true", "true", word];
  const { stdout, stderr } = await launch("flood-groups", words, ["0.0001"]);
  const { killed = 0, other = 0 } = numbersOf(stdout.toString());
  assert.ok(killed + other > 0 && (killed === 0 || other === 0), stderr);
  return killed > 0;
}

async function start(bad: string, more: Parameters<typeof TestAgent.start>[2] = {}) {
  const flags = ["--breaker-pods", `${PODS}`, "--breaker-window", "3600", "--trusted-cgroup", cgroupsRoot()];
  const env = { ...process.env, CONTAINER_RUNTIME_ENDPOINT: socket };
  return await TestAgent.start({ bannedCommandStrings: [bad] }, flags, { env, ...more });
}

/** The slice that the test's cgroups are in. */
function cgroupsRoot(): string {
  const path = cgroupPathOf(container("nowhere"));
  return path.slice(0, path.lastIndexOf("/"));
}

const TRIPPED = "Circuit breaker: a string kills in too many places and is only logged until its list is loaded again";

describe("the circuit breaker", () => {
  test("demotes a wrong string before its next kill, and a reload brings it back", async (t) => {
    const bad = randomString();
    const good = randomString();
    const agent = await start(bad, { more: [{ bannedCommandStrings: [good] }], env: env() });
    t.after(() => agent.stop());
    const hit = async (namespace: string) => {
      const dir = container(namespace);
      assert.equal(await killedIn(dir, bad), true);
      const isNamed = (line: LogLine) => line["cgroup"] === cgroupPathOf(dir) && line["labels"] !== undefined;
      await agent.waitFor(() => agent.kills().some(isNamed), "the pod's name");
    };
    for (const namespace of ["a", "a", "b"]) await hit(namespace);
    assert.equal(agent.lines.filter(({ event }) => event === TRIPPED).length, 0);
    await hit("b");
    await agent.waitFor(() => agent.lines.some(({ event }) => event === TRIPPED), "the breaker");
    const line = agent.lines.find(({ event }) => event === TRIPPED)!;
    assert.deepEqual([line["rule"], line["pods"], line["namespaces"], line["level"]], ["config[0]", 4, 2, "error"]);
    for (const namespace of ["a", "b", "c"]) {
      const dir = container(namespace);
      assert.equal(await killedIn(dir, bad), false, "the string is only logged");
      await agent.waitFor(
        () => agent.actions("would-kill").some(({ cgroup }) => cgroup === cgroupPathOf(dir)),
        "a line",
      );
      assert.equal(await killedIn(dir, good), true, "others are in force");
    }
    assert.equal(await agent.metric("demoted_strings"), 1);
    assert.equal(await agent.metric("breaker_trips_total"), 1);
    assert.match((await agent.readiness()).text, /demoted: 1/);
    agent.process.kill("SIGHUP");
    await agent.waitFor(() => agent.events("Config reloaded").length > 0, "the reload");
    assert.equal(await killedIn(container("d"), bad), true);
    assert.equal(await agent.metric("demoted_strings"), 0);
    t.diagnostic(`${PODS + 1} kills in 2 namespaces, then none in 3 pods`);
  });

  test("stays for the attacker of one namespace, whatever else dies once beside", async (t) => {
    const bad = randomString();
    const agent = await start(bad, { env: env() });
    t.after(() => agent.stop());
    for (let i = 0; i < 5 * PODS; i++) assert.equal(await killedIn(container("attacker"), bad), true);
    assert.equal(await killedIn(container("other"), bad), true);
    const named = () => new Set(agent.kills().flatMap(({ labels, cgroup }) => (labels === undefined ? [] : [cgroup])));
    await agent.waitFor(() => named().size === 5 * PODS + 1, "all pods' names");
    assert.equal(await killedIn(container("attacker"), bad), true);
    assert.equal(
      agent.lines.some(({ event }) => event === TRIPPED),
      false,
    );
    t.diagnostic(`${5 * PODS + 1} pods of one namespace and one of another: 0 trips`);
  });

  test("spares the strings of a test's list, in any number of pods and namespaces", async (t) => {
    const word = randomString();
    const file = join(directory, "unencrypted-test-01.json");
    writeFileSync(file, JSON.stringify({ bannedCommandStrings: [word] }));
    const agent = await start(randomString(), { configFile: file, env: env() });
    t.after(() => agent.stop());
    for (let i = 0; i < 2 * PODS + 2; i++) assert.equal(await killedIn(container(`n${i}`), word), true);
    const named = () => agent.kills().filter(({ labels }) => labels !== undefined).length;
    await agent.waitFor(() => named() >= 2 * PODS + 2, "all pods' names");
    assert.equal(await killedIn(container("last"), word), true);
  });
});

function env(): NodeJS.ProcessEnv {
  return { ...process.env, CONTAINER_RUNTIME_ENDPOINT: socket };
}

test("the kernel and the walk take a demoted string for an audited one, and it hides none in force", () => {
  const kernel = new KernelMatcher();
  try {
    const latin1 = (text: string) => Uint8Array.from(Buffer.from(text, "latin1"));
    const strings = ["one", "two", "word 'or this", "other 'or that"].map((value) => ({
      value: latin1(value),
      mode: "word" as const,
    }));
    const quoted = strings.flatMap((string, i) => (quotedPiece(string) === null ? [] : [i]));
    const tables = compileTables(strings, { generation: 7 });
    kernel.install(tables);
    for (const [demoted, args, verdict] of [
      [[], ["one"], "killed"],
      [[0], ["one"], "would-kill"],
      [[0], ["one", "two"], "killed"],
      [[0], ["two", "one"], "killed"],
      [[0, 1], ["two", "one"], "would-kill"],
      [[], ["word", "or this"], "killed"],
      [[2], ["word", "or this"], "would-kill"],
      [[2], ["other", "or that"], "killed"],
      [[2, 3], ["other", "or that"], "would-kill"],
      [[0], ["xone"], "spared-substring"],
    ] as const) {
      kernel.demote(7, demoted);
      const line = { path: latin1("/bin/a"), args: ["a", ...args].map(latin1) };
      const judged = kernel.judge(latin1("/bin/a\0"), argumentArea(line.args));
      const shown = JSON.stringify([demoted, args]);
      assert.equal(kernel.verdictName(judged.verdict), verdict, shown);
      const list = { strings, tables, allow: compileAllow([]), quoted, demoted: new Set<number>(demoted) };
      const walked = judgeLine(list, line, [[line.path, ...line.args.slice(1)]]);
      const expected = { killed: "enforce", "would-kill": "audit" } as const;
      const action = walked.kind === "banned" ? walked.action : walked.kind;
      assert.equal(action, verdict === "spared-substring" ? "is-substring" : expected[verdict], shown);
    }
  } finally {
    kernel.close();
  }
});
