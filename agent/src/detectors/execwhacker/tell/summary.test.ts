import assert from "node:assert/strict";
import { test } from "node:test";
import type { Tally } from "../ledger.js";
import type { Rules } from "../types.js";
import { summaryOfTally } from "./summary.js";

const rules: Rules = {
  strings: ["a", "b"].map((value, index) => ({
    value: Buffer.from(value),
    mode: "word",
    list: "l",
    index,
    action: "enforce",
    allowSet: 0,
  })),
  allow: [{ source: "p", list: "l", index: 0 }],
  allowSets: [],
};

const tally: Tally = {
  key: "k",
  verdict: "killed",
  group: "7",
  stringId: 1,
  patternId: 0,
  generation: 5,
  total: 9,
  told: 1,
  firstNs: 1n,
  lastNs: 2n,
  cgroupId: 3n,
  pid: 4,
  uid: 5,
};

test("a tally becomes a summary by the rules of its generation", () => {
  const rulesOf = (generation: number) => (generation === 5 ? rules : undefined);
  const summary = summaryOfTally({ verdict: "killed", count: 8, tally }, rulesOf);
  assert.deepEqual(summary, {
    source: "execwhacker.bpf",
    action: "killed",
    count: 8,
    rule: rules.strings[1],
    group: "7",
    firstNs: 1n,
    lastNs: 2n,
    lastPid: 4,
    uid: 5,
    cgroupId: 3n,
  });
  const spared = { ...tally, verdict: "spared_pattern" } as const;
  assert.deepEqual(summaryOfTally({ verdict: "spared_pattern", count: 1, tally: spared }, rulesOf).allowedBy, {
    pattern: rules.allow[0],
  });
  const earlier = summaryOfTally(
    { verdict: "spared_substring", count: 1, tally: { ...tally, generation: 4 } },
    rulesOf,
  );
  assert.deepEqual([earlier.rule, earlier.allowedBy], [null, "is-substring"]);
  assert.equal(
    summaryOfTally({ verdict: "killed", count: 1, tally: { ...tally, stringId: null } }, rulesOf).rule,
    null,
  );
  const apart = summaryOfTally({ verdict: "let_go", count: 1, tally: null }, rulesOf);
  assert.deepEqual(apart, { source: "execwhacker.bpf", action: "let-go", count: 1, rule: null });
});
