import assert from "node:assert/strict";
import { test } from "node:test";
import type { Measure } from "../../../generator/measure.js";
import type { Candidate, Dropped } from "../../../generator/types.js";
import { compareLists, data, droppedByHand, isChange, oneLine, strings, summary, table } from "./changes.js";

const entry = (value: string, mode: Candidate["mode"] = "word") => ({
  value,
  mode,
  source: "a source",
  rule: "a-rule",
});
const list = (kept: readonly Candidate[], dropped: readonly Dropped[] = []) => ({ kept, dropped, overridden: [] });

test("what is new, gone and kept is told apart, mode included", () => {
  const changes = compareLists(
    ["old-string", "same-string", "mode-string"],
    list([entry("mode-string", "anywhere"), entry("new-string"), entry("same-string")]),
  );
  assert.deepEqual(
    changes.added.map(({ value }) => value),
    ["mode-string", "new-string"],
  );
  assert.deepEqual(
    changes.removed.map(({ value }) => value),
    ["old-string", "mode-string"],
  );
  assert.equal(oneLine("encrypted-02", changes), "encrypted-02: 2 added, 2 removed, 1 kept");
});

test("another order is a change, the same list is none", () => {
  const one = list([entry("one-string"), entry("two-string")]);
  assert.equal(isChange(compareLists(["two-string", "one-string"], one)), true);
  assert.match(oneLine("l", compareLists(["two-string", "one-string"], one)), /order changed/);
  assert.equal(isChange(compareLists(["one-string", "two-string"], one)), false);
});

test("the summary counts and names no string, what it shows on demand does", () => {
  const made = list(
    [entry("new-string")],
    [
      { ...entry("gone-string"), reason: "hits benign corpus:7 and 2 more" },
      { ...entry("long-new-string"), reason: "contains new-string" },
      { ...entry("long-new-string-too"), rule: "by-hand", reason: "contains new-string" },
      { ...entry("lost-string"), rule: "by-hand", reason: "hits benign corpus:9" },
    ],
  );
  const changes = compareLists(["gone-string", "long-new-string", "older-string"], made);
  const told = summary(changes, made).join("\n");
  assert.doesNotMatch(told, /-string/);
  assert.match(told, /1 +0 {2}a-rule/);
  assert.match(told, /1 +hits benign corpus/);
  assert.equal(droppedByHand(made).length, 1);
  assert.match(told, /1 +no rule makes it any more/);
  assert.match(told, /1 +covered by another string/);
  assert.deepEqual(strings(changes, made), [
    '+ "new-string" word a-rule a source',
    '- "gone-string" hits benign corpus:7 and 2 more',
    '- "long-new-string" covered by another string',
    '- "older-string" no rule makes it any more',
    '! "lost-string" hits benign corpus:9',
  ]);
});

test("what each rule hits is a table for people and data for programs, without a string", () => {
  const share = (hit: number) => ({ hit, of: 10 });
  const row = (rule: string | undefined, hit: number): Measure => ({
    rule,
    strings: 5,
    attack: { tuning: share(9), "held-out": share(hit) },
    runs: { tuning: share(9), "held-out": share(hit) },
    alone: 2,
    benign: { list: share(0), "held-out": share(1) },
  });
  const measures = [row(undefined, 9), row("a-rule", 3)];
  const [head, all, rule] = table(measures);
  assert.match(head!, /tuning +held out/);
  assert.match(all!, /5 +9\/10 +9\/10 .* 90\.0 % +all rules$/);
  assert.match(rule!, / 3\/10 .* 75\.0 % +a-rule$/);
  const made = list([entry("new-string")]);
  const told = data(compareLists([], made), measures);
  assert.doesNotMatch(told, /new-string/);
  const parsed = JSON.parse(told);
  assert.equal(parsed.added, 1);
  assert.equal(parsed.rules[1].precision, 75);
  assert.equal(parsed.rules[0].rule, null);
});
