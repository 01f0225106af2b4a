import assert from "node:assert/strict";
import { test } from "node:test";
import type { Candidate, Dropped } from "../../../generator/types.js";
import { compareLists, droppedByHand, isChange, oneLine, quality, strings, summary } from "./changes.js";

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

test("each rule's share of the attack lines is told, those that it alone hits, and what benign lines cost it", () => {
  const made = list(
    [entry("zz-miner"), { ...entry("zz-pool.example"), rule: "pool" }],
    [
      { ...entry("zz-other.example"), rule: "pool", reason: "hits benign corpus:7" },
      { ...entry("zz-covered"), rule: "pool", reason: "contains zz-miner" },
    ],
  );
  const told = quality(made, ["./zz-miner -o zz-pool.example:33", "./zz-miner", "sh -c 'x | zz-miner'", "ls"]);
  assert.equal(told[0], "3 of 4 attack lines are hit, 75.0 %");
  assert.match(told[2]!, /^ +3 +2 +0 +100\.0 % {2}a-rule$/);
  assert.match(told[3]!, /^ +1 +0 +1 +50\.0 % {2}pool$/);
  assert.doesNotMatch(told.join("\n"), /zz-/);
});
