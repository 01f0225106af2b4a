import assert from "node:assert/strict";
import { test } from "node:test";
import type { Outcome, Report, Rule } from "../types.js";
import { ReportLimit, type ReportLimits } from "./report-limit.js";

const LIMITS: ReportLimits = {
  first: 3,
  firstSpares: 1,
  everyMs: 10_000,
  group: { burst: 5, perSecond: 1 },
  all: { burst: 100, perSecond: 100 },
  most: 50,
};

const rule = (index: number): Rule => ({
  value: Buffer.from("x"),
  mode: "word",
  list: "l",
  index,
  action: "enforce",
  allowSet: 0,
});

const killed: Outcome = { action: "killed", by: "agent" };

function report(
  group: string,
  { index = 0, outcome = killed, pid = 1 }: { index?: number; outcome?: Outcome; pid?: number } = {},
): Report {
  return {
    source: "psutil.process_iter",
    process: {
      pid,
      ppid: 1,
      uid: 1000,
      startTimeNs: 1n,
      path: Buffer.from("/x"),
      args: [],
      argsBytes: 0,
      comm: Buffer.from("x"),
      parentComm: Buffer.from("y"),
      cgroup: { source: "proc", lines: `0::${group}` },
    },
    rule: rule(index),
    outcome,
    group,
  };
}

function limitAt(limits: ReportLimits | null = LIMITS) {
  let nowMs = 0;
  const limit = new ReportLimit(
    limits,
    () => BigInt(nowMs) * 1_000_000n,
    () => nowMs,
  );
  const pass = (ms: number): void => {
    nowMs += ms;
  };
  return { limit, pass };
}

const admitted = (limit: ReportLimit, reports: readonly Report[]) => reports.filter((one) => limit.admit(one)).length;
const times = (count: number, one: Report) => Array.from({ length: count }, () => one);

test("the first of a kind are told, then one in ten seconds, and all are counted", () => {
  const { limit, pass } = limitAt();
  assert.equal(admitted(limit, times(10, report("/a"))), 3);
  pass(9999);
  assert.equal(admitted(limit, times(10, report("/a"))), 0);
  pass(1);
  assert.equal(admitted(limit, times(10, report("/a", { pid: 7 }))), 1);
  const [summary, ...others] = limit.take();
  assert.deepEqual(others, []);
  assert.deepEqual([summary!.count, summary!.group, summary!.lastPid, summary!.rule!.index], [26, "/a", 7, 0]);
  assert.deepEqual([summary!.firstNs, summary!.lastNs], [0n, 10_000_000_000n]);
  assert.equal(limit.counts.killed, 26);
  assert.deepEqual(limit.take(), []);
});

test("spares, other rules, other outcomes and other groups are kinds of their own", () => {
  const { limit } = limitAt();
  const spared: Outcome = { action: "spared", allowedBy: "is-substring" };
  const byPattern: Outcome = { action: "spared", allowedBy: { pattern: { source: "x", list: "l", index: 1 } } };
  assert.equal(admitted(limit, times(10, report("/a", { outcome: spared }))), 1);
  assert.equal(admitted(limit, times(10, report("/a", { outcome: byPattern }))), 1);
  assert.equal(admitted(limit, times(10, report("/a"))), 3);
  assert.equal(admitted(limit, times(10, report("/b"))), 3);
  assert.equal(admitted(limit, times(10, report("/b", { index: 1 }))), 2, "the group's bound");
  assert.deepEqual(
    limit.take().map(({ action, group, count }) => [action, group, count]),
    [
      ["spared", "/a", 9],
      ["spared", "/a", 9],
      ["killed", "/a", 7],
      ["killed", "/b", 7],
      ["killed", "/b", 8],
    ],
  );
});

test("ten thousand reports of as many kinds are bounded in lines and memory, and none is lost", () => {
  const { limit } = limitAt();
  let told = 0;
  for (let i = 0; i < 10_000; i++) if (limit.admit(report(`/pod${i}`))) told++;
  assert.equal(told, 100);
  const summaries = limit.take();
  assert.ok(summaries.length <= 51, `${summaries.length} summaries`);
  assert.equal(told + summaries.reduce((sum, { count }) => sum + count, 0), 10_000);
  assert.deepEqual(summaries[0]!.group, undefined);
  assert.equal(summaries[0]!.kinds, 10_000 - 100 - 50);
});

test("without limits all are told; what was known already is counted", () => {
  const { limit } = limitAt(null);
  assert.equal(admitted(limit, times(1000, report("/a"))), 1000);
  limit.count(report("/a"));
  assert.equal(limit.take()[0]!.count, 1);
});
