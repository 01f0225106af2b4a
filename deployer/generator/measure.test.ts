import assert from "node:assert/strict";
import { test } from "node:test";
import { halfOf } from "./halves.js";
import { measure, precision } from "./measure.js";
import type { Candidate } from "./types.js";

const candidate = (value: string, rule: string): Candidate => ({ value, mode: "word", source: "a test", rule });
// Lines of a half, found by trying: the half of a line is its hash's.
const lines = (half: "tuning" | "held-out", text: string, count: number) =>
  [...Array(200).keys()]
    .map((i) => `${text} ${i}`)
    .filter((line) => halfOf(line) === half)
    .slice(0, count);

test("a line stays in its half whatever blanks are around it, and both halves have lines", () => {
  assert.equal(halfOf(" some line\n"), halfOf("some line"));
  assert.equal(lines("tuning", "x", 20).length, 20);
  assert.equal(lines("held-out", "x", 20).length, 20);
});

test("hits are counted by rule and half, and those that no other rule has", () => {
  const attack = [
    ...lines("tuning", "run kept-one", 3),
    ...lines("held-out", "run kept-one other-two", 2),
    ...lines("held-out", "run missed", 1),
  ].map((text) => ({ text, source: "a test", act: "run" as const }));
  const list = { kept: [candidate("kept-one", "a"), candidate("other-two", "b")], dropped: [], overridden: [] };
  const [all, a, b] = measure(list, attack, []);
  assert.deepEqual([all!.rule, a!.rule, b!.rule], [undefined, "a", "b"]);
  assert.deepEqual(all!.attack, { tuning: { hit: 3, of: 3 }, "held-out": { hit: 2, of: 3 } });
  assert.deepEqual([a!.alone, b!.alone], [3, 0]);
  assert.deepEqual(b!.attack["held-out"], { hit: 2, of: 3 });
  assert.equal(precision(a!), 100);
});

test("a string that fell to a held-out benign line alone counts as a hit that the tuning half does not foresee", () => {
  const benign = [
    ...lines("held-out", "use unseen-name", 2),
    ...lines("held-out", "use seen-name", 2),
    ...lines("tuning", "use seen-name", 1),
  ].map((text, i) => ({ text, place: `corpus:${i}` }));
  const fallen = ["unseen-name", "seen-name"].map((value) => ({
    ...candidate(value, "a"),
    reason: "hits benign corpus:0 and 1 more",
  }));
  const list = { kept: [candidate("kept-one", "a")], dropped: fallen, overridden: [] };
  const attack = lines("held-out", "run kept-one", 6).map((text) => ({ text, source: "a test", act: "run" as const }));
  const [all] = measure(list, attack, benign);
  assert.deepEqual(all!.benign, { list: { hit: 0, of: 5 }, "held-out": { hit: 2, of: 4 } });
  assert.equal(precision(all!), 75);
});
