// The operator's page on a real Kubernetes, then what a cluster does to a guard: changed lists, bad lists, a pod lost,
// upgrades, uninstall. The tests share one cluster and one release and stand in the order of a deployment's life.
// Run by test/cluster/run.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { after, before, describe, it, type TestContext } from "node:test";
import { kubectlJson, run, typed, until } from "./commands.js";
import { openConsole } from "./console.js";
import { isKilled, randomBannedString, startUserServer, typeInTerminal, USER_IMAGE, type UserServer } from "./hub.js";
import { minersWhile } from "./miners.js";
import {
  agentPid,
  ageSeconds,
  allPrograms,
  cpuSeconds,
  PIN_DIR,
  pinnedPrograms,
  pinnedSensors,
  restartContainerd,
  statusOf,
  workingSetMiB,
} from "./node.js";
import {
  type AgentPod,
  agentPods,
  deploy,
  followKills,
  health,
  type KillLog,
  metric,
  readyAgent,
  testString,
  uninstall,
} from "./release.js";

const HUB = "spyglass";
const OTHER_HUB = "climate";
/** The kubelet syncs a pod's volumes each syncFrequency (10 s in this cluster, 60 s by default) and a bit more. */
const SECRET_SECONDS = 90;
/** BPF, PERFMON, SYS_PTRACE, KILL: bits 39, 38, 19 and 5 of include/uapi/linux/capability.h. */
const FOUR_CAPABILITIES = "000000c000080020";
const skip = process.env["KUBECONFIG"] === undefined ? "no cluster: run test/cluster/run" : false;

describe("cryptnono on Kubernetes", { skip }, () => {
  const [first, second, third] = [randomBannedString(), randomBannedString(), randomBannedString()];
  // For the tests that look for their own kills.
  const [whileLost, whileUpgraded, afterRestart] = [randomBannedString(), randomBannedString(), randomBannedString()];
  // As long a list as hubs have, of strings no one uses.
  const generated = { bannedCommandStrings: Array.from({ length: 6100 }, () => randomBannedString().slice(0, 16)) };
  const lists = (...bannedCommandStrings: string[]) => ({
    "encrypted-01": { bannedCommandStrings: [...bannedCommandStrings, whileLost, whileUpgraded, afterRestart] },
    "encrypted-02": generated,
  });
  let server: UserServer;
  let agent: AgentPod;

  before(async () => {
    server = await startUserServer(HUB);
  });

  after(async () => {
    await uninstall().catch(() => {});
    await run(["kubectl", "delete", "namespace", HUB, OTHER_HUB, "support", "--ignore-not-found", "--timeout=60s"]);
  });

  it("guards soon after helm install, with four capabilities and nothing to write to", async (t) => {
    await deploy({ tag: "test-1", configs: lists(first) });
    const { age } = await until("an agent that answers /readyz", 60, firstReady, 10);
    t.diagnostic(`process start to guarding with 6,100 strings: ${age.toFixed(2)} s`);
    agent = await readyAgent();
    const pid = agentPid(agent.uid)!;
    t.diagnostic(`CapEff ${statusOf(pid, "CapEff")}, user ${statusOf(pid, "Uid")}`);
    assert.deepEqual(
      { caps: statusOf(pid, "CapEff"), bound: statusOf(pid, "CapBnd"), newPrivs: statusOf(pid, "NoNewPrivs") },
      { caps: FOUR_CAPABILITIES, bound: FOUR_CAPABILITIES, newPrivs: "1" },
    );
    assert.equal(statusOf(pid, "Seccomp"), "2", "a seccomp filter is on");
    const [root] = readFileSync(`/proc/${pid}/mountinfo`, "utf8").split("\n");
    assert.match(root!, / \/ \/ ro[ ,]/, "the root is read-only");
  });

  it("kills the page's test command and shows who it was, by the page's own steps", async () => {
    const command = `sh -c 'sleep 1 && echo ${testString()}'`;
    assert.equal((await typeInTerminal(server, command)).trim(), "Killed");

    const pods = table(await typed(`kubectl -n ${HUB} get pod -o wide`));
    const node = pods.find((row) => row["NAME"] === server.pod)?.["NODE"];
    const guards = table(
      await typed(
        `kubectl -n support get pod --field-selector spec.nodeName=${node} -l app.kubernetes.io/name=cryptnono`,
      ),
    );
    assert.deepEqual(
      guards.map((row) => row["NAME"]),
      [agent.name],
    );
    const log = await typed(`kubectl -n support logs ${guards[0]!["NAME"]} -c execwhacker`);

    const killed = log
      .split("\n")
      .filter((line) => line.includes(testString().toLowerCase()))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.equal(killed.length, 1, "one kill is one line");
    const [line] = killed;
    assert.deepEqual(
      { ...line, pid: typeof line!["pid"], timestamp: typeof line!["timestamp"] },
      {
        ...line,
        pid: "number",
        cmdline: `/usr/bin/sh -c 'sleep 1 && echo ${testString().toLowerCase()}'`,
        matched: testString().toLowerCase(),
        source: "execwhacker.bpf",
        container_type: "cri",
        labels: {
          "io.kubernetes.container.name": "notebook",
          "io.kubernetes.pod.name": server.pod,
          "io.kubernetes.pod.namespace": HUB,
          "io.kubernetes.pod.uid": server.uid,
        },
        image: USER_IMAGE,
        action: "killed",
        event: "Killed process",
        level: "info",
        timestamp: "string",
      },
    );
  });

  it("lets the same user do all else", async () => {
    assert.equal((await typeInTerminal(server, "sh -c 'echo fine'")).trim(), "fine");
    assert.equal((await typeInTerminal(server, `sh -c 'echo x${first}'`)).trim(), `x${first}`);
  });

  it("shows kills in two hubs' pods on the console's open page, and tells each pod by an Event", async (t) => {
    const servers = [await startUserServer(HUB), await startUserServer(OTHER_HUB)];
    const opened = await openConsole();
    try {
      assert.match(await opened.page.innerText("main"), /1 of 1 nodes guarded/);
      for (const one of servers) {
        const shown = opened.page.waitForSelector(`text=${one.pod}`).then(() => Date.now());
        assert.ok(await isKilled(one, first));
        const seenAt = await shown;
        const log = await typed(`kubectl -n support logs ${agent.name} -c execwhacker`);
        const line = log.split("\n").find((text) => text.includes(one.pod))!;
        const { timestamp } = JSON.parse(line) as { timestamp: string };
        t.diagnostic(`${one.namespace}: on the page ${seenAt - Date.parse(timestamp)} ms after the kill`);

        const { message } = await until("the pod's Event", 60, () => killEvent(one));
        assert.ok(!message.includes(first), "no banned string is told");
        const [, number] = /^Killed process \/usr\/bin\/sh: .*: case (\w{4}-\w{4})$/.exec(message) ?? [];
        assert.ok(number !== undefined, message);
        assert.match(await typed(`kubectl -n ${one.namespace} describe pod ${one.pod}`), new RegExp(`case ${number}`));
        const page = await fetch(new URL(`/kills/${number}`, opened.url));
        assert.ok((await page.text()).includes(one.pod), "the case number leads to the case");
      }
    } finally {
      await opened.close();
    }
  });

  it("takes a changed list over without a restart", async (t) => {
    const started = Date.now();
    await deploy({ tag: "test-1", configs: lists(first, second) });
    await until("the new string is banned", SECRET_SECONDS, () => isKilled(server, second));
    t.diagnostic(`helm upgrade to in force: ${((Date.now() - started) / 1000).toFixed(1)} s`);
    assert.deepEqual(await readyAgent(), agent, "the same pod, never restarted");
    assert.ok(await isKilled(server, first), "what was banned before still is");
  });

  it("refuses a bad list, keeps the old one and says so", async () => {
    const bad = { bannedCommandStrings: [third], allowedCommandPatterns: ["("] };
    await deploy({ tag: "test-1", configs: { ...lists(), "encrypted-01": bad } });
    await until("/readyz refuses", SECRET_SECONDS, async () => (await health(agent, "/readyz")).status === 503);
    const { body } = await health(agent, "/readyz");
    assert.match(body, /encrypted-01/, "the file is named");
    assert.ok(!body.includes(third), "no banned string is told");
    const log = await typed(`kubectl -n support logs ${agent.name} -c execwhacker`);
    assert.match(log, /"error":"[^\n]*encrypted-01[^\n]*"event":"Config refused/, "the log has the reason");
    assert.ok((await metric(agent, 'cryptnono_execwhacker_config_reloads_total{result="refused"}')) >= 1);
    await until("the pod is not ready", 30, async () => (await agentPods())[0]?.ready === false);
    assert.ok(await isKilled(server, second), "the old list is in force");
    assert.ok(!(await isKilled(server, third)), "the bad one is not");

    await deploy({ tag: "test-1", configs: lists(first) });
    await until("ready again", SECRET_SECONDS, async () => (await health(agent, "/readyz")).status === 200);
    assert.deepEqual(await readyAgent(), agent);
  });

  it("kills by the scan, in another user's pod, what ran before its string was banned", async () => {
    const terminal = typeInTerminal(server, `sh -c 'sleep 100; true' ${third}`);
    await deploy({ tag: "test-1", configs: lists(first, third) });
    await until("the string is banned", SECRET_SECONDS, () => isKilled(server, third));
    assert.equal((await terminal).trim(), "Killed");
    const found = await until("the scan's line", 10, async () => {
      const log = await typed(`kubectl -n support logs ${agent.name} -c execwhacker`);
      return log.split("\n").find((line) => line.includes("psutil.process_iter") && line.includes(third));
    });
    const { action, matched, labels } = JSON.parse(found) as Record<string, Record<string, string>>;
    assert.deepEqual([action, matched, labels?.["io.kubernetes.pod.name"]], ["killed", third, server.pod]);
  });

  it("lets no miner run while the agent's pod is deleted by force, again and again", async (t) => {
    const logs: KillLog[] = [followKills(agent, whileLost)];
    const miners = await minersWhile(server, whileLost, async () => {
      for (let lost = 0; lost < 3; lost++) {
        agent = await loseAgent();
        logs.push(followKills(agent, whileLost));
      }
    });
    t.diagnostic(`with pins: ${miners.started} miners started, ${miners.escaped} ran`);
    assert.ok(miners.started > 100, "the miners did start");
    assert.equal(miners.escaped, 0);
    await reported(t, miners.started, logs);
    assert.equal(pinnedSensors().length, 1, "each successor took the last one's pins away");
  });

  it("upgrades to another version without an unguarded moment", async (t) => {
    const logs: KillLog[] = [followKills(agent, whileUpgraded)];
    const miners = await minersWhile(server, whileUpgraded, async () => {
      await deploy({ tag: "test-2", configs: lists(first) });
      agent = await readyAgent(agent);
      logs.push(followKills(agent, whileUpgraded));
    });
    t.diagnostic(`during the upgrade: ${miners.started} miners started, ${miners.escaped} ran`);
    assert.ok(miners.started > 20, "the miners did start");
    assert.equal(miners.escaped, 0);
    await reported(t, miners.started, logs);
    assert.equal(pinnedSensors().length, 1);
  });

  it("names the pod when the container runtime was restarted", async () => {
    await restartContainerd();
    agent = await readyAgent();
    // A container that the agent has not asked for before.
    const another = await startUserServer(HUB);
    assert.ok(await isKilled(another, afterRestart));
    const found = await until("the kill's line", 10, async () => {
      const log = await typed(`kubectl -n support logs ${agent.name} -c execwhacker`);
      return log.split("\n").find((line) => line.includes(afterRestart));
    });
    const { labels } = JSON.parse(found) as { labels?: Record<string, string> };
    assert.equal(labels?.["io.kubernetes.pod.name"], another.pod, found);
  });

  it("weighs little after an hour's worth of kills", async (t) => {
    const pid = agentPid(agent.uid)!;
    const [kills, cpu] = [await killedByKernel(), cpuSeconds(pid)];
    // One a second for an hour, as fast as one shell can.
    await typeInTerminal(server, `n=0; while [ $n -lt 3600 ]; do sh -c true ${first} 2> /dev/null; n=$((n+1)); done`);
    await until("all kills are counted", 30, async () => (await killedByKernel()) - kills >= 3600);
    const perKill = ((cpuSeconds(pid) - cpu) / 3600) * 1e6;
    const resident = Number.parseInt(statusOf(pid, "VmRSS"), 10) / 1024;
    // The kubelet measures each ten seconds or so.
    const counted = await until("the kubelet has measured", 60, () => workingSetMiB(agent.uid, "execwhacker"), 1000);
    t.diagnostic(`after 3,600 kills, with 6,100 strings: ${resident.toFixed(0)} MiB resident`);
    t.diagnostic(`working set by the kubelet: ${counted.toFixed(0)} MiB; CPU a kill: ${perKill.toFixed(0)} µs`);
    assert.ok(counted < 200, `${counted} MiB`);
  });

  it("takes the kernel part off the node when pins are switched off, and is then unguarded while it is away", async (t) => {
    const pinned = await pinnedPrograms();
    assert.notDeepEqual(pinned, []);
    await deploy({ tag: "test-2", pins: false, configs: lists(first) });
    agent = await readyAgent(agent);
    assert.ok(!existsSync(PIN_DIR), "the directory is gone");
    await until("the pinned programs are gone", 10, async () => {
      const left = await allPrograms();
      return !pinned.some((id) => left.includes(id));
    });
    assert.ok(await isKilled(server, first), "the new agent guards");
    const miners = await minersWhile(server, first, async () => {
      agent = await loseAgent();
    });
    t.diagnostic(`without pins: ${miners.started} miners started, ${miners.escaped} ran`);
  });

  it("leaves nothing on the node after helm uninstall", async (t) => {
    await deploy({ tag: "test-1", configs: lists(first) });
    agent = await readyAgent(agent);
    const pinned = await pinnedPrograms();
    assert.notDeepEqual(pinned, [], "it was pinned");
    const started = Date.now();
    await uninstall();
    t.diagnostic(`helm uninstall with its hooks: ${((Date.now() - started) / 1000).toFixed(1)} s`);
    assert.ok(!existsSync(PIN_DIR));
    await until("the agent's programs are gone", 10, async () => {
      const left = await allPrograms();
      return !pinned.some((id) => left.includes(id));
    });
    assert.ok(!(await isKilled(server, first)), "no one is killed any more");
    await until("no object is left", 30, async () => {
      const kinds = "daemonset,job,pod,secret,role,rolebinding,networkpolicy";
      const { items } = await kubectlJson<{ items: unknown[] }>("-n", "support", "get", kinds);
      return items.length === 0;
    });
  });

  /** The first ready answer of any agent pod, with its process's age then. */
  async function firstReady(): Promise<{ age: number } | undefined> {
    const [pod] = await agentPods();
    if (pod === undefined || pod.ip === "") return undefined;
    const reply = await health(pod, "/readyz").catch(() => undefined);
    const pid = agentPid(pod.uid);
    return reply?.status === 200 && pid !== undefined ? { age: ageSeconds(pid) } : undefined;
  }

  async function killEvent({ namespace, pod }: UserServer): Promise<{ message: string } | undefined> {
    const chosen = `--field-selector=reason=ProcessKilled,involvedObject.name=${pod}`;
    const { items } = await kubectlJson<{ items: { message: string }[] }>("-n", namespace, "get", "events", chosen);
    return items[0];
  }

  /** Delete the agent's pod as after a node's trouble, and wait for its successor. */
  async function loseAgent(): Promise<AgentPod> {
    const lost = await readyAgent();
    await run(["kubectl", "-n", "support", "delete", "pod", lost.name, "--force", "--grace-period=0"]);
    return readyAgent(lost);
  }

  function killedByKernel(): Promise<number> {
    return metric(agent, 'cryptnono_execwhacker_processes_killed_total{source="execwhacker.bpf"}');
  }

  /**
   * Kills of the time without an agent are in a successor's log, as the pinned ring kept them: none is missing. While two
   * agents are there, for a moment in an update and for seconds after a deletion by force, both may tell of one.
   */
  async function reported(t: TestContext, started: number, logs: readonly KillLog[]): Promise<void> {
    const lines = () => logs.flatMap((log) => log.pids);
    try {
      await until(`${started} kills are logged`, 15, async () => new Set(lines()).size >= started);
    } finally {
      const killed = new Set(lines()).size;
      t.diagnostic(
        `${killed} of ${started} kills logged by ${logs.length} agents, ${lines().length - killed} of them twice`,
      );
      for (const log of logs) log.close();
    }
    assert.equal(new Set(lines()).size, started);
  }
});

/** kubectl's table as one map per row. */
function table(text: string): Record<string, string>[] {
  const [head = "", ...rows] = text.trimEnd().split("\n");
  const columns = [...head.matchAll(/\S+(?: \S+)*\s*/g)];
  return rows.map((row) =>
    Object.fromEntries(
      columns.map(({ 0: name, index }) => [name.trim(), row.slice(index, index + name.length).trim()]),
    ),
  );
}
