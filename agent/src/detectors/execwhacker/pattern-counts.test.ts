import assert from "node:assert/strict";
import { test } from "node:test";
import type { Tally } from "./ledger.js";
import { PatternCounts } from "./pattern-counts.js";
import type { Rules } from "./types.js";

const rulesOf = (...sources: string[]): Rules => ({
  strings: [],
  allow: sources.map((source, index) => ({ source, list: "l", index })),
  allowSets: [],
});
const LISTS: Readonly<Record<number, Rules>> = { 1: rulesOf("a", "b"), 2: rulesOf("b") };

const tally = (fields: Partial<Tally>): Tally => ({
  key: "k",
  verdict: "spared_pattern",
  group: "1",
  stringId: 0,
  patternId: 0,
  generation: 1,
  total: 1,
  told: 0,
  firstNs: 0n,
  lastNs: 0n,
  cgroupId: 0n,
  pid: 1,
  uid: 0,
  ...fields,
});

test("what a pattern spared is counted by where it stood in its list, in whichever list that was", () => {
  const counts = new PatternCounts((generation) => LISTS[generation]);
  counts.inForce(LISTS[1]!);
  counts.grown(tally({ patternId: 1 }), 3);
  counts.inForce(LISTS[2]!);
  counts.grown(tally({ patternId: 1 }), 2); // a record of the list before
  counts.grown(tally({ generation: 2 }), 4);
  assert.deepEqual(counts.read(), [
    { list: "l", index: 0, count: 4 },
    { list: "l", index: 1, count: 5 },
  ]);
});

test("other verdicts, and patterns of lists that nobody knows, are not counted", () => {
  const counts = new PatternCounts((generation) => LISTS[generation]);
  counts.inForce(LISTS[2]!);
  counts.grown(tally({ verdict: "killed", generation: 2 }), 1);
  counts.grown(tally({ verdict: "spared_substring", generation: 2 }), 1);
  counts.grown(tally({ generation: 9 }), 1);
  counts.grown(tally({ generation: 2, patternId: 7 }), 1);
  assert.deepEqual(counts.read(), [{ list: "l", index: 0, count: 0 }]);
});
