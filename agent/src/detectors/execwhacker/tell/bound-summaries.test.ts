import assert from "node:assert/strict";
import { test } from "node:test";
import type { Rule } from "../types.js";
import { boundSummaries, type Summary } from "./bound-summaries.js";

const rule: Rule = { value: Buffer.from("a"), mode: "word", list: "l", index: 0, action: "enforce", allowSet: 0 };

function summary(group: string, count: number, more: Partial<Summary> = {}): Summary {
  return {
    source: "execwhacker.bpf",
    action: "killed",
    count,
    rule,
    group,
    firstNs: BigInt(count),
    lastNs: BigInt(count),
    lastPid: count,
    ...more,
  };
}

const total = (summaries: readonly Summary[]) => summaries.reduce((sum, { count }) => sum + count, 0);

test("a group's kinds beyond its lines are one line, with their number", () => {
  const many = Array.from({ length: 100 }, (_, i) => summary("a", i + 1));
  const bounded = boundSummaries([...many, summary("b", 1)], { perGroup: 3, lines: 50 });
  assert.deepEqual(
    bounded.map(({ group, count, kinds }) => [group, count, kinds]),
    [
      ["a", (97 * 98) / 2, 97],
      ["a", 100, undefined],
      ["a", 99, undefined],
      ["a", 98, undefined],
      ["b", 1, undefined],
    ],
  );
  const { rule, firstNs, lastNs, lastPid } = bounded[0]!;
  assert.deepEqual([rule, firstNs, lastNs, lastPid], [null, 1n, 97n, 97]);
});

test("what is beyond all lines is told without its group, and nothing is lost", () => {
  const many = Array.from({ length: 1000 }, (_, i) =>
    summary(`g${i % 300}`, 1 + (i % 7), i % 2 === 0 ? {} : { action: "spared", allowedBy: "is-substring" }),
  );
  const bounded = boundSummaries(many, { perGroup: 2, lines: 40 });
  assert.equal(total(bounded), total(many));
  assert.ok(bounded.length <= 42, `${bounded.length} lines`);
  assert.deepEqual(
    bounded.slice(40).map(({ action, group, rule, allowedBy }) => [action, group, rule, allowedBy]),
    [
      ["killed", undefined, null, undefined],
      ["spared", undefined, null, undefined],
    ].sort(() => (bounded[40]!.action === "killed" ? 0 : -1)),
  );
});
