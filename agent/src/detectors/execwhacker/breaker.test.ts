import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContainerResult } from "../../types.js";
import { Breaker, type BreakerLimits, placeOf, type Tripped } from "./breaker.js";
import type { Rule } from "./types.js";

const rule: Rule = { value: Buffer.from("x"), mode: "word", list: "l", index: 3, action: "enforce", allowSet: 0 };

function pod(uid: string, namespace: string, type: "cri" | "docker" = "cri"): ContainerResult {
  const labels = { "io.kubernetes.pod.uid": uid, "io.kubernetes.pod.namespace": namespace };
  return { kind: "container", type, id: uid, labels, image: "i" };
}

function breaker(limits: Partial<BreakerLimits> = {}) {
  const trips: Tripped[] = [];
  const clock = { ms: 0 };
  const made = new Breaker(
    { pods: 3, namespaces: 2, windowSeconds: 10, ...limits },
    (tripped) => trips.push(tripped),
    () => clock.ms,
  );
  const kill = (uid: string, namespace: string, of = rule) => made.killed(of, pod(uid, namespace));
  return { made, trips, clock, kill };
}

test("a string that kills in more pods than it may, of several namespaces, trips it once", () => {
  const { trips, kill, made } = breaker();
  kill("1", "a");
  kill("2", "a");
  kill("3", "b");
  assert.equal(trips.length, 0);
  kill("4", "b");
  kill("5", "c");
  assert.deepEqual(trips, [{ rule, pods: 4, namespaces: 2 }]);
  assert.equal(made.trippedNow, 1);
});

test("whoever acts in one namespace alone cannot trip it, with a kill of somebody else's beside it neither", () => {
  const { trips, kill } = breaker();
  for (let i = 0; i < 1000; i++) kill(`a${i}`, "a");
  kill("other", "b");
  for (let i = 0; i < 1000; i++) kill(`more${i}`, "a");
  assert.deepEqual(trips, []);
});

test("one pod counts once, however often it is killed in", () => {
  const { trips, kill } = breaker();
  for (let i = 0; i < 100; i++)
    for (const [uid, namespace] of [
      ["1", "a"],
      ["2", "a"],
      ["3", "b"],
    ] as const)
      kill(uid, namespace);
  assert.deepEqual(trips, []);
});

test("what is older than the window counts no more, and a new list begins anew", () => {
  const { trips, kill, clock, made } = breaker();
  const three = () => [kill("1", "a"), kill("2", "a"), kill("3", "b")];
  three();
  clock.ms = 10_001;
  kill("4", "b");
  assert.equal(trips.length, 0);
  three();
  assert.equal(trips.length, 1);
  made.reset();
  three();
  assert.deepEqual([trips.length, made.trippedNow], [1, 0]);
  kill("4", "b");
  assert.equal(trips.length, 2);
});

test("strings are counted each by itself", () => {
  const { trips, kill } = breaker();
  for (let i = 0; i < 4; i++) kill(`${i}`, `${i % 2}`, { ...rule, index: i });
  assert.deepEqual(trips, []);
  assert.equal(placeOf(rule), "l[3]");
});

for (const [name, other] of [
  ["of a test's list", { list: "unencrypted-test-01" }],
  ["of the chart's own test list", { list: "default-test" }],
  ["of the self-test", { list: "self-test" }],
  ["that is audited anyway", { action: "audit" }],
] as const) {
  test(`a string ${name} is exempt`, () => {
    const { trips, kill, made } = breaker();
    assert.equal(made.watches({ ...rule, ...other }), false);
    for (let i = 0; i < 10; i++) kill(`${i}`, `${i}`, { ...rule, ...other });
    assert.deepEqual(trips, []);
  });
}

test("a list that only sounds like a test's is not exempt", () => {
  assert.equal(breaker().made.watches({ ...rule, list: "latest-miners" }), true);
});

test("the host, failed look-ups and Docker's containers, whose labels an image may have made, count nowhere", () => {
  const { trips, made } = breaker({ pods: 1 });
  const failed = { kind: "failed", why: "absent", reason: "r", cgroupLine: "c" } as const;
  for (let i = 0; i < 10; i++)
    for (const container of [{ kind: "host" }, failed, pod(`${i}`, `${i}`, "docker")] as const)
      made.killed(rule, container);
  assert.deepEqual(trips, []);
});

test("it is off where any number of pods may be killed in", () => {
  assert.equal(breaker({ pods: 0 }).made.watches(rule), false);
});
