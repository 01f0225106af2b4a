import assert from "node:assert/strict";
import { test } from "node:test";
import { fold, SCOPE } from "@cryptnono/matcher";
import fc from "fast-check";
import { ConfigError } from "../../../config/index.js";
import { type MergeOptions, mergeRules } from "./merge.js";
import { openPatterns } from "./open-patterns.js";
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

test("a string's scope overrides its file's, and strings of different scopes are different ones", () => {
  const [a] = file("a.json", ["x"]).strings;
  const strings = [{ ...a!, scope: "host" }, { ...a!, scope: "any" }, a!, { ...a!, scope: "containers" }] as const;
  const scopes = (scope?: "containers") =>
    mergeRules([file("a.json", [], { strings, ...(scope === undefined ? {} : { scope }) })], "enforce").strings.map(
      (rule) => rule.scope,
    );
  assert.deepEqual(scopes(), [SCOPE.host, undefined, SCOPE.containers]);
  assert.deepEqual(scopes("containers"), [SCOPE.host, undefined, SCOPE.containers]);
});

test("a file's mode overrides the default, and a string both enforced and audited stays twice", () => {
  assert.deepEqual(shown([file("a.json", ["x"], { mode: "audit" }), file("b.json", ["x"])]), [
    "x a[0] audit",
    "x b[0] enforce",
  ]);
  assert.equal(mergeRules([file("b.json", ["x"])], "audit").strings[0]?.action, "audit");
});

test("rules of several strings are one in whatever order they are written, and no string's", () => {
  const rule = (...texts: string[]) => {
    const [first, ...others] = texts.map((text) => ({ text, value: Buffer.from(text) }));
    return { ...first!, mode: "word" as const, also: others };
  };
  const strings = [rule("--one", "--two"), rule("--TWO", "--one"), rule("--one", "--three")];
  const made = mergeRules([{ file: "a.json", strings, patterns: [] }, file("b.json", ["--one"])], "enforce").strings;
  assert.deepEqual(
    made.map(({ value, also }) => [value, ...(also ?? [])].map(String).join("+")),
    ["--one+--two", "--one+--three", "--one"],
  );
});

test("equal strings with different match modes stay apart", () => {
  const strings = (["word", "anywhere", "word"] as const).map((mode) => ({ value: Buffer.from("x"), text: "x", mode }));
  assert.equal(mergeRules([file("a.json", [], { strings })], "enforce").strings.length, 2);
});

const patterns = (...sources: string[]) => ({ patterns: sources.map((source) => ({ source })) });
const listsOf = (...names: string[]) =>
  names.map((name, i) => ({ name, place: `allowedCommandPatterns[0].for[${i}]` }));

test("equal patterns of one file are one, and patterns differ by case", () => {
  const { allow } = mergeRules(
    [file("a.json", ["x"], patterns("p", "P", "p")), file("b.json", ["x"], patterns("p"))],
    "enforce",
  );
  assert.deepEqual(allow, [
    { source: "p", list: "a", index: 0 },
    { source: "P", list: "a", index: 1 },
    { source: "p", list: "b", index: 0 },
  ]);
});

/** By string: the patterns that spare it. */
function sparing(files: readonly ConfigFile[], options: MergeOptions = {}): Record<string, string[]> {
  const rules = mergeRules(files, "enforce", options);
  return Object.fromEntries(
    rules.strings.map(({ list, index, allowSet }) => {
      const indices = allowSet === 0 ? [] : rules.allowSets[allowSet - 1]!;
      return [`${list}[${index}]`, indices.map((i) => rules.allow[i]!.source)];
    }),
  );
}

test("a pattern spares the strings of its own file alone", () => {
  const files = [file("a.json", ["x", "y"], patterns("p")), file("b.json", ["x", "z"], patterns("q", "r"))];
  assert.deepEqual(sparing([...files, file("c.json", ["w"])]), {
    "a[0]": ["p"],
    "a[1]": ["p"],
    "b[0]": ["q", "r"],
    "b[1]": ["q", "r"],
    "c[0]": [],
  });
});

test("a pattern for all, or for lists that it names, spares theirs", () => {
  const files = [
    file("a.json", ["x"], {
      patterns: [
        { source: "p", for: "all" },
        { source: "q", for: listsOf("b", "c") },
      ],
    }),
    file("b.json", ["y"], patterns("r")),
    file("c.json", ["z"]),
  ];
  assert.deepEqual(sparing(files), { "a[0]": ["p"], "b[0]": ["p", "q", "r"], "c[0]": ["p", "q"] });
});

test("the patterns of a file without strings are meant for those of all others", () => {
  const files = [file("a.json", ["x"], patterns("p")), file("allowed.json", [], patterns("q"))];
  assert.deepEqual(sparing(files), { "a[0]": ["p", "q"] });
});

test("patterns spare across lists when the operator says so", () => {
  const files = [
    file("a.json", ["x"], patterns("p")),
    file("b.json", ["y"], { patterns: [{ source: "q", for: listsOf("b") }] }),
  ];
  assert.deepEqual(sparing(files, { allowAcrossLists: true }), { "a[0]": ["p"], "b[0]": ["p", "q"] });
});

test("lists that the same patterns spare share a set, and equal strings of them are one", () => {
  const all = (source: string) => ({ patterns: [{ source, for: "all" as const }] });
  const rules = mergeRules([file("a.json", ["x"], all("p")), file("b.json", ["x", "y"], all("q"))], "enforce");
  assert.deepEqual(rules.allowSets, [[0, 1]]);
  assert.equal(rules.strings.length, 2);
});

test("a list that is not there is refused by place, with the nearest", () => {
  const files = [
    file("a.json", ["x"], { patterns: [{ source: "p", for: listsOf("a", "encryptd-01") }] }),
    file("encrypted-01.json", ["y"]),
  ];
  assert.throws(
    () => mergeRules(files, "enforce"),
    (error) =>
      error instanceof ConfigError &&
      error.problems.length === 1 &&
      /a\.json: allowedCommandPatterns\[0\]\.for\[1\]: expected the name of a list, .*\n.*did you mean "encrypted-01"\?/.test(
        error.message,
      ),
  );
});

test("more sets of patterns than there is room for are refused", () => {
  const files = (count: number) =>
    Array.from({ length: count }, (_, i) => file(`l${i}.json`, ["x"], patterns(`p${i}`)));
  assert.equal(mergeRules(files(31), "enforce").allowSets.length, 31);
  assert.throws(() => mergeRules(files(32), "enforce"), /at most 31 different sets of patterns.*got 32/);
});

test("files of one name in two folders are told apart", () => {
  assert.deepEqual(shown([file("/c/a/x.json", ["1"]), file("/c/b/x.json", ["2"]), file("/c/b/y.json", ["3"])]), [
    "1 /c/a/x[0] enforce",
    "2 /c/b/x[0] enforce",
    "3 y[0] enforce",
  ]);
});

test("the rules are frozen", () => {
  const rules = mergeRules([file("a.json", ["x"], patterns("p"))], "enforce");
  assert.ok([rules, rules.strings, rules.allow].every(Object.isFrozen));
});

test("patterns without an end that spare other lists' strings are named", () => {
  const files = [
    file("a.json", ["x"], {
      patterns: [{ source: "own .*" }, { source: "all", for: "all" }, { source: "ended$", for: "all" }],
    }),
    file("b.json", ["y"], { patterns: [{ source: "to a", for: listsOf("a") }] }),
  ];
  const named = openPatterns(mergeRules(files, "enforce")).map(({ list, index }) => `${list}[${index}]`);
  assert.deepEqual(named, ["a[1]", "b[0]"]);
  const across = openPatterns(mergeRules(files, "enforce", { allowAcrossLists: true }));
  assert.deepEqual(
    across.map(({ list, index }) => `${list}[${index}]`),
    ["a[0]", "a[1]", "b[0]"],
  );
});
