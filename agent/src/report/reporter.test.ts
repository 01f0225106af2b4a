import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContainerLookup, ContainerResult, Outcome, Report } from "../types.js";
import { LineWriter } from "./line-writer.js";
import { createFormatter } from "./log.js";
import { createMetrics } from "./metrics.js";
import { ReportLimit, reportLimits } from "./report-limit.js";
import { createReporter } from "./reporter.js";
import type { Sink } from "./sink.js";
import type { Summary } from "./summary.js";

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

function reporterWith({ wholeLines = 16, maxQueuedBytes = 1 << 20 } = {}) {
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
  const reporter = createReporter({ formatter: createFormatter(), writer, metrics, limit, nowMs: now });
  return {
    reporter,
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
  const { reporter, metrics, lines } = reporterWith();
  const found = report({ source: "psutil.process_iter", outcome: { action: "killed", by: "agent" } });
  for (let i = 0; i < 10_000; i++) reporter.offer(found, 0);
  reporter.tellCounts(() => []);
  const written = await lines();
  assert.equal(written.filter(({ action }) => action === "killed").length, 16);
  const [summary, ...others] = written.filter(({ action }) => action === "killed-summary");
  assert.deepEqual(others, []);
  assert.deepEqual([summary.count, summary.source, summary.rule], [9984, "psutil.process_iter", "l[0]"]);
  assert.match(metrics.text(), /processes_tallied_total\{action="killed"\} 9984\n/);
});

test("findings of processes without a group are grouped by their cgroup", async () => {
  const { reporter, lines } = reporterWith();
  const { group: _, ...found } = report({ source: "psutil.process_iter" });
  for (const name of ["a", "b"]) {
    const process = { ...found.process, cgroup: { source: "proc", lines: `0::/pod/${name}` } as const };
    for (let i = 0; i < 20; i++) reporter.offer({ ...found, process }, 0);
  }
  reporter.tellCounts(() => []);
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
  const { reporter, lines } = reporterWith();
  const asked: unknown[] = [];
  reporter.lookUpWith(
    lookupWith(async (cgroup) => {
      asked.push(cgroup);
      return IN_POD;
    }),
  );
  reporter.tell(report(), 0);
  reporter.tellCounts(() => [SUMMARY, { ...SUMMARY, group: "8", count: 4 }]);
  const written = await lines();
  const [known, unknown] = [5, 4].map((count) => written.find((line) => line.count === count));
  assert.deepEqual([known.count, known.labels, known.cgroup], [5, { pod: "p" }, "/pod/a"]);
  assert.deepEqual([unknown.count, unknown.labels, unknown.cgroup], [4, undefined, undefined]);
  assert.equal(asked.length, 2);
});

test("a summary whose container cannot be named is one line", async () => {
  const { reporter, metrics, lines } = reporterWith();
  const failed: ContainerResult = { kind: "failed", why: "silent", reason: "r", cgroupLine: "/pod/a", id: "ab" };
  reporter.lookUpWith(lookupWith(async () => failed));
  const cgroup = { source: "kernel", paths: ["/pod/a"] } as const;
  reporter.tellCounts(() => [{ ...SUMMARY, cgroup }]);
  assert.deepEqual(
    (await lines()).map(({ action, container_id }) => [action, container_id]),
    [["killed-summary", "ab"]],
  );
  assert.match(metrics.text(), /container_lookup_failures_total\{reason="silent"\} 0\n/);
});

test("counts wait while the log's reader is slow, but not at the end", async () => {
  const { reporter, sink, lines } = reporterWith({ maxQueuedBytes: 4096 });
  sink.room = 0;
  for (let i = 0; i < 10; i++) reporter.tell(report(), 0);
  let taken = 0;
  const take = () => {
    taken++;
    return [SUMMARY];
  };
  await new Promise(setImmediate);
  for (let i = 0; i < 10; i++) reporter.tell(report(), 0);
  reporter.tellCounts(take);
  assert.equal(taken, 0);
  reporter.tellCounts(take, true);
  assert.equal(taken, 1);
  sink.open();
  const written = await lines();
  const whole = written.filter(({ action }) => action === "killed").length;
  const dropped = written.find(({ event }) => event.startsWith("Log lines dropped"));
  assert.equal(whole + dropped.kill, 20);
  assert.ok(written.some(({ action, count }) => action === "killed-summary" && count === 5));
});

test("lines that were dropped are told once", async () => {
  const { reporter, sink, lines } = reporterWith({ maxQueuedBytes: 4096 });
  sink.room = 0;
  for (let i = 0; i < 20; i++) reporter.tell(report({ outcome: { action: "would-kill" } }), 0);
  sink.open();
  await lines();
  reporter.tellCounts(() => []);
  reporter.tellCounts(() => []);
  const written = await lines();
  const told = written.filter(({ event }) => event.startsWith("Log lines dropped"));
  assert.equal(told.length, 1);
  assert.equal(told[0]["would-kill"] + written.filter(({ action }) => action === "would-kill").length, 20);
  assert.equal(told[0].level, "warning");
});

test("of long command lines only so many are shown at length", async () => {
  const { reporter, pass, lines } = reporterWith();
  const long = report({}, ["x", "banned", "a".repeat(8000)]);
  for (let i = 0; i < 200; i++) reporter.tell(long, 0);
  pass(1000);
  reporter.tell(long, 0);
  const lengths = (await lines()).map(({ cmdline }) => cmdline.length > 1024);
  const whole = lengths.filter(Boolean).length;
  assert.ok(whole > 100 && whole < 150, `${whole} whole lines`);
  assert.deepEqual(lengths.slice(-2), [false, true]);
});

test("without bounds every line is whole", async () => {
  const { reporter, lines } = reporterWith({ wholeLines: 0, maxQueuedBytes: 8 << 20 });
  const long = report({}, ["x", "banned", "a".repeat(8000)]);
  for (let i = 0; i < 200; i++) reporter.offer(long, 0);
  const written = await lines();
  assert.equal(written.length, 200);
  for (const { cmdline } of written) assert.ok(cmdline.length > 8000);
});

test("a fault that comes again and again is told some times, then now and then with the number of others", async () => {
  const { reporter, metrics, pass, lines } = reporterWith();
  for (let i = 0; i < 1000; i++) reporter.fault(new Error("again"));
  pass(5000);
  reporter.fault(new Error("again"));
  const written = await lines();
  assert.equal(written.length, 21);
  assert.equal(written.at(-1).others_before, 980);
  assert.match(metrics.text(), /unexpected_errors_total 1001\n/);
});

test("a report that waits keeps no more of a long command line than can be shown", async () => {
  const { reporter, lines } = reporterWith();
  let answer: (container: ContainerResult) => void = () => {};
  reporter.lookUpWith(
    lookupWith(
      () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    ),
  );
  const found = report({ source: "psutil.process_iter" }, ["x", "a".repeat(3_000_000), "banned", "tail"]);
  reporter.offer(found, 0);
  answer(IN_POD);
  const [line] = await lines();
  assert.match(line.cmdline, /banned tail/);
  assert.equal(line.truncated.cmdline.total_bytes, 6 + 1 + 3_000_000 + 1 + 6 + 1 + 4);
  assert.ok(line.truncated.cmdline.captured_bytes < 10_000);
});
