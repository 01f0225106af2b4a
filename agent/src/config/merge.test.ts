import assert from "node:assert/strict";
import { test } from "node:test";
import { fold } from "@cryptnono/matcher";
import fc from "fast-check";
import { mergeRules } from "./merge.js";
import type { ConfigFile } from "./parse.js";

const file = (name: string, values: readonly string[], more: Partial<ConfigFile> = {}): ConfigFile => ({
  file: name,
  strings: values.map((text) => ({ value: Buffer.from(text), text, mode: "word" })),
  patterns: [],
  ...more,
});

const shown = (files: readonly ConfigFile[]) =>
  mergeRules(files, "enforce").strings.map(
    ({ value, list, index, action }) => `${Buffer.from(value)} ${list}[${index}] ${action}`,
  );

test("rules keep the order of files and name their list and index", () => {
  assert.deepEqual(shown([file("/c/b.json", ["x", "y"]), file("/c/a.json", ["z"])]), [
    "x b[0] enforce",
    "y b[1] enforce",
    "z a[0] enforce",
  ]);
});

test("strings are equal when the matcher folds them to the same bytes", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.string({
          unit: fc.constantFrom("a", "A", " ", "\t", "\n", "é", "É", "\u2028", "ß"),
          minLength: 1,
          maxLength: 3,
        }),
      ),
      (texts) => {
        const byBytes = new Set(texts.map((text) => Buffer.from(fold(Buffer.from(text))).toString("latin1")));
        assert.equal(shown([file("a.json", texts)]).length, byBytes.size);
      },
    ),
  );
});

test("strings that are equal after folding are one rule, the first", () => {
  assert.deepEqual(shown([file("a.json", ["one two", "ONE\ttwo"]), file("b.json", ["One Two", "three"])]), [
    "one two a[0] enforce",
    "three b[1] enforce",
  ]);
});

test("a file's mode overrides the default, and a string both enforced and audited stays twice", () => {
  assert.deepEqual(shown([file("a.json", ["x"], { mode: "audit" }), file("b.json", ["x"])]), [
    "x a[0] audit",
    "x b[0] enforce",
  ]);
  assert.equal(mergeRules([file("b.json", ["x"])], "audit").strings[0]?.action, "audit");
});

test("equal strings with different match modes stay apart", () => {
  const strings = (["word", "anywhere", "word"] as const).map((mode) => ({ value: Buffer.from("x"), text: "x", mode }));
  assert.equal(mergeRules([file("a.json", [], { strings })], "enforce").strings.length, 2);
});

test("equal patterns are one, and patterns differ by case", () => {
  const { allow } = mergeRules(
    [file("a.json", [], { patterns: ["p", "P"] }), file("b.json", [], { patterns: ["p", "q"] })],
    "enforce",
  );
  assert.deepEqual(allow, [
    { source: "p", list: "a", index: 0 },
    { source: "P", list: "a", index: 1 },
    { source: "q", list: "b", index: 1 },
  ]);
});

test("files of one name in two folders are told apart", () => {
  assert.deepEqual(shown([file("/c/a/x.json", ["1"]), file("/c/b/x.json", ["2"]), file("/c/b/y.json", ["3"])]), [
    "1 /c/a/x[0] enforce",
    "2 /c/b/x[0] enforce",
    "3 y[0] enforce",
  ]);
});

test("the rules are frozen", () => {
  const rules = mergeRules([file("a.json", ["x"], { patterns: ["p"] })], "enforce");
  assert.ok([rules, rules.strings, rules.allow].every(Object.isFrozen));
});
