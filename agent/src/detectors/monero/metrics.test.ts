import assert from "node:assert/strict";
import { test } from "node:test";
import { pageRows, referenceRows, samples } from "../../report/fixtures/exposition.js";
import { createMetrics } from "../../report/index.js";
import { moneroMetrics } from "./metrics.js";

const COUNTERS = { samples: 100n, directed: 30n, killed_registers: 3n, would_kill_four_modes: 2n };

const readTicks = () => ({ ticks: 7, refused: 0, cpuNs: 0 });

function metrics(counters: Readonly<Record<string, bigint>> | null) {
  const all = createMetrics({ detector: "monero", isReady: () => true, isAttached: () => true });
  return {
    ...moneroMetrics(all.series, { readCounters: () => counters, readTicks, readWaiting: () => 0 }),
    text: all.text,
  };
}

test("what the kernel did and what the agent did are one count", () => {
  const { did, text } = metrics(COUNTERS);
  did("killed", "registers");
  did("spared", "four-modes");
  const values = samples(text());
  const of = (rest: string) => values.get(`cryptnono_monero_${rest}`);
  assert.equal(of('processes_killed_total{rule="registers"}'), 4);
  assert.equal(of('processes_killed_total{rule="four-modes"}'), 0);
  assert.equal(of('processes_would_kill_total{rule="four-modes"}'), 2);
  assert.equal(of('processes_allowed_total{rule="four-modes"}'), 1);
  assert.equal(of('samples_total{rounding="nearest"}'), 70);
  assert.equal(of('samples_total{rounding="directed"}'), 30);
});

test("the reference page has the table of what is exposed", () => {
  const all = createMetrics({ detector: "monero", isReady: () => true, isAttached: () => true });
  const common = referenceRows(all.text()).length;
  moneroMetrics(all.series, { readCounters: () => null, readTicks, readWaiting: () => 0 });
  assert.deepEqual(pageRows("## monero"), referenceRows(all.text()).slice(common));
});
