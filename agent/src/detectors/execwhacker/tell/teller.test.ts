import assert from "node:assert/strict";
import { test } from "node:test";
import {
  bootClock,
  createFormatter,
  createMetrics,
  createReporter,
  LineWriter,
  type Sink,
} from "../../../report/index.js";
import type { ContainerLookup, ContainerResult } from "../../../types.js";
import type { Outcome, Report } from "../types.js";
import type { Summary } from "./bound-summaries.js";
import { ReportLimit, reportLimits } from "./report-limit.js";
import { createTeller } from "./teller.js";

const killed: Outcome = { action: "killed", by: "kernel" };

function report(more: Partial<Report> = {}, args: readonly string[] = ["x", "banned"]): Report {
  const list = args.map((argument) => Buffer.from(argument));
  return {
    source: "execwhacker.bpf",
    process: {
      pid: 7,
      ppid: 1,
      uid: 0,
      startTimeNs: 1n,
      path: Buffer.from("/bin/x"),
      args: list,
      argsBytes: list.reduce((sum, { length }) => sum + length + 1, 0),
      comm: Buffer.from("x"),
      parentComm: Buffer.from("sh"),
      cgroup: { source: "kernel", paths: ["/pod/a"] },
    },
    rule: { value: Buffer.from("banned"), mode: "word", list: "l", index: 0, action: "enforce", allowSet: 0 },
    outcome: killed,
    group: "7",
    ...more,
  };
}

/** Takes `room` bytes. */
class FakeSink implements Sink {
  room = Number.POSITIVE_INFINITY;
  text = "";
  #again: (() => void) | undefined;
  write(bytes: Uint8Array): number {
    const taken = Math.min(bytes.length, this.room);
    this.text += Buffer.from(bytes.subarray(0, taken)).toString();
    this.room -= taken;
    return taken;
  }
  whenWritable(again: () => void): void {
    this.#again = again;
  }
  open(): void {
    this.room = Number.POSITIVE_INFINITY;
    this.#again?.();
  }
  close(): void {}
}

/** What a teller says, as the log's reader gets it. */
function tellerWith({ wholeLines = 16, maxQueuedBytes = 1 << 20 } = {}) {
  let nowMs = 0;
  const now = () => nowMs;
  const sink = new FakeSink();
  const writer = new LineWriter({ sink, maxQueuedBytes });
  const limit = new ReportLimit(wholeLines === 0 ? null : reportLimits(wholeLines), () => 5n, now);
  const metrics = createMetrics({
    detector: "some",
    isReady: () => true,
    isAttached: () => true,
    readUntold: () => limit.counts,
    readDroppedLines: () => writer.dropped,
  });
  const reporter = createReporter({ formatter: createFormatter(), writer, metrics, nowMs: now });
  const teller = createTeller({ tell: reporter.tell, limit, timeOf: bootClock(), nowMs: now });
  return {
    teller,
    lookUpWith: reporter.lookUpWith,
    /** As the tallying does. */
    tellCounts: (take: () => readonly Summary[], isLast?: boolean) =>
      reporter.tellCounts(() => teller.tellCounts(take()), isLast),
    metrics,
    sink,
    pass: (ms: number): void => {
      nowMs += ms;
    },
    async lines() {
      await reporter.settle();
      await writer.flush(1000);
      return sink.text
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line));
    },
  };
}

function lookupWith(lookup: ContainerLookup["lookup"]): ContainerLookup {
  return { lookup, runtimes: () => [], hurry: () => {}, close: async () => {} };
}

const IN_POD: ContainerResult = { kind: "container", type: "cri", id: "ab", labels: { pod: "p" }, image: "i:1" };
const SUMMARY: Summary = { source: "execwhacker.bpf", action: "killed", count: 5, rule: null, group: "7" };

test("ten thousand findings of a scan are a few lines and one with their number", async () => {
  const { teller, metrics, lines, tellCounts } = tellerWith();
  const found = report({ source: "psutil.process_iter", outcome: { action: "killed", by: "agent" } });
  for (let i = 0; i < 10_000; i++) teller.offer(found, 0);
  tellCounts(() => []);
  const written = await lines();
  assert.equal(written.filter(({ action }) => action === "killed").length, 16);
  const [summary, ...others] = written.filter(({ action }) => action === "killed-summary");
  assert.deepEqual(others, []);
  assert.deepEqual([summary.count, summary.source, summary.rule], [9984, "psutil.process_iter", "l[0]"]);
  assert.match(metrics.text(), /processes_tallied_total\{action="killed"\} 9984\n/);
});

test("findings of processes without a group are grouped by their cgroup", async () => {
  const { teller, lines, tellCounts } = tellerWith();
  const { group: _, ...found } = report({ source: "psutil.process_iter" });
  for (const name of ["a", "b"]) {
    const process = { ...found.process, cgroup: { source: "proc", lines: `0::/pod/${name}` } as const };
    for (let i = 0; i < 20; i++) teller.offer({ ...found, process }, 0);
  }
  tellCounts(() => []);
  const summaries = (await lines()).filter(({ action }) => action === "killed-summary");
  assert.deepEqual(
    summaries.map(({ cgroup, count }) => [cgroup, count]),
    [
      ["/pod/a", 4],
      ["/pod/b", 4],
    ],
  );
});

test("a summary is named by where a process of its group was told to stand", async () => {
  const { teller, lines, tellCounts, lookUpWith } = tellerWith();
  const asked: unknown[] = [];
  lookUpWith(
    lookupWith(async (cgroup) => {
      asked.push(cgroup);
      return IN_POD;
    }),
  );
  teller.tell(report(), 0);
  tellCounts(() => [SUMMARY, { ...SUMMARY, group: "8", count: 4 }]);
  const written = await lines();
  const [known, unknown] = [5, 4].map((count) => written.find((line) => line.count === count));
  assert.deepEqual([known.count, known.labels, known.cgroup], [5, { pod: "p" }, "/pod/a"]);
  assert.deepEqual([unknown.count, unknown.labels, unknown.cgroup], [4, undefined, undefined]);
  assert.equal(asked.length, 2);
});

test("a summary whose container cannot be named is one line", async () => {
  const { metrics, lines, tellCounts, lookUpWith } = tellerWith();
  const failed: ContainerResult = { kind: "failed", why: "silent", reason: "r", cgroupLine: "/pod/a", id: "ab" };
  lookUpWith(lookupWith(async () => failed));
  const cgroup = { source: "kernel", paths: ["/pod/a"] } as const;
  tellCounts(() => [{ ...SUMMARY, cgroup }]);
  assert.deepEqual(
    (await lines()).map(({ action, container_id }) => [action, container_id]),
    [["killed-summary", "ab"]],
  );
  assert.match(metrics.text(), /container_lookup_failures_total\{reason="silent"\} 0\n/);
});

test("counts wait while the log's reader is slow, but not at the end", async () => {
  const { teller, sink, lines, tellCounts } = tellerWith({ maxQueuedBytes: 4096 });
  sink.room = 0;
  for (let i = 0; i < 10; i++) teller.tell(report(), 0);
  let taken = 0;
  const take = () => {
    taken++;
    return [SUMMARY];
  };
  await new Promise(setImmediate);
  for (let i = 0; i < 10; i++) teller.tell(report(), 0);
  tellCounts(take);
  assert.equal(taken, 0);
  tellCounts(take, true);
  assert.equal(taken, 1);
  sink.open();
  const written = await lines();
  const whole = written.filter(({ action }) => action === "killed").length;
  const dropped = written.find(({ event }) => event.startsWith("Log lines dropped"));
  assert.equal(whole + dropped.kill, 20);
  assert.ok(written.some(({ action, count }) => action === "killed-summary" && count === 5));
});

test("lines that were dropped are told once", async () => {
  const { teller, sink, lines, tellCounts } = tellerWith({ maxQueuedBytes: 4096 });
  sink.room = 0;
  for (let i = 0; i < 20; i++) teller.tell(report({ outcome: { action: "would-kill" } }), 0);
  sink.open();
  await lines();
  tellCounts(() => []);
  tellCounts(() => []);
  const written = await lines();
  const told = written.filter(({ event }) => event.startsWith("Log lines dropped"));
  assert.equal(told.length, 1);
  assert.equal(told[0]["would-kill"] + written.filter(({ action }) => action === "would-kill").length, 20);
  assert.equal(told[0].level, "warning");
});

test("of long command lines only so many are shown at length", async () => {
  const { teller, pass, lines } = tellerWith();
  const long = report({}, ["x", "banned", "a".repeat(8000)]);
  for (let i = 0; i < 200; i++) teller.tell(long, 0);
  pass(1000);
  teller.tell(long, 0);
  const lengths = (await lines()).map(({ cmdline }) => cmdline.length > 1024);
  const whole = lengths.filter(Boolean).length;
  assert.ok(whole > 100 && whole < 150, `${whole} whole lines`);
  assert.deepEqual(lengths.slice(-2), [false, true]);
});

test("without bounds every line is whole", async () => {
  const { teller, lines } = tellerWith({ wholeLines: 0, maxQueuedBytes: 8 << 20 });
  const long = report({}, ["x", "banned", "a".repeat(8000)]);
  for (let i = 0; i < 200; i++) teller.offer(long, 0);
  const written = await lines();
  assert.equal(written.length, 200);
  for (const { cmdline } of written) assert.ok(cmdline.length > 8000);
});

test("a report that waits keeps no more of a long command line than can be shown", async () => {
  const { teller, lines, lookUpWith } = tellerWith();
  let answer: (container: ContainerResult) => void = () => {};
  lookUpWith(
    lookupWith(
      () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    ),
  );
  const found = report({ source: "psutil.process_iter" }, ["x", "a".repeat(3_000_000), "banned", "tail"]);
  teller.offer(found, 0);
  answer(IN_POD);
  const [line] = await lines();
  assert.match(line.cmdline, /banned tail/);
  assert.equal(line.truncated.cmdline.total_bytes, 6 + 1 + 3_000_000 + 1 + 6 + 1 + 4);
  assert.ok(line.truncated.cmdline.captured_bytes < 10_000);
});
