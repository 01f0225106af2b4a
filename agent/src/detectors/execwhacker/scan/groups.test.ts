import assert from "node:assert/strict";
import { test } from "node:test";
import { Allowance, groupOf } from "./groups.js";

const POD = "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice";

const ROWS: readonly (readonly [name: string, cgroup: string, group: string])[] = [
  ["a container", `0::/${POD}/cri-containerd-a.scope\n`, `${POD}/cri-containerd-a.scope`],
  [
    "what a container has made below itself",
    `0::/${POD}/cri-containerd-a.scope/x/y\n`,
    `${POD}/cri-containerd-a.scope`,
  ],
  ["a service", "0::/system.slice/ssh.service\n", "system.slice/ssh.service"],
  ["the root", "0::/\n", ""],
  ["nothing", "", ""],
  ["several hierarchies", "12:memory:/docker/abc\n3:cpu,cpuacct:/\n0::/\n", "docker/abc"],
  ["a name with a colon", "0::/a:b/c\n", "a:b/c"],
];

for (const [name, cgroup, group] of ROWS) test(`the group of ${name}`, () => assert.equal(groupOf(cgroup), group));

test("a group has what it may spend at once, then so much a second; others have their own", () => {
  let now = 1000;
  const allowance = new Allowance(10, 100, () => now);
  for (let spent = 0; spent < 100; spent += 20) {
    assert.ok(allowance.has("a"));
    allowance.spend("a", 20);
  }
  assert.equal(allowance.has("a"), false);
  assert.equal(allowance.has("b"), true);
  now += 1000;
  assert.equal(allowance.has("a"), true);
  allowance.spend("a", 500);
  now += 40_000;
  assert.equal(allowance.has("a"), false, "a debt is paid first");
  now += 10_000;
  assert.equal(allowance.has("a"), true);
  now += 100_000;
  allowance.tidy();
  allowance.spend("a", 99);
  assert.ok(allowance.has("a"), "what was not spent does not add up, but neither does what was paid");
});
