import assert from "node:assert/strict";
import { test } from "node:test";
import { pageRows, referenceRows, samples } from "../../report/fixtures/exposition.js";
import { createMetrics } from "../../report/index.js";
import { Comparison } from "./candidate/comparison.js";
import { COUNTER_NAMES, type SensorCounters, sensorCounters } from "./counters.js";
import { execMetrics } from "./metrics.js";
import { narrowMetrics } from "./narrow/metrics.js";
import type { PatternCount } from "./pattern-counts.js";

const COUNTERS: SensorCounters = {
  checked: 1000n,
  killed: 10n,
  would_kill: 20n,
  kill_failed: 1n,
  spared_substring: 30n,
  spared_pattern: 40n,
  spared_scope: 11n,
  let_go: 9n,
  unreadable: 2n,
  over_long: 3n,
  put_off: 9n,
  later_busy: 1n,
  changed: 7n,
  asked: 0n,
  unchecked: 8n,
  wallets_unreadable: 0n,
  wallets_over_long: 0n,
  environment_unreadable: 0n,
  environment_over_long: 0n,
  budget_exceeded: 4n,
  kill_events_lost: 5n,
  other_events_lost: 6n,
  told_killed: 7n,
  told_would_kill: 20n,
  told_kill_failed: 0n,
  told_spared_substring: 5n,
  told_spared_pattern: 6n,
  told_spared_scope: 11n,
  told_let_go: 8n,
  candidate: 0n,
  told_candidate: 0n,
  summed_candidate: 0n,
  summed_killed: 3n,
  summed_would_kill: 0n,
  summed_kill_failed: 0n,
  summed_spared_substring: 0n,
  summed_spared_pattern: 0n,
  summed_spared_scope: 0n,
  summed_let_go: 0n,
};

/** Execwhacker's series, and the text of all. */
function metrics(readCounters: () => SensorCounters | null = () => null, byPattern: readonly PatternCount[] = []) {
  const all = createMetrics({ detector: "execwhacker", isReady: () => true, isAttached: () => false });
  return { ...execMetrics(all.series, readCounters, () => byPattern), text: all.text };
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
    for (const by of ["is-substring", "allowed-pattern", "out-of-scope", "no-match"]) {
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

test("the kernel's counters are read at the scrape", () => {
  let counters: SensorCounters | null = null;
  const m = metrics(() => counters);
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
    [`processes_allowed_total{${BPF},allowedby="out-of-scope"}`]: 11,
    [`processes_allowed_total{${BPF},allowedby="no-match"}`]: 879,
    processes_let_go_total: 9,
    [`command_lines_unsearched_total{reason="unreadable"}`]: 2,
    [`command_lines_unsearched_total{reason="over-long"}`]: 3,
    [`command_lines_unsearched_total{reason="budget"}`]: 4,
    [`events_lost_total{kind="kill"}`]: 5,
    [`events_lost_total{kind="other"}`]: 6,
  };
  for (const [name, value] of Object.entries(expected)) assert.equal(values.get(P + name), value, name);
});

test("no counter falls when the CPUs' counters waver or the sensor is gone", () => {
  let counters: SensorCounters | null = COUNTERS;
  const m = metrics(() => counters);
  const noMatch = () => samples(m.text()).get(`${P}processes_allowed_total{${BPF},allowedby="no-match"}`);
  assert.equal(noMatch(), 879);
  counters = { ...COUNTERS, killed: 11n };
  assert.equal(noMatch(), 879);
  counters = null;
  assert.equal(noMatch(), 879);
  assert.equal(samples(m.text()).get(`${P}processes_killed_total{${BPF}}`), 11);
});

test("a counter beyond 2^53 is exact", () => {
  assert.match(metrics(() => ({ ...COUNTERS, checked: 2n ** 60n + 1n })).text(), / 1152921504606846977\n/);
});

test("the agent's decisions are added to the kernel's, by source", () => {
  const m = metrics(() => COUNTERS);
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

test("what had no event of its own is told by what happened to it", () => {
  const m = metrics(() => COUNTERS);
  m.text();
  assert.deepEqual(m.untold(), { killed: 3n, "would-kill": 0n, "kill-failed": 1n, spared: 25n + 34n, "let-go": 1n });
});

test("what is in force and what a scan came to is shown", () => {
  const m = metrics();
  m.inForce(0, 1);
  m.scanFailed("vanished");
  m.scanFinished(0.2);
  m.killedIfNeeded(0.5);
  const values = samples(m.text());
  const expected: Readonly<Record<string, number>> = {
    banned_strings: 0,
    allowed_patterns: 1,
    'scan_failures_total{reason="vanished"}': 1,
    scan_duration_seconds_count: 1,
    kill_if_needed_execution_seconds_count: 1,
  };
  for (const [name, value] of Object.entries(expected)) assert.equal(values.get(P + name), value, name);
  assert.ok(Math.abs(values.get(`${P}scan_last_finished_timestamp_seconds`)! - Date.now() / 1000) < 10);
});

test("a pattern is named by its list and place", () => {
  const byPattern = [
    { list: "a", index: 0, count: 3 },
    { list: "b", index: 12, count: 0 },
  ];
  const values = samples(metrics(() => null, byPattern).text());
  assert.equal(values.get(`${P}processes_allowed_by_pattern_total{list="a",index="0"}`), 3);
  assert.equal(values.get(`${P}processes_allowed_by_pattern_total{list="b",index="12"}`), 0);
});

test("an object that lacks a counter is refused by the counter's name", () => {
  const all = Object.fromEntries(COUNTER_NAMES.map((name) => [name, 0n]));
  assert.equal(sensorCounters(all)["checked"], 0n);
  const { told_let_go: _, ...rest } = all;
  assert.throws(() => sensorCounters(rest), /no counter told_let_go/);
});

test("the reference page has the table of what is exposed", () => {
  const all = createMetrics({ detector: "execwhacker", isReady: () => true, isAttached: () => false });
  const common = referenceRows(all.text()).length;
  const anyPattern = { list: "LIST", index: 0, count: 0 };
  execMetrics(
    all.series,
    () => null,
    () => [anyPattern],
  );
  narrowMetrics(all.series, { size: 0, noRoom: 0 });
  const comparison = new Comparison({
    ...{ series: all.series, checked: () => 0n, report: () => {}, isFirst: () => true, notice: () => {} },
  });
  const rule = {
    value: new Uint8Array(1),
    mode: "word",
    list: "LIST",
    index: 0,
    action: "audit",
    allowSet: 1,
  } as const;
  const candidate = { lists: [{ list: "LIST", revision: "REVISION" }], strings: 1, patterns: 0 };
  const rules = { strings: [rule], allow: [], allowSets: [[]], candidate };
  comparison.inForce({ generation: 1, isScoped: false, refusedCandidate: null, judgeCandidate: null, rules });
  comparison.grown({ verdict: "candidate", generation: 1, stringId: 0, group: "1" }, 1);
  assert.deepEqual(pageRows("## execwhacker"), referenceRows(all.text()).slice(common));
});
