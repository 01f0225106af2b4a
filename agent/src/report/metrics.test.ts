import assert from "node:assert/strict";
import { test } from "node:test";
import type { RuntimeStatus } from "../types.js";
import { pageRows, referenceRows, samples } from "./fixtures/exposition.js";
import { createMetrics, type MetricsOptions, PrefixError } from "./metrics.js";

const metrics = (options: Partial<MetricsOptions> = {}) =>
  createMetrics({ detector: "some-detector", isReady: () => true, isAttached: () => false, ...options });

const P = "cryptnono_some_detector_";

test("the exposition keeps to the text format", () => {
  const text = metrics().text();
  const seen = new Set<string>();
  let name = "";
  for (const line of text.slice(0, -1).split("\n")) {
    const help = /^# HELP (\w+) \S.*$/.exec(line)?.[1];
    const type = /^# TYPE (\w+) (counter|gauge|histogram)$/.exec(line)?.[1];
    if (help !== undefined) {
      assert.ok(!seen.has(help), help);
      seen.add(help);
      name = help;
    } else if (type !== undefined) assert.equal(type, name);
    else
      assert.match(
        line,
        new RegExp(`^${name}(_bucket|_sum|_count)?(\\{\\w+="[^"\\\\]*"(,\\w+="[^"\\\\]*")*\\})? -?[0-9.e+-]+$`),
      );
  }
  assert.ok(text.endsWith("\n"));
});

test("what many detectors have exists from the start, at 0", () => {
  const text = metrics().text();
  assert.equal(samples(text).get(`${P}unexpected_errors_total`), 0);
  assert.match(text, new RegExp(`# TYPE ${P}log_and_kill_execution_seconds histogram\n`));
  assert.equal(samples(text).get(`${P}log_and_kill_execution_seconds_bucket{le="+Inf"}`), 0);
});

test("a detector's own series stand beside, and are brought up to date once a scrape", () => {
  const m = metrics();
  let refreshed = 0;
  m.series.beforeScrape(() => void refreshed++);
  const kills = m.series.counter("kills_total", "Kills", [
    ["a", { reason: "a" }],
    ["b", { reason: "b" }],
  ]);
  m.series.gauge("size", "Size", () => refreshed);
  m.series.reading("seen_total", "Seen", "counter", () => [[{}, 2n ** 60n + 1n]]);
  m.series.histogram("wait_seconds", "Wait", [1, 2]).observe(1.5);
  kills.add("b");
  const text = m.text();
  const values = samples(text);
  assert.deepEqual(
    ['kills_total{reason="a"}', 'kills_total{reason="b"}', "size", 'wait_seconds_bucket{le="2"}'].map((name) =>
      values.get(P + name),
    ),
    [0, 1, 1, 1],
  );
  assert.match(text, / 1152921504606846977\n/); // beyond 2^53
});

test("histograms count into cumulative buckets, bounds included", () => {
  const m = metrics();
  for (const seconds of [0, 0.000001, 0.3, 0.5, 11]) m.loggedAndKilled(seconds);
  const values = samples(m.text());
  const name = `${P}log_and_kill_execution_seconds`;
  const bucket = (le: string) => values.get(`${name}_bucket{le="${le}"}`);
  assert.deepEqual([bucket("0.000001"), bucket("0.25"), bucket("0.5"), bucket("10"), bucket("+Inf")], [2, 2, 4, 4, 5]);
  assert.equal(values.get(`${name}_sum`), 11.800001);
  assert.equal(values.get(`${name}_count`), 5);
});

test("the state of the agent is shown", () => {
  const socket = (state: RuntimeStatus["state"]): RuntimeStatus => ({ type: "cri", socketPath: "/s", state });
  const m = metrics({
    readDroppedLines: () => ({
      kill: 8,
      "would-kill": 4,
      "let-go": 3,
      spare: 2,
      refusal: 0,
      lookup: 1,
      summary: 5,
      notice: 6,
      debug: 7,
    }),
    readUntold: () => ({
      killed: 9,
      spared: 10,
      "missed-kill": 11,
      "kill-failed": 0,
      "would-kill": 0,
      "let-go": 0,
    }),
    readMissedRuns: () => 9,
    readRuntimes: () => [socket("absent"), socket("answers"), socket("absent")],
  });
  m.inForce();
  m.reloaded("ok");
  m.reloaded("refused");
  m.lookupFailed("not-permitted");
  m.unexpectedError();
  const values = samples(m.text());
  const expected: Readonly<Record<string, number>> = {
    ready: 1,
    attached: 0,
    config_generation: 1,
    'config_reloads_total{result="ok"}': 1,
    'config_reloads_total{result="refused"}': 1,
    'container_lookup_failures_total{reason="not-permitted"}': 1,
    'container_lookup_failures_total{reason="absent"}': 0,
    'container_runtimes{type="cri",state="answers"}': 1,
    'container_runtimes{type="cri",state="absent"}': 2,
    'container_runtimes{type="docker",state="answers"}': 0,
    unexpected_errors_total: 1,
    'log_lines_dropped_total{kind="kill"}': 8,
    'log_lines_dropped_total{kind="spare"}': 2,
    'log_lines_dropped_total{kind="summary"}': 5,
    'log_lines_dropped_total{kind="debug"}': 7,
    'processes_tallied_total{action="killed"}': 9,
    'processes_tallied_total{action="missed-kill"}': 11,
    program_missed_runs_total: 9,
  };
  for (const [name, value] of Object.entries(expected)) assert.equal(values.get(P + name), value, name);
  assert.ok(Math.abs(values.get(`${P}config_loaded_timestamp_seconds`)! - Date.now() / 1000) < 10);
});

test("the reference page has the table of what every detector exposes", () => {
  const rows = referenceRows(metrics({ version: "0.1.0" }).text()).map((row) => row.replace(P, "cryptnono_DETECTOR_"));
  assert.deepEqual(pageRows("## Every detector"), rows);
});

test("the prefix is the operator's, and checked", () => {
  assert.match(
    metrics({ prefix: "site_a:guard" }).text(),
    /^# HELP site_a:guard_some_detector_unexpected_errors_total /,
  );
  for (const prefix of ["", "1a", "a-b", "a b", "a{", "é"])
    assert.throws(() => metrics({ prefix }), PrefixError, prefix);
});
