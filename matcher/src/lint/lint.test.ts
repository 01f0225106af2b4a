import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { CompilableString } from "../compile.js";
import { Matcher } from "../matcher.js";
import { search } from "../oracle.js";
import { rounds } from "../test/rounds.js";
import type { MatchMode } from "../types.js";
import { lintPatterns } from "./patterns.js";
import { lintStrings } from "./strings.js";

const string = (text: string, mode: MatchMode = "word"): CompilableString => ({ value: Buffer.from(text), mode });

const STRING_ROWS: readonly (readonly [title: string, string: CompilableString, found: readonly string[]])[] = [
  ["a good one", string("--donate-level-zz"), []],
  ["an ordinary command's name", string("python3"), ["error kills-essential"]],
  ["the same for the log alone", { ...string("python3"), action: "audit" }, ["warning kills-essential"]],
  ["two letters anywhere", string("zq", "anywhere"), ["error too-short"]],
  ["four letters as a word", string("zqvw"), ["warning too-short"]],
  ["four letters as a whole argument", string("zqvw", "exact-argument"), []],
  ["a regular expression", string("zminer.*pool"), ["warning pattern-syntax"]],
  ["an escaped dot", string("pool\\.example"), ["warning pattern-syntax"]],
  ["a dot", string("pool.example"), []],
  ["a glob", string("*.pool.example"), ["warning pattern-syntax"]],
  ["an anchor", string("^zminer"), ["warning pattern-syntax"]],
  ["an escaped line break", string("zminer\\nzpool"), ["warning pattern-syntax"]],
  ["quotes around it", string('"zminer -o"'), ["warning quotes"]],
  ["an escaped quote", string('zminer -o \\"x\\"'), ["warning quotes"]],
  ["the log's quotes", string("zh -c 'zleep"), []],
  ["quotes around too little", string("a 'b' c"), ["warning quotes"]],
  ["a blank in front", string(" zminer"), ["warning blanks"]],
  ["two blanks", string("zminer  -o"), ["warning blanks"]],
  ["a blank in a whole argument", string("--algo zz", "exact-argument"), ["warning blanks"]],
  ["capitals beyond ASCII", string("Zörse-Miner"), ["info case"]],
  ["a letter in two characters", string("zo\u0308rse-miner"), ["warning case"]],
  ["letters without a case", string("采矿采矿"), []],
];

const several = (...texts: string[]): CompilableString => {
  const [first, ...others] = texts.map((text) => Buffer.from(text));
  return { value: first!, also: others, mode: "word" };
};
const SEVERAL_ROWS: typeof STRING_ROWS = [
  ["two ordinary strings together", several("--config", "--address"), []],
  ["strings of an ordinary command", several("--no-browser", "jupyter", "notebook"), ["error kills-essential"]],
  ["a string that another one holds", several("--zpay", "--zpay-to"), ["warning member-contained"]],
  ["an equal string", several("--zpay", "--ZPAY"), ["warning member-contained"]],
  ["a part of a longer word of another one", several("--zpay", "--zpaying"), []],
  ["a glob among several", several("--zpay", "*--zapi"), ["warning pattern-syntax"]],
  ["an apostrophe among several", several("--zpay", "-c 'zleep"), ["warning quotes"]],
];

for (const [title, one, found] of [...STRING_ROWS, ...SEVERAL_ROWS]) {
  test(`${title}: ${found.join() || "nothing"}`, () => {
    assert.deepEqual(
      lintStrings([one]).map(({ level, code }) => `${level} ${code}`),
      found,
    );
  });
}

test("a string that another one makes needless is named with that one, and is needless", () => {
  const value = fc.array(fc.constantFrom(..."ab_-"), { minLength: 1, maxLength: 5 }).map((letters) => letters.join(""));
  const one = fc.record({
    value: value.map((text) => Uint8Array.from(Buffer.from(text))),
    mode: fc.constantFrom<MatchMode>("word", "anywhere", "exact-argument"),
    action: fc.constantFrom<"enforce" | "audit">("enforce", "audit"),
  });
  const argument = fc.array(fc.constantFrom(..."aabb_- "), { maxLength: 8 }).map((letters) => letters.join(""));
  let needless = 0;
  fc.assert(
    fc.property(
      fc.array(one, { minLength: 1, maxLength: 6 }),
      fc.array(argument, { maxLength: 3 }),
      (strings, words) => {
        const args = words.map((word) => Buffer.from(word));
        const line = { path: args[0] ?? Buffer.alloc(0), args };
        const findings = lintStrings(strings).filter(({ code }) => code === "contained");
        for (const { index, other } of findings) {
          needless += 1;
          if (search([strings[index]!], line).kind !== "banned") continue;
          assert.equal(search([strings[other!]!], line).kind, "banned");
          assert.ok(strings[other!]!.action === "enforce" || strings[index]!.action === "audit");
        }
        // All of them away at once: none was covered by one that went too.
        const left = strings.filter((_, i) => !findings.some(({ index }) => index === i));
        const verdict = (list: readonly CompilableString[]) => {
          const judged = new Matcher(list).match(line);
          return judged.kind === "banned" ? judged.action : "lives";
        };
        assert.equal(verdict(left), verdict(strings));
      },
    ),
    { numRuns: rounds(300) },
  );
  assert.ok(needless > 40);
});

const PATTERN_ROWS: readonly (readonly [
  source: string,
  spares: "nothing" | "own" | "others",
  found: readonly string[],
])[] = [
  ["/opt/conda/bin/git clone( [\\w./:-]+)+$", "others", []],
  ["/opt/conda/bin/git clone", "own", ["info open-ended"]],
  ["/opt/conda/bin/git clone .*$", "others", ["warning open-ended-across"]],
  [".*", "others", ["error spares-everything"]],
  ["'?/.*", "own", ["error spares-everything"]],
  ["git clone$", "own", ["error never-matches"]],
  ["/bin/sh -c echo x; y$", "own", ["error never-matches"]],
  [".*/git status$", "own", ["warning any-folder"]],
  ["/home/\\w+/git status$", "own", []],
  ["/bin/bash -c '[^']*'$", "own", ["warning any-script"]],
  ["/usr/bin/python3 [^ ]+$", "own", ["warning any-script"]],
  ["/usr/bin/git status$", "nothing", ["warning spares-nothing"]],
  ["/.*a.{600}b$", "own", ["error too-large", "warning any-folder"]],
];

for (const [source, spares, found] of PATTERN_ROWS) {
  test(`pattern ${source}, which spares ${spares}: ${found.join() || "nothing"}`, () => {
    assert.deepEqual(
      lintPatterns([{ source, spares }]).map(({ level, code }) => `${level} ${code}`),
      found,
    );
  });
}
