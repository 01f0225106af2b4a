import assert from "node:assert/strict";
import { test } from "node:test";
import { formFor } from "./exposition.js";
import { createMetrics } from "./metrics.js";

const PROMETHEUS =
  "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";

test("who asks for OpenMetrics has it, and nobody else", () => {
  for (const accept of [PROMETHEUS, "application/openmetrics-text", "application/openmetrics-text; version=1.0.0"])
    assert.equal(formFor(accept), "open", accept);
  for (const accept of [
    "",
    "*/*",
    "text/plain",
    "text/html,application/xml;q=0.9",
    "application/openmetrics-text;version=0.0.1",
    "application/openmetrics-text;q=0",
    "application/openmetrics-text;q=0.1,text/plain;q=0.5",
    "application/openmetrics-text;q=x",
  ])
    assert.equal(formFor(accept), "text", accept);
});

function setUp() {
  const metrics = createMetrics({ detector: "some", isReady: () => true, isAttached: () => true });
  metrics.series.reading("processes_killed_total", "Processes killed", "counter", () => [
    [{ source: "a" }, 3],
    [{ source: "b" }, 0],
  ]);
  return metrics;
}

const container = (namespace: string, pod: string) =>
  ({
    kind: "container",
    type: "cri",
    id: "c",
    image: "i",
    labels: { "io.kubernetes.pod.name": pod, "io.kubernetes.pod.namespace": namespace, secret: "no" },
  }) as const;
const killsOf = (text: string) => text.split("\n").filter((line) => line.startsWith("cryptnono_some_processes_killed"));

test("the last kill stands behind its series in OpenMetrics, and in no other form", () => {
  const metrics = setUp();
  metrics.killed({ source: "a" }, "AAAA-AAAA", { kind: "host" });
  metrics.killed({ source: "a" }, "K7QM-2XPD", container("hub", 'jupyter-"ada'));
  const [a, b] = killsOf(metrics.text("open"));
  assert.match(
    a!,
    /^cryptnono_some_processes_killed_total\{source="a"\} 3 # \{case="K7QM-2XPD",namespace="hub",pod="jupyter-\\"ada"\} 1 \d+\.\d{3}$/,
  );
  assert.equal(b, 'cryptnono_some_processes_killed_total{source="b"} 0');
  assert.ok(killsOf(metrics.text()).every((line) => !line.includes("#")));
  assert.ok(!metrics.text("open").includes('no"'));
});

test("an exemplar keeps to its 128 characters: the case alone, where the pod's name is long", () => {
  const metrics = setUp();
  metrics.killed({ source: "a" }, "K7QM-2XPD", container("hub", "p".repeat(253)));
  assert.match(killsOf(metrics.text("open"))[0]!, / # \{case="K7QM-2XPD"\} 1 /);
});

test("OpenMetrics has the same samples, families without _total, and its end", () => {
  const metrics = setUp();
  const samples = (text: string) => text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  assert.deepEqual(samples(metrics.text("open")), samples(metrics.text()));
  const open = metrics.text("open");
  assert.ok(open.endsWith("\n# EOF\n"));
  assert.match(
    open,
    /# HELP cryptnono_some_processes_killed Processes killed\n# TYPE cryptnono_some_processes_killed counter\n/,
  );
  for (const [, name] of open.matchAll(/^# TYPE (\S+) counter$/gm)) {
    assert.ok(!name!.endsWith("_total"), name);
    assert.match(open, new RegExp(`^${name}_total[ {]`, "m"), "a counter's samples end so");
  }
});
