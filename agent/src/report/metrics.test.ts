import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { RuntimeStatus, SensorCounters } from "../types.js";
import { Reading } from "./exposition.js";
import { createMetrics, type MetricsOptions, PrefixError } from "./metrics.js";

const COUNTERS: SensorCounters = {
  checked: 1000n,
  killed: 10n,
  would_kill: 20n,
  kill_failed: 1n,
  spared_substring: 30n,
  spared_pattern: 40n,
  let_go: 9n,
  unreadable: 2n,
  over_long: 3n,
  put_off: 9n,
  later_busy: 1n,
  changed: 7n,
  unchecked: 8n,
  budget_exceeded: 4n,
  kill_events_lost: 5n,
  other_events_lost: 6n,
  told_killed: 7n,
  told_would_kill: 20n,
  told_kill_failed: 0n,
  told_spared_substring: 5n,
  told_spared_pattern: 6n,
  told_let_go: 8n,
  summed_killed: 3n,
  summed_would_kill: 0n,
  summed_kill_failed: 0n,
  summed_spared_substring: 0n,
  summed_spared_pattern: 0n,
  summed_let_go: 0n,
};

const metrics = (options: Partial<MetricsOptions> = {}) =>
  createMetrics({ readCounters: () => null, isReady: () => true, isAttached: () => false, ...options });

/** Samples by name and labels. */
function samples(text: string): Map<string, number> {
  return new Map(
    text
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]),
  );
}

const P = "cryptnono_execwhacker_";
const BPF = 'source="execwhacker.bpf"';
const SCAN = 'source="psutil.process_iter"';

test("the contract's series exist from the start, at 0, with its types", () => {
  const text = metrics().text();
  const values = samples(text);
  for (const source of [BPF, SCAN]) {
    for (const name of ["checked", "killed", "missed"])
      assert.equal(values.get(`${P}processes_${name}_total{${source}}`), 0, name);
    for (const by of ["is-substring", "allowed-pattern", "no-match"]) {
      assert.equal(values.get(`${P}processes_allowed_total{${source},allowedby="${by}"}`), 0, by);
    }
  }
  assert.equal(values.get(`${P}unexpected_errors_total`), 0);
  for (const name of ["log_and_kill", "kill_if_needed"]) {
    assert.match(text, new RegExp(`# TYPE ${P}${name}_execution_seconds histogram\n`));
    assert.equal(values.get(`${P}${name}_execution_seconds_count`), 0);
    assert.equal(values.get(`${P}${name}_execution_seconds_bucket{le="+Inf"}`), 0);
  }
  for (const name of [
    "processes_checked",
    "processes_killed",
    "processes_missed",
    "processes_allowed",
    "unexpected_errors",
  ]) {
    assert.match(text, new RegExp(`# TYPE ${P}${name}_total counter\n`));
  }
});

test("the exposition keeps to the text format", () => {
  const text = metrics({ readCounters: () => COUNTERS }).text();
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

test("the kernel's counters are read at the scrape", () => {
  let counters: SensorCounters | null = null;
  const m = metrics({ readCounters: () => counters });
  m.text();
  counters = COUNTERS;
  const values = samples(m.text());
  const expected: Readonly<Record<string, number>> = {
    [`processes_checked_total{${BPF}}`]: 1000,
    [`processes_killed_total{${BPF}}`]: 10,
    [`processes_would_kill_total{${BPF}}`]: 20,
    [`processes_kill_failed_total{${BPF}}`]: 1,
    [`processes_allowed_total{${BPF},allowedby="is-substring"}`]: 30,
    [`processes_allowed_total{${BPF},allowedby="allowed-pattern"}`]: 40,
    [`processes_allowed_total{${BPF},allowedby="no-match"}`]: 890,
    processes_let_go_total: 9,
    [`command_lines_unsearched_total{reason="unreadable"}`]: 2,
    [`command_lines_unsearched_total{reason="over-long"}`]: 3,
    [`command_lines_unsearched_total{reason="budget"}`]: 4,
    [`events_lost_total{kind="kill"}`]: 5,
    [`events_lost_total{kind="other"}`]: 6,
    [`processes_tallied_total{action="killed"}`]: 3,
    [`processes_tallied_total{action="would-kill"}`]: 0,
    [`processes_tallied_total{action="kill-failed"}`]: 1,
    [`processes_tallied_total{action="spared"}`]: 25 + 34,
    [`processes_tallied_total{action="let-go"}`]: 1,
    [`processes_tallied_total{action="missed-kill"}`]: 0,
  };
  for (const [name, value] of Object.entries(expected)) assert.equal(values.get(P + name), value, name);
});

test("no counter falls when the CPUs' counters waver or the sensor is gone", () => {
  let counters: SensorCounters | null = COUNTERS;
  const m = metrics({ readCounters: () => counters });
  const noMatch = () => samples(m.text()).get(`${P}processes_allowed_total{${BPF},allowedby="no-match"}`);
  assert.equal(noMatch(), 890);
  counters = { ...COUNTERS, killed: 11n };
  assert.equal(noMatch(), 890);
  counters = null;
  assert.equal(noMatch(), 890);
  assert.equal(samples(m.text()).get(`${P}processes_killed_total{${BPF}}`), 11);
});

test("a counter beyond 2^53 is exact", () => {
  assert.match(
    metrics({ readCounters: () => ({ ...COUNTERS, checked: 2n ** 60n + 1n }) }).text(),
    / 1152921504606846977\n/,
  );
});

test("the agent's decisions are added to the kernel's, by source", () => {
  const m = metrics({ readCounters: () => COUNTERS });
  m.decided("execwhacker.bpf", "killed");
  m.decided("execwhacker.bpf", "allowed-pattern");
  m.decided("execwhacker.bpf", "missed");
  for (const decision of ["killed", "missed", "is-substring", "no-match", "would-kill", "kill-failed"] as const) {
    m.decided("psutil.process_iter", decision);
  }
  m.scanned();
  m.scanned();
  const values = samples(m.text());
  const expected: Readonly<Record<string, number>> = {
    [`processes_killed_total{${BPF}}`]: 11,
    [`processes_missed_total{${BPF}}`]: 1,
    [`processes_allowed_total{${BPF},allowedby="allowed-pattern"}`]: 41,
    [`processes_checked_total{${SCAN}}`]: 2,
    [`processes_killed_total{${SCAN}}`]: 1,
    [`processes_missed_total{${SCAN}}`]: 1,
    [`processes_allowed_total{${SCAN},allowedby="is-substring"}`]: 1,
    [`processes_allowed_total{${SCAN},allowedby="allowed-pattern"}`]: 0,
    [`processes_allowed_total{${SCAN},allowedby="no-match"}`]: 1,
    [`processes_would_kill_total{${SCAN}}`]: 1,
    [`processes_kill_failed_total{${SCAN}}`]: 1,
  };
  for (const [name, value] of Object.entries(expected)) assert.equal(values.get(P + name), value, name);
});

test("histograms count into cumulative buckets, bounds included", () => {
  const m = metrics();
  for (const seconds of [0, 0.000001, 0.3, 0.5, 11]) m.killedIfNeeded(seconds);
  const values = samples(m.text());
  const name = `${P}kill_if_needed_execution_seconds`;
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
  m.inForce({ strings: [], allow: [{ source: "x", list: "l", index: 0 }], allowSets: [] });
  m.reloaded("ok");
  m.reloaded("refused");
  m.lookupFailed("not-permitted");
  m.unexpectedError();
  m.scanFailed("vanished");
  m.scanFinished(0.2);
  const values = samples(m.text());
  const expected: Readonly<Record<string, number>> = {
    ready: 1,
    attached: 0,
    banned_strings: 0,
    allowed_patterns: 1,
    config_generation: 1,
    'config_reloads_total{result="ok"}': 1,
    'config_reloads_total{result="refused"}': 1,
    'container_lookup_failures_total{reason="not-permitted"}': 1,
    'container_lookup_failures_total{reason="absent"}': 0,
    'container_runtimes{type="cri",state="answers"}': 1,
    'container_runtimes{type="cri",state="absent"}': 2,
    'container_runtimes{type="docker",state="answers"}': 0,
    unexpected_errors_total: 1,
    'scan_failures_total{reason="vanished"}': 1,
    scan_duration_seconds_count: 1,
    'log_lines_dropped_total{kind="kill"}': 8,
    'log_lines_dropped_total{kind="spare"}': 2,
    'log_lines_dropped_total{kind="summary"}': 5,
    'log_lines_dropped_total{kind="debug"}': 7,
    'processes_tallied_total{action="killed"}': 9,
    'processes_tallied_total{action="missed-kill"}': 11,
    program_missed_runs_total: 9,
  };
  for (const [name, value] of Object.entries(expected)) assert.equal(values.get(P + name), value, name);
  for (const name of ["config_loaded", "scan_last_finished"]) {
    assert.ok(Math.abs(values.get(`${P}${name}_timestamp_seconds`)! - Date.now() / 1000) < 10);
  }
});

/** The table of docs/reference/metrics.md as the exposition has it. */
function referenceRows(text: string): string[] {
  return [...text.matchAll(/^# HELP (\w+) (.*)\n# TYPE \1 (\w+)\n((?:[^#].*\n)*)/gm)].map(
    ([, name, help, type, lines]) => {
      const labels = new Map<string, Set<string>>();
      for (const [, key, value] of type === "histogram" ? [] : lines!.matchAll(/(\w+)="([^"]*)"/g)) {
        labels.set(key!, (labels.get(key!) ?? new Set()).add(`\`${value}\``));
      }
      const shown = [...labels].map(([key, values]) => `\`${key}\`: ${[...values].join(", ")}`).join("; ");
      return `| \`${name}\` | ${type} | ${shown} | ${help} |`;
    },
  );
}

test("the reference page has the table of what is exposed", () => {
  const page = readFileSync(new URL("../../../../docs/reference/metrics.md", import.meta.url), "utf8");
  const rows = page.split("\n").filter((line) => line.startsWith("| `"));
  assert.deepEqual(rows, referenceRows(metrics({ version: "0.1.0" }).text()));
});

test("the prefix is the operator's, and checked", () => {
  assert.match(metrics({ prefix: "site_a:guard" }).text(), /^# HELP site_a:guard_execwhacker_processes_checked_total /);
  for (const prefix of ["", "1a", "a-b", "a b", "a{", "é"])
    assert.throws(() => metrics({ prefix }), PrefixError, prefix);
});

test("a detector's own series stand instead of those of one that judges command lines", () => {
  const m = metrics({
    detector: "other",
    series: (name) => [new Reading(name("things_total"), "Things", "counter", () => [[{}, 3]])],
  });
  m.loaded();
  const text = m.text();
  assert.match(text, /^cryptnono_other_things_total 3$/m);
  assert.match(text, /^cryptnono_other_config_generation 1$/m);
  assert.match(text, /^cryptnono_other_ready 1$/m);
  assert.doesNotMatch(text, /execwhacker|processes_checked|banned_strings|scan_/);
});
