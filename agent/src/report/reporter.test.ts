import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContainerLookup, ContainerResult } from "../types.js";
import { LineWriter } from "./line-writer.js";
import { createFormatter, type ProcessLine } from "./log.js";
import { createMetrics } from "./metrics.js";
import { createReporter } from "./reporter.js";
import type { Sink } from "./sink.js";

const LINE: ProcessLine = {
  kind: "kill",
  level: "info",
  cgroup: { source: "kernel", paths: ["/pod/a"] },
  pid: 7,
  source: "some",
  fill: (fields) => fields.set("action", "killed"),
};

function reporterWith(lookup?: ContainerLookup["lookup"]) {
  let nowMs = 0;
  let text = "";
  const sink: Sink = {
    write(bytes) {
      text += Buffer.from(bytes).toString();
      return bytes.length;
    },
    whenWritable: () => {},
    close: () => {},
  };
  const writer = new LineWriter({ sink });
  const metrics = createMetrics({ detector: "some", isReady: () => true, isAttached: () => true });
  const reporter = createReporter({ formatter: createFormatter(), writer, metrics, nowMs: () => nowMs });
  if (lookup !== undefined) reporter.lookUpWith({ lookup, runtimes: () => [], hurry: () => {}, close: async () => {} });
  return {
    reporter,
    metrics,
    pass: (ms: number): void => {
      nowMs += ms;
    },
    async lines() {
      await reporter.settle();
      await writer.flush(1000);
      return text
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line));
    },
  };
}

const IN_POD: ContainerResult = { kind: "container", type: "cri", id: "ab", labels: { pod: "p" }, image: "i:1" };
const FAILED: ContainerResult = { kind: "failed", why: "silent", reason: "r", cgroupLine: "/pod/a", id: "ab" };

test("a line waits for its container's name, and one without a cgroup does not", async () => {
  let answer: (container: ContainerResult) => void = () => {};
  const { reporter, lines } = reporterWith(
    () =>
      new Promise((resolve) => {
        answer = resolve;
      }),
  );
  reporter.tell(LINE, 0);
  reporter.tell({ ...LINE, cgroup: null, fill: (fields) => fields.set("action", "observed") }, 0);
  answer(IN_POD);
  assert.deepEqual(
    (await lines()).map(({ action, labels }) => [action, labels]),
    [
      ["observed", undefined],
      ["killed", { pod: "p" }],
    ],
  );
});

test("a container without a name is told and counted with a process's line, and not with that of many", async () => {
  const { reporter, metrics, lines } = reporterWith(async () => FAILED);
  reporter.tell(LINE, 0);
  reporter.tell({ ...LINE, kind: "summary", fill: (fields) => fields.set("action", "killed-summary") }, 0);
  assert.deepEqual(
    (await lines()).map(({ action, container_id }) => [action, container_id]),
    [
      ["container-lookup-failed", "ab"],
      ["killed", "ab"],
      ["killed-summary", "ab"],
    ],
  );
  assert.match(metrics.text(), /container_lookup_failures_total\{reason="silent"\} 1\n/);
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
