import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import type { V1Pod } from "@kubernetes/client-node";
import { agentPod, type FakeApi, fakeApi } from "../../fixtures/fake-api.js";
import { createKeeper, type Keeper } from "../../keep/keeper.js";
import { searchRows } from "../../keep/queries.js";
import type { FollowedLogs } from "../logs.js";
import { followPods } from "./follow-pods.js";
import { Guarding, nodeOf } from "./guarding.js";
import { isBefore, stampOf } from "./stamp.js";

const SELECTOR = "app.kubernetes.io/name=cryptnono";
let api: FakeApi;
let keeper: Keeper;
let logs: FollowedLogs;

const line = (pid: number) =>
  JSON.stringify({
    pid,
    cmdline: "x",
    matched: "x",
    source: "execwhacker.bpf",
    action: "killed",
    event: "Killed process",
    timestamp: "2026-11-25T10:00:00Z",
    start_time: `at ${pid}`,
  });
const pids = () => {
  keeper.flush();
  return searchRows(keeper.db(), { filters: {} }, 99)
    .map(({ node, pid, times }) => `${node} ${pid} ${times}`)
    .toSorted();
};

beforeEach(async () => {
  api = await fakeApi();
  keeper = createKeeper({ file: ":memory:", bounds: { maxAgeMs: 1e15, maxBytes: 1e12 }, warn() {} });
});
afterEach(async () => {
  await logs.stop();
  keeper.close();
  await api.close();
});

const start = async () => {
  logs = await followPods({
    config: api.config,
    namespace: "support",
    selector: SELECTOR,
    keeper,
    warn() {},
    retryMs: 10,
  });
};

test("the logs of all agents are followed, those that come later too, and a pod that is gone is not", async () => {
  api.put(agentPod("node-1"));
  api.write("cryptnono-node-1", "execwhacker", line(1));
  await start();
  await until(() => pids().length === 1);
  api.put(agentPod("node-2"));
  api.write("cryptnono-node-2", "execwhacker", line(2));
  await until(() => pids().length === 2);
  assert.deepEqual(pids(), ["node-1 1 1", "node-2 2 1"]);
  api.remove("cryptnono-node-1");
  await until(() => logs.coverage().agents.length === 1);
  assert.ok(
    api.asked.every((path) => path.startsWith("/api/v1/namespaces/support/pods")),
    "nothing else is asked",
  );
  assert.ok(
    api.asked
      .filter((path) => !path.startsWith("/api/v1/namespaces/support/pods/"))
      .every((path) => path.includes("labelSelector=app.kubernetes.io%2Fname%3Dcryptnono")),
  );
});

test("a log whose stream broke is taken up where it was, and no line is lost or read twice", async () => {
  api.put(agentPod("node-1"));
  await start();
  api.write("cryptnono-node-1", "execwhacker", line(1), "2026-11-25T10:00:00.1Z");
  api.write("cryptnono-node-1", "execwhacker", line(2), "2026-11-25T10:00:00.25Z");
  await until(() => pids().length === 2);
  for (let round = 0; round < 3; round++) {
    api.fail(503);
    api.cut();
    api.write("cryptnono-node-1", "execwhacker", line(10 + round), `2026-11-25T10:00:0${round + 1}.5Z`);
    await new Promise((resolve) => setTimeout(resolve, 50));
    api.fail(null);
    await until(() => pids().length === 3 + round);
  }
  const { counts } = logs.coverage();
  // The one line that it left off at is the same to the nanosecond, and comes again.
  assert.ok(counts.lines <= 5 + 6, `${counts.lines} lines`);
  assert.equal(counts.foreign, 0);
  assert.ok(api.asked.some((path) => path.includes("sinceTime=")));
});

test("a console that starts again goes on where it was", async () => {
  api.put(agentPod("node-1"));
  api.write("cryptnono-node-1", "execwhacker", line(1), "2026-11-25T10:00:00.5Z");
  await start();
  await until(() => pids().length === 1);
  await logs.stop();
  api.write("cryptnono-node-1", "execwhacker", line(2), "2026-11-25T10:00:03.5Z");
  await start();
  await until(() => pids().length === 2);
  assert.ok(api.asked.some((path) => path.includes("sinceTime=2026-11-25T10%3A00%3A00.5Z")));
});

test("what a container wrote before it was started again is read too, when nobody read it then", async () => {
  api.put(agentPod("node-1"));
  api.write("cryptnono-node-1", "execwhacker", line(1), "2026-11-25T10:00:00.5Z");
  await start();
  await until(() => pids().length === 1);
  api.fail(503);
  api.cut();
  api.write("cryptnono-node-1", "execwhacker", line(2), "2026-11-25T10:00:01.5Z");
  api.restart("cryptnono-node-1", "execwhacker");
  api.write("cryptnono-node-1", "execwhacker", line(3), "2026-11-25T10:00:02.5Z");
  api.fail(null);
  await until(() => pids().length === 3);
  assert.deepEqual(
    pids().map((row) => row.split(" ")[1]),
    ["1", "2", "3"],
  );
});

test("a container that is started again between the look and the opening of its log loses no line", async () => {
  api.put(agentPod("node-1"));
  api.write("cryptnono-node-1", "execwhacker", line(1), "2026-11-25T10:00:00.5Z");
  await start();
  await until(() => pids().length === 1);
  api.beforeLog(() => {
    api.write("cryptnono-node-1", "execwhacker", line(2), "2026-11-25T10:00:01.5Z");
    api.restart("cryptnono-node-1", "execwhacker");
    api.write("cryptnono-node-1", "execwhacker", line(3), "2026-11-25T10:00:02.5Z");
  });
  api.cut();
  await until(() => pids().length === 3);
  api.write("cryptnono-node-1", "execwhacker", line(4), "2026-11-25T10:00:03.5Z");
  await until(() => pids().length === 4);
});

test("a console that was away while a container was started again has both logs of it", async () => {
  api.put(agentPod("node-1"));
  api.write("cryptnono-node-1", "execwhacker", line(1));
  api.restart("cryptnono-node-1", "execwhacker");
  api.write("cryptnono-node-1", "execwhacker", line(2));
  await start();
  await until(() => pids().length === 2);
  assert.deepEqual(pids(), ["node-1 1 1", "node-1 2 1"]);
});

test("a node whose agent does not guard is told, with the reason", async () => {
  api.put(agentPod("node-1"));
  api.put(agentPod("node-2", false));
  await start();
  await until(() => logs.coverage().nodes === 2);
  assert.deepEqual(logs.coverage().unguarded, [
    { node: "node-2", why: "execwhacker is not ready (CrashLoopBackOff), started again 3 times" },
  ]);
  api.put(agentPod("node-2"));
  await until(() => logs.coverage().unguarded?.length === 0);
});

test("an API that refuses is said, and tried again", async () => {
  api.fail(403);
  await start();
  await until(() => logs.coverage().agents[0]?.state === "unreadable");
  api.put(agentPod("node-1"));
  api.fail(null);
  await until(() => logs.coverage().agents[0]?.name === "cryptnono-node-1/execwhacker");
});

test("a pod without room is a node without a guard, a pod that is gone is one for a time", async () => {
  await start();
  const waiting: V1Pod = {
    metadata: { name: "p" },
    spec: {
      containers: [],
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: ["node-9"] }] }],
          },
        },
      },
    },
    status: {
      phase: "Pending",
      conditions: [{ type: "PodScheduled", status: "False", message: "0/9 nodes are available" }],
    },
  };
  assert.equal(nodeOf(waiting), "node-9");
  const guarding = new Guarding();
  assert.match(guarding.look([waiting], 0).unguarded[0]!.why, /no room there: 0\/9/);
  guarding.podGone(agentPod("node-1"), 0);
  assert.deepEqual(guarding.look([], 10_000).unguarded, []);
  assert.match(guarding.look([], 60_000).unguarded[0]!.why, /gone for 1 min/);
  assert.deepEqual(guarding.look([], 4_000_000).unguarded, []);
});

test("the kubelet's times are compared to the nanosecond", async () => {
  await start();
  assert.deepEqual(stampOf("2026-11-25T10:00:00.123456789Z {x"), {
    stamp: "2026-11-25T10:00:00.123456789Z",
    text: "{x",
  });
  assert.equal(stampOf("{x"), null);
  const stamps = [
    "2026-11-25T10:00:00Z",
    "2026-11-25T10:00:00.000000001Z",
    "2026-11-25T10:00:00.1Z",
    "2026-11-25T11:00:00.12+01:00",
    "2026-11-25T10:00:01Z",
  ];
  for (const [i, a] of stamps.entries())
    for (const [j, b] of stamps.entries()) assert.equal(isBefore(a, b), i < j, `${a} ${b}`);
});

async function until(isSo: () => boolean): Promise<void> {
  for (let i = 0; i < 6000 && !isSo(); i++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(isSo());
}
