import assert from "node:assert/strict";
import { test } from "node:test";
import type { ProcessFacts } from "../../../types.js";
import type { Outcome, Report } from "../types.js";
import { SpareMemory } from "./spare-memory.js";

const spared: Outcome = { action: "spared", allowedBy: "is-substring" };

function report(facts: Partial<ProcessFacts> & { readonly line?: string }, outcome: Outcome = spared): Report {
  const args = (facts.line ?? "x y").split(" ").map((argument) => Buffer.from(argument));
  const process: ProcessFacts = {
    pid: 7,
    ppid: 1,
    uid: 0,
    startTimeNs: 1_000_000_000n,
    path: Buffer.from("/bin/x"),
    args,
    argsBytes: args.reduce((sum, { length }) => sum + length + 1, 0),
    comm: Buffer.from("x"),
    parentComm: Buffer.from("sh"),
    cgroup: { source: "proc", lines: "0::/" },
    ...facts,
  };
  return { source: "psutil.process_iter", process, rule: null, outcome };
}

test("a process is first once", () => {
  const memory = new SpareMemory();
  assert.deepEqual([memory.isFirst(report({})), memory.isFirst(report({}))], [true, false]);
});

const DIFFERENT: readonly (readonly [name: string, other: Report])[] = [
  ["another process", report({ pid: 8 })],
  ["a process that got the same id later", report({ startTimeNs: 1_010_000_000n })],
  ["a process that rewrote its arguments", report({ line: "x z" })],
  ["arguments divided otherwise", report({ line: "xy" })],
  ["another action", report({}, { action: "would-kill" })],
  ["arguments that go on", report({ argsBytes: 5 })],
];

for (const [name, other] of DIFFERENT) {
  test(`${name} is first again`, () => {
    const memory = new SpareMemory();
    memory.isFirst(report({}));
    assert.equal(memory.isFirst(other), true);
  });
}

test("the kernel's start time and a scan's, in clock ticks, are the same process", () => {
  const memory = new SpareMemory();
  memory.isFirst(report({ startTimeNs: 1_239_999_999n, path: Buffer.from("/usr/bin/x") }));
  assert.equal(memory.isFirst(report({ startTimeNs: 1_230_000_000n })), false);
});

test("each exec is first, but one that a scan has told of is not", () => {
  const exec: Report = { ...report({}), source: "execwhacker.bpf" };
  const scan = report({});
  const told = (order: readonly Report[]) => {
    const memory = new SpareMemory();
    return order.map((one) => memory.isFirst(one));
  };
  assert.deepEqual(told([exec, scan, exec, scan]), [true, false, true, false]);
  assert.deepEqual(told([scan, exec, scan, exec]), [true, false, false, true]);
});

test("a full memory forgets what it has not met for longest", () => {
  const memory = new SpareMemory(2);
  memory.isFirst(report({ pid: 1 }));
  memory.isFirst(report({ pid: 2 }));
  memory.isFirst(report({ pid: 1 }));
  memory.isFirst(report({ pid: 3 }));
  assert.equal(memory.isFirst(report({ pid: 1 })), false);
  assert.equal(memory.isFirst(report({ pid: 2 })), true);
});
