import assert from "node:assert/strict";
import { test } from "node:test";
import { pageRows, referenceRows, samples } from "../../report/fixtures/exposition.js";
import { createMetrics } from "../../report/index.js";
import type { Counters } from "../../types.js";
import { flowMetrics } from "./metrics.js";

function made() {
  const all = createMetrics({ detector: "flowkiller", isReady: () => true, isAttached: () => true });
  const common = referenceRows(all.text()).length;
  let counters: Counters | null = { connects: 9n, killed: 4n, scan_killed: 2n, refused: 5n, over_pod_budget: 7n };
  const metrics = flowMetrics(all.series, {
    readCounters: () => counters,
    readNetworks: () => ({ banned: 3, allowed: 1 }),
    way: "by-printk",
    readNamesKilled: () => 6n,
    readEntries: (map) => map.length,
  });
  return { all, common, metrics, forget: () => (counters = null) };
}

test("the reference page has the table of what is exposed", () => {
  const { all, common } = made();
  assert.deepEqual(pageRows("## flowkiller"), referenceRows(all.text()).slice(common));
});

test("the kernel's kills and the agent's are one count, by reason", () => {
  const { all, metrics, forget } = made();
  metrics.killed("banned-ip");
  metrics.killed("scan");
  metrics.killed("name");
  metrics.missed("scan");
  metrics.killFailed("scan");
  for (let i = 0; i < 2; i++) {
    const values = samples(all.text());
    const of = (series: string) => values.get(`cryptnono_flowkiller_${series}`);
    assert.equal(of("connects_checked_total"), 9);
    assert.equal(of('processes_killed_total{reason="banned-ip"}'), 5);
    assert.equal(of('processes_killed_total{reason="scan"}'), 3);
    assert.equal(of('processes_killed_total{reason="name"}'), 7);
    assert.equal(of('map_entries{map="windows"}'), 7);
    assert.equal(of('processes_missed_total{reason="scan"}'), 1);
    assert.equal(of('processes_kill_failed_total{reason="scan"}'), 1);
    assert.equal(of('destinations_refused_total{reason="pod-budget"}'), 7);
    assert.equal(of('kill_way{way="by-printk"}'), 1);
    assert.equal(of("banned_networks"), 3);
    // Detached, no counter falls.
    forget();
  }
});
