import assert from "node:assert/strict";
import { test } from "node:test";
import type { SensorMap } from "@cryptnono/native";
import type { CgroupIdentity, ContainerResult } from "../../types.js";
import { exemptions } from "./exemptions.js";

const CGROUP: CgroupIdentity = { source: "kernel", paths: ["/kubepods/pod1/abc"] };

function made(owners: Readonly<Record<string, string>> | null, container: Partial<ContainerResult> = {}) {
  const exempt = new Set<bigint>();
  const asked: CgroupIdentity[] = [];
  let nowMs = 0;
  const map = {
    set: (group: bigint) => exempt.add(group),
    keys: () => [...exempt].map((group) => new Uint8Array(new BigUint64Array([group]).buffer)),
    delete: (key: Uint8Array) => exempt.delete(new DataView(key.buffer).getBigUint64(0, true)),
  } as unknown as SensorMap;
  const result = {
    ...{ kind: "container", type: "cri", id: "ab", image: "i" },
    labels: { "io.kubernetes.pod.uid": "u", "io.kubernetes.pod.namespace": "hub" },
    ...container,
  } as ContainerResult;
  const own = exemptions(
    {
      map: () => map,
      containerOf: (cgroup) => {
        asked.push(cgroup);
        return Promise.resolve(result);
      },
      podLabels: () => Promise.resolve(owners),
      onExempt: () => {},
      onError: (error) => assert.fail(String(error)),
    },
    () => nowMs,
  );
  return { own, exempt, asked, wait: (ms: number) => (nowMs += ms) };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("a pod with a chosen label is exempt, asked for once, and no longer when the label is not chosen", async () => {
  const { own, exempt, asked, wait } = made({ app: "dask" });
  own.setSelectors(["other=1", "app=dask"]);
  for (let i = 0; i < 3; i++) own.sees(7n, CGROUP);
  await turn();
  wait(60_000);
  own.sees(7n, CGROUP);
  assert.deepEqual([[...exempt], asked.length], [[7n], 1]);
  own.setSelectors(["app=other"]);
  assert.deepEqual([...exempt], []);
  own.sees(7n, CGROUP);
  await turn();
  assert.deepEqual([[...exempt], asked.length], [[], 2]);
});

test("a namespace is the kubelet's word, and no label of the pod's owner speaks for it", async () => {
  const { own, exempt } = made({ "io.kubernetes.pod.namespace": "trusted" });
  own.setSelectors(["io.kubernetes.pod.namespace=trusted"]);
  own.sees(7n, CGROUP);
  await turn();
  assert.equal(exempt.size, 0);
  own.setSelectors(["io.kubernetes.pod.namespace=hub"]);
  own.sees(7n, CGROUP);
  await turn();
  assert.equal(exempt.size, 1);
});

test("what could not be named is asked for again after a while, and Docker's labels exempt nobody", async () => {
  const failed = made(null, { kind: "failed", why: "silent", reason: "", cgroupLine: "" } as Partial<ContainerResult>);
  failed.own.setSelectors(["app=dask"]);
  for (const ms of [0, 1000, 30_000]) {
    failed.wait(ms);
    failed.own.sees(7n, CGROUP);
    await turn();
  }
  assert.equal(failed.asked.length, 2);
  const docker = made(null, { type: "docker", labels: { app: "dask" } } as Partial<ContainerResult>);
  docker.own.setSelectors(["app=dask"]);
  docker.own.sees(7n, CGROUP);
  await turn();
  assert.equal(docker.exempt.size, 0);
});
