// Pods of a real runtime that may reach only what is listed: chosen by namespace and by label, learnt, held, and told by name.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { LogLine } from "../lib/agent.js";
import { FlowAgent, Lists } from "../lib/flow-agent.js";
import { ask, withServers } from "../lib/name-network.js";
import { missingAgent } from "./lib/agent.js";
import { startContainerd } from "./lib/containerd.js";
import { missingFor } from "./lib/daemon.js";
import { notebookPod, podLabels } from "./lib/pods.js";
import { openScratch, type Scratch } from "./lib/scratch.js";

const skip =
  missingAgent() || missingFor(["containerd", "runc", "ctr", "busybox", "tar"], "containerd runc busybox-static tar");

describe("pods of containerd", { skip, timeout: 900_000 }, () => {
  const lists = new Lists();
  const learnt = join(lists.directory, "learnt");
  const cgroups = new Map<string, string[]>();
  let scratch: Scratch;
  let agent: FlowAgent;

  before(async () => {
    // The kernel tells pods apart below a kubelet's cgroup at the root, which this begins as.
    scratch = openScratch((own) => `kubepods-test-${own}`);
    const base = notebookPod(scratch);
    const containerd = await startContainerd(scratch, [base.image]);
    for (const [i, [name, namespace, labels]] of PODS.entries()) {
      const uid = podLabels["io.kubernetes.pod.uid"].replace(/9$/, String(i));
      const kubelets = {
        "io.kubernetes.pod.name": name,
        "io.kubernetes.pod.namespace": namespace,
        "io.kubernetes.pod.uid": uid,
      };
      const pod = await containerd.runPod({
        ...base,
        labels: { ...podLabels, ...labels, ...kubelets },
        envs: { WHO: `user-of-${name}`, OTHER: "is not shown" },
        cgroupParent: `${scratch.cgroupPath}/burstable/pod${uid}`,
      });
      cgroups.set(name, cgroupsOf(await pod.pid()));
    }
    const settings = [
      "unique_destinations_threshold=0",
      'egress_learn_pods=["hub-staging"]',
      'egress_enforce_pods=["team=held"]',
      `egress_allowed_file_globs=${lists.write("allowed", "fine.test\n198.51.100.0/24\n")}`,
      `egress_learnt_file=${learnt}`,
      "egress_per_pod=1000",
      'egress_exempt_pods=["team=free"]',
      'log_container_envs=["WHO"]',
    ];
    agent = await FlowAgent.start(
      ["--trusted-cgroup", scratch.cgroupPath, ...settings.map((setting) => `--FlowKiller.${setting}`)],
      { env: { ...process.env, CONTAINER_RUNTIME_ENDPOINT: `unix://${containerd.socketPath}` } },
    );
  });
  after(async () => {
    await agent?.stop();
    await scratch.end();
    lists.remove();
  });

  /** What a process in that pod is told, in a network in which all answer. */
  async function within(pod: string, more: readonly string[] = []): Promise<ReadonlyMap<string, string>> {
    const join = cgroups.get(pod)!.map((directory) => `echo 0 > ${directory}/cgroup.procs`);
    const script = [
      ask("listed", "ask", "10.0.0.53", "www.fine.test", "3333"),
      ask("network", "connect", "198.51.100.7", "443"),
      ask("other", "ask", "10.0.0.53", "else.test", "3333"),
      ask("public", "connect", "192.0.2.7", "443"),
    ];
    return (await withServers(lists, [...join, ...script, ...more])).told;
  }

  it("are held by a label once the runtime has named them, and told by their names", async () => {
    await agent.until("the pod is known", async () => (await within("held-one")).get("public") === "connect refused 1");
    const told = await within("held-one");
    assert.equal(told.get("listed"), "203.0.113.60 connected 0");
    assert.equal(told.get("network"), "connected 0");
    assert.equal(told.get("other"), "203.0.113.60 connect refused 1");
    const isOther = (line: LogLine) => String(line["evidence"]).startsWith("asked for else.test");
    await agent.until("it is told", () => agent.actions("refused").some(isOther));
    const line = agent.actions("refused").find(isOther)!;
    assert.equal(
      line["evidence"],
      "asked for else.test, which is no name that may be reached, and connected to 203.0.113.60:3333",
    );
    const { labels, envs } = line["container"] as unknown as Record<"labels" | "envs", Record<string, string>>;
    assert.deepEqual(envs, { WHO: "user-of-held-one" });
    assert.equal(labels["io.kubernetes.pod.name"], "held-one");
    assert.equal(labels["io.kubernetes.pod.namespace"], "hub");
  });

  it("are learnt by their namespace, and what they reached is written down for review", async () => {
    const list = () => (existsSync(learnt) ? readFileSync(learnt, "utf8") : "");
    await agent.until("the pod is known, and its list written", async () => {
      for (const result of (await within("learnt-one")).values()) assert.match(result, / ?0$/);
      agent.process.kill("SIGHUP");
      return /^else\.test {2}#/m.test(list());
    });
    assert.match(
      list(),
      /^else\.test {2}# \d+ connects?; ports 3333; pods hub-staging\/learnt-one; addresses 203\.0\.113\.60$/m,
    );
    assert.doesNotMatch(list(), /held-one|free-one|^(www\.)?fine\.test/m);
  });

  it("are free where neither fits, and spend of no budget where a label says so", async () => {
    const exempt = "exempt_destinations_total";
    await agent.until("the pod is known", async () => {
      // Addresses for examples are not public to a budget.
      const told = await within("free-one", [ask("spends", "connect", "8.8.8.8", "443")]);
      for (const result of told.values()) assert.match(result, / ?0$/);
      return (await agent.metric(exempt)) > 0;
    });
    const [told, ...more] = agent.events("Pod spends of no budget");
    assert.deepEqual(more, []);
    assert.equal(told!["label"], "team=free");
    assert.equal((told!["labels"] as unknown as Record<string, string>)["io.kubernetes.pod.name"], "free-one");
    const refused = agent.actions("refused").map((line) => JSON.stringify(line["container"]));
    assert.ok(refused.every((container) => container.includes("held-one")));
  });
});

const PODS = [
  ["held-one", "hub", { team: "held" }],
  ["learnt-one", "hub-staging", {}],
  ["free-one", "hub", { team: "free" }],
] as const;

/** Of each hierarchy that is mounted, the directory of the process's cgroup. */
function cgroupsOf(pid: number): string[] {
  const mounts = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" "));
  return readFileSync(`/proc/${pid}/cgroup`, "utf8")
    .split("\n")
    .flatMap((line) => {
      const [, controllers = "", path = "/"] = line.split(":");
      const found = mounts.find(([, , type, options = ""]) =>
        controllers === ""
          ? type === "cgroup2"
          : type === "cgroup" && controllers.split(",").every((one) => options.split(",").includes(one)),
      );
      return found === undefined || path === "/" ? [] : [join(found[1]!, path)];
    });
}
