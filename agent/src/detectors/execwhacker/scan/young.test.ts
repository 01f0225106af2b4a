import assert from "node:assert/strict";
import { test } from "node:test";
import { parseStat } from "../../../proc/index.js";
import { type FakeProcess, fakeProc } from "./fixtures/fake-proc.js";
import type { Looked } from "./look.js";
import { YoungSweep } from "./young.js";

/** Sweeps over `processes` at a time of the test's own. */
function sweeping(processes: Record<number, FakeProcess>, cost: (pid: number) => number = () => 0.3) {
  let now = 0;
  const looks: (readonly [ms: number, pid: number])[] = [];
  let asked = 0;
  const stuck = new Set<number>();
  const proc = fakeProc(processes);
  const counting = {
    ...proc,
    read(pid: number, name: "stat" | "status" | "cgroup") {
      asked++;
      return proc.read(pid, name);
    },
  };
  const looker = {
    async look(pid: number): Promise<Looked> {
      looks.push([now, pid]);
      return { costMs: cost(pid), isStuck: stuck.has(pid), stat: parseStat(proc.read(pid, "stat")) };
    },
  };
  const sweep = new YoungSweep(looker, counting, () => now);
  return {
    looks,
    stuck,
    asked: () => asked,
    /** A sweep each second. */
    async run(seconds: number): Promise<void> {
      for (let i = 0; i < seconds; i++, now += 1000) await sweep.sweep();
    },
    agesOf: (pid: number, bornMs: number) => looks.filter(([, of]) => of === pid).map(([ms]) => ms - bornMs),
  };
}

const some = (cgroup = "a"): FakeProcess => ({ cmdline: ["x\0"], cgroup: `0::/${cgroup}\n` });

test("what is there at first is old; what comes is looked at at 1, 5 and 30 seconds, and then no more", async () => {
  const processes: Record<number, FakeProcess> = { 10: some() };
  const it = sweeping(processes);
  await it.run(3);
  processes[20] = some();
  await it.run(60);
  assert.deepEqual(it.agesOf(20, 3000), [1000, 5000, 30_000]);
  assert.deepEqual(it.agesOf(10, 0), []);
});

test("processes that end within a second cost nothing but their names", async () => {
  const processes: Record<number, FakeProcess> = { 10: some() };
  const it = sweeping(processes);
  await it.run(1);
  const before = it.asked();
  for (let i = 0; i < 20; i++) {
    for (let pid = 100; pid < 2100; pid++) processes[pid + i * 2000] = some();
    await it.run(1);
    for (const pid of Object.keys(processes)) if (Number(pid) >= 100) delete processes[Number(pid)];
  }
  assert.deepEqual(it.looks, []);
  assert.ok(it.asked() - before < 20 * 101, String(it.asked()));
});

test("a process that executes something else, or another one of the same number, is young again within ten seconds", async () => {
  for (const change of [{ image: "7 8" }, { startTicks: 12_345 }]) {
    const processes: Record<number, FakeProcess> = Object.fromEntries(
      Array.from({ length: 50 }, (_, i) => [i + 1, some()]),
    );
    const it = sweeping(processes);
    await it.run(25);
    assert.deepEqual(it.looks, []);
    processes[30] = { ...some(), ...change };
    await it.run(60);
    const ages = it.agesOf(30, 25_000);
    assert.equal(ages.length, 3);
    assert.ok(ages[0]! <= 11_000, String(ages));
    assert.equal(it.looks.length, 3, "the others are what they were");
  }
});

test("a group with many young processes does not take the turns of others", async () => {
  const processes: Record<number, FakeProcess> = { 1: some() };
  const it = sweeping(processes);
  await it.run(1);
  for (let pid = 100; pid < 3100; pid++) processes[pid] = some("flood");
  processes[5000] = some("honest");
  await it.run(90);
  // Each sweep asks one in six of those that are due, by chance: that it takes 80 of them happens once in two million times.
  const [first] = it.agesOf(5000, 1000);
  assert.ok(first! <= 80_000, `looked at after ${first} ms`);
  const bySweep = new Map<number, number>();
  for (const [ms] of it.looks) bySweep.set(ms, (bySweep.get(ms) ?? 0) + 1);
  assert.ok(Math.max(...bySweep.values()) <= 64);
});

test("a group whose looks cost much gets few of them", async () => {
  const processes: Record<number, FakeProcess> = { 1: some() };
  const it = sweeping(processes, (pid) => (pid < 1000 ? 300 : 0.3));
  await it.run(1);
  for (let pid = 100; pid < 160; pid++) processes[pid] = some("costly");
  for (let pid = 1000; pid < 1060; pid++) processes[pid] = some("cheap");
  await it.run(60);
  const costly = it.looks.filter(([, pid]) => pid < 1000).length;
  assert.ok(costly <= 3, `${costly} looks`);
  assert.equal(it.looks.filter(([, pid]) => pid >= 1000).length >= 120, true);
});

test("one that gives no answer is asked again after ten seconds, at the same age", async () => {
  const processes: Record<number, FakeProcess> = { 1: some() };
  const it = sweeping(processes);
  await it.run(1);
  processes[20] = some();
  it.stuck.add(20);
  await it.run(25);
  it.stuck.clear();
  await it.run(40);
  assert.deepEqual(it.agesOf(20, 1000), [1000, 11_000, 21_000, 31_000]);
});

test("a sweep that is stopped looks at no more", async () => {
  const processes: Record<number, FakeProcess> = {};
  const proc = fakeProc(processes);
  let now = 0;
  let looks = 0;
  const looker = {
    async look(): Promise<Looked> {
      looks++;
      return { costMs: 0, isStuck: false, stat: null };
    },
  };
  const sweep = new YoungSweep(looker, proc, () => now);
  await sweep.sweep();
  processes[7] = some();
  processes[8] = some();
  now = 1000;
  await sweep.sweep();
  now = 3000;
  await sweep.sweep(() => looks > 0);
  assert.equal(looks, 1);
});
