// Allow patterns in the kernel: the same verdict as the reference walk, whose line is the one that the log shows.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { contractLine } from "@cryptnono/agent/report/command-line";
import {
  compileAllow,
  compileTables,
  DEFAULT_ALLOW_LIMITS,
  isInScope,
  isPlainPath,
  type Judge,
  type Judgement,
  judgeLine,
  matchArguments,
  matchLine,
  type Place,
  quotedPiece,
  quoteLine,
  SCOPE,
  scopesIn,
  search,
  verdict,
} from "@cryptnono/matcher";
import { rounds } from "@cryptnono/matcher/test/rounds";
import fc from "fast-check";
import { argumentArea, Random, withNul } from "../lib/hostile-lines.js";
import { KernelMatcher } from "../lib/kernel-matcher.js";

const kernel = new KernelMatcher();
const olderLoop = new KernelMatcher({ withoutBpfLoop: true });
after(() => {
  kernel.close();
  olderLoop.close();
});

const latin1 = (text: string) => Uint8Array.from(Buffer.from(text, "latin1"));
/** Found in every line, as the lines are made: allow patterns are tested on a hit alone. */
const BANNED = latin1("#");
const strings = [{ value: BANNED, mode: "anywhere", allowSet: 1 }] as const;

const PATTERNS = [
  "/bin/a",
  "/bin/.*#$",
  "/BIN/A '#'",
  "\\S+ '[ab]*#",
  "/bin/[ab]+( -\\w+)* '#'$",
  "''",
  ".* '' ",
  ".*'\"'\"'",
  "[^']* 'a\"'\"'b",
  "(?s).*\\n#",
  ".*\\bab\\b",
  ".*\u00e9",
  ".*[\u00e0-\u00ff]#",
  "/bin/sh -c 'a .*#",
  "/opt/(a|b){2,9} ",
  ".{40,60}#",
];
const BYTES = Buffer.from("aabbAB-_/ '\"\n\t#.", "latin1");
const seen = { spared: 0, killed: 0, scripts: 0, bits: 0 };

const inTable = (sources: readonly string[], sets = [[...sources.keys()]]) => compileAllow(sources, sets);
/** As where their table would be too large. */
const asBits = (sources: readonly string[], sets = [[...sources.keys()]]) =>
  compileAllow(sources, sets, { ...DEFAULT_ALLOW_LIMITS, maxStates: 0 });
/** The smaller ones in the table. */
const inBoth = (sources: readonly string[], sets = [[...sources.keys()]]) =>
  compileAllow(sources, sets, { ...DEFAULT_ALLOW_LIMITS, maxStates: 14 });

test("hostile lines: the kernel's walk, the reference walk and the walk over the quoted line agree", () => {
  fc.assert(
    fc.property(fc.noShrink(fc.integer()), (seed) => {
      const random = new Random(seed);
      const matcher = random.oneIn(5) ? olderLoop : kernel;
      const patterns = PATTERNS.filter(() => random.oneIn(4));
      if (patterns.length === 0) patterns.push(random.pick(PATTERNS));
      const allow = random.pick([inTable, asBits, inBoth])(patterns);
      assert.deepEqual(allow.refused, []);
      const singles = patterns.map((source) => compileAllow([source]));
      matcher.install(compileTables(strings, { allow }));
      for (let i = 0; i < 200; i++) {
        const { path, args, script } = randomProcess(random);
        const line = contractLine({
          path,
          args,
          ...(script ? { interpreter: args[0]! } : {}),
        } as unknown as Parameters<typeof contractLine>[0]);
        const walked = matchArguments(allow, line);
        const quoted = quoteLine(line);
        assert.equal(matchLine(allow, quoted) >= 0, walked >= 0);
        // Of a path that does not say which file runs, patterns see nothing here: there is no file.
        const expected = isPlainPath(path) ? walked : -1;
        const judged = matcher.judge(withNul(path), argumentArea(args), script);
        const verdict = matcher.verdictName(judged.verdict);
        const shown = JSON.stringify({ patterns, path: text(path), args: args.map(text), script });
        assert.equal(verdict, expected < 0 ? "killed" : "spared-pattern", shown);
        if (expected >= 0) assert.ok(matchLine(singles[judged.patternId]!, quoted) === 0, shown);
        if (allow.nfa === null && expected >= 0) assert.equal(judged.patternId, expected, shown);
        if (allow.nfa !== null) seen.bits += 1;
        seen[expected < 0 ? "killed" : "spared"] += 1;
        if (script) seen.scripts += 1;
      }
    }),
    { numRuns: rounds(20), endOnFailure: true, includeErrorInReport: true },
  );
  assert.ok(Math.min(...Object.values(seen)) > 50, JSON.stringify(seen));
});

const MOST_BYTES = 65_536;
for (const [title, patterns, argument, verdict] of [
  ["to the last byte before the bound a line is judged", [".*x#'$"], [MOST_BYTES - 1, "x#"], "spared-pattern"],
  ["a pattern that could match behind the bound alone spares nobody", [".*x#'$"], [MOST_BYTES, "x#"], "killed"],
  ["a pattern that matched before the bound spares a longer line", [".* '?x"], [1 << 20, "#"], "spared-pattern"],
  ["two that matched before the bound spare a longer line", [".* x", ".* 'x"], [1 << 20, "#"], "spared-pattern"],
  ["a pattern that died before the bound costs nothing more", ["/bin/b"], [1 << 20, "#"], "killed"],
] as const) {
  for (const [way, compile] of [
    ["by the table", inTable],
    ["by bits", asBits],
  ] as const)
    test(`${title}, ${way}`, () => {
      const allow = compile(patterns);
      kernel.install(compileTables(strings, { allow, maxAllowBytes: MOST_BYTES, maxWork: 40_000_000 }));
      // The text behind argv[0] begins with the NUL that ends it.
      const [bytes, end] = argument;
      const text = Buffer.alloc(bytes, "x");
      text.write(end, bytes - end.length);
      const args = [latin1("a"), text];
      const judged = kernel.judge(latin1("/bin/a\0"), argumentArea(args));
      assert.equal(kernel.verdictName(judged.verdict), verdict);
      const cut = (judged.flags & kernel.constant("EVENT_ALLOW_CUT")) !== 0;
      assert.equal(cut, title.includes("behind the bound"));
      const expected = matchArguments(allow, [latin1("/bin/a"), text], 1, MOST_BYTES);
      assert.equal(expected >= 0, verdict === "spared-pattern");
      if (expected >= 0) assert.equal(judged.patternId, expected);
    });
}

for (const [name, matcher] of [
  ["bpf_loop", kernel],
  ["the loop for kernels before 5.17", olderLoop],
] as const) {
  // That loop made 8,192 turns at most, and a window has 16,384 bytes: what came later in it was not walked over.
  test(`${name}: each byte of a window counts`, () => {
    for (const compile of [inTable, asBits]) {
      matcher.install(compileTables(strings, { allow: compile([".*x '#'$"]) }));
      for (const bytes of [8191, 8192, 16_380, 16_381, 16_382, 16_383, 16_384, 40_000]) {
        for (const [last, verdict] of [
          ["x", "spared-pattern"],
          ["y", "killed"],
        ] as const) {
          const argument = latin1("a".repeat(bytes - 1) + last);
          const judged = matcher.judge(latin1("/bin/a\0"), argumentArea([latin1("a"), argument, BANNED]));
          assert.equal(matcher.verdictName(judged.verdict), verdict, `${bytes} bytes`);
        }
      }
    }
  });
}

// A walk that ends early ends anywhere: «ab» of «abb» was taken for the word before the line's end.
test("a walk that ends before the line does names the pattern that has matched", () => {
  const patterns = [".*\\bab\\b", ".{4,}#"];
  for (const compile of [inTable, asBits]) {
    const allow = compile(patterns);
    for (const matcher of [kernel, olderLoop]) {
      matcher.install(compileTables(strings, { allow }));
      for (let shift = 0; shift < 4; shift++) {
        const args = [latin1("a"), BANNED, latin1("x".repeat(shift) + "-abb".repeat(40))];
        assert.equal(matchArguments(allow, [latin1("/bin/a"), ...args.slice(1)]), 1);
        const judged = matcher.judge(latin1("/bin/a\0"), argumentArea(args));
        assert.deepEqual([matcher.verdictName(judged.verdict), judged.patternId], ["spared-pattern", 1]);
      }
    }
  }
});

/** Strings of several lists, as the allow sets make them: the patterns of each, and how its strings act. */
const LISTS = [
  { patterns: [], action: "enforce" },
  { patterns: ["/bin/echo allowed one"], action: "enforce" },
  { patterns: [".*--spare-two\\b", "/bin/a "], action: "enforce" },
  { patterns: ["/bin/echo .*three", ".*--spare-two\\b"], action: "audit" },
  { patterns: ["/bin/.*"], action: "audit" },
  { patterns: [".*"], action: "enforce" },
] as const;
const WORDS = ["nought", "onestring", "twostring", "threestring", "fourstring", "fivestring"];

test("lines with strings of several lists: the kernel, the walk and the oracle agree", () => {
  const verdicts: Record<string, number> = {};
  fc.assert(
    fc.property(fc.noShrink(fc.integer()), (seed) => {
      const random = new Random(seed);
      const matcher = random.oneIn(5) ? olderLoop : kernel;
      const lists = LISTS.map((list, i) => ({ ...list, i })).filter(() => !random.oneIn(4));
      const sources = [...new Set(lists.flatMap(({ patterns }) => patterns))];
      const sets = lists.map(({ patterns }) => patterns.map((source) => sources.indexOf(source)));
      const banned = lists.map(({ i, action, patterns }, list) => ({
        value: latin1(WORDS[i]!),
        mode: random.pick(["word", "anywhere"] as const),
        action,
        allowSet: patterns.length === 0 ? 0 : list + 1,
        ...randomScope(random),
      }));
      const allow = random.pick([inTable, asBits, inBoth])(sources, sets);
      assert.deepEqual(allow.refused, []);
      const tables = compileTables(banned, { allow });
      const list: Judge = { strings: banned, tables, allow, quoted: [] };
      const singles = sources.map((source) => compileAllow([source]));
      matcher.install(tables);
      for (let i = 0; i < 200; i++) {
        const { path, args } = randomOffender(random);
        const line = { path, args };
        const shown_ = [path, ...args.slice(1)];
        const matching = singles.map((allow) => matchLine(allow, quoteLine(shown_)) >= 0);
        const spares = (index: number) => (sets[index] ?? []).some((pattern) => matching[pattern]);
        const place = random.pick(PLACES);
        const scopes = scopesIn(place);
        const expected = verdict(banned, line, shown_, spares, scopes);
        const shown = JSON.stringify({
          banned: banned.map((string) => ({ ...string, value: text(string.value) })),
          place,
          sources,
          sets,
          args: args.map(text),
        });
        const walked = judgeLine(list, line, [shown_], undefined, scopes);
        assert.equal(verdictOf(walked), expected, `walk: ${shown}`);
        const judged = matcher.judge(withNul(path), argumentArea(args), false, scopes);
        assert.equal(matcher.verdictName(judged.verdict), expected, `kernel: ${shown}`);
        // Which string is told is not said, but it must be one that makes the verdict.
        const string = banned[judged.stringId];
        if (expected !== "pass") assert.ok(search([string!], line).kind !== "none", shown);
        const counts = isInScope(string?.scope, scopes);
        if (expected === "spared-scope") assert.ok(!counts, shown);
        if (["killed", "would-kill", "spared-pattern"].includes(expected)) assert.ok(counts, shown);
        if (expected === "killed") assert.ok(string!.action === "enforce" && !spares(judged.stringId), shown);
        if (expected === "would-kill") assert.ok(string!.action === "audit" && !spares(judged.stringId), shown);
        if (expected === "spared-pattern")
          assert.ok(sets[judged.stringId]!.includes(judged.patternId) && matching[judged.patternId], shown);
        verdicts[expected] = (verdicts[expected] ?? 0) + 1;
      }
    }),
    { numRuns: rounds(45), endOnFailure: true, includeErrorInReport: true },
  );
  const least = Math.min(
    ...["killed", "would-kill", "spared-pattern", "spared-scope", "spared-substring", "pass"].map(
      (name) => verdicts[name] ?? 0,
    ),
  );
  assert.ok(least > 2, JSON.stringify(verdicts));
});

/** What strings with an apostrophe are made of, so that they stand in quoted lines often, and nearly. */
const QUOTED_PARTS = ["word", "-c", " ", "'", "other", "it", '"', "x", "\t", "WORD"];

test("lines with strings of the quoted line: the kernel, the walk and the oracle agree", () => {
  const verdicts: Record<string, number> = {};
  fc.assert(
    fc.property(fc.noShrink(fc.integer()), (seed) => {
      const random = new Random(seed);
      const matcher = random.oneIn(5) ? olderLoop : kernel;
      const piece = (most: number) =>
        Array.from({ length: random.between(1, most) }, () => random.pick(QUOTED_PARTS)).join("");
      const lineOf = () => [latin1("/bin/a"), ...Array.from({ length: random.between(1, 4) }, () => latin1(piece(5)))];
      const banned = Array.from({ length: random.between(1, 6) }, () => {
        const quoted = quoteLine(lineOf());
        const from = random.below(quoted.length);
        return {
          value: quoted.slice(from, from + random.between(5, 24)),
          mode: random.pick(["word", "anywhere"] as const),
          action: random.pick(["enforce", "audit"] as const),
          allowSet: random.below(3),
          ...randomScope(random),
        };
      }).filter(({ value }) => value.some((byte) => byte > 0x20));
      if (banned.length === 0) return;
      const sources = ["/bin/a -c", ".*other"];
      const sets = [[0], [0, 1]];
      const allow = compileAllow(sources, sets);
      const singles = sources.map((source) => compileAllow([source]));
      const tables = compileTables(banned, { allow });
      const quoted = banned.flatMap((string, i) => (quotedPiece(string) === null ? [] : [i]));
      matcher.install(tables);
      for (let i = 0; i < 80; i++) {
        const [path, ...rest] = lineOf();
        if (random.oneIn(80))
          rest.splice(random.below(rest.length + 1), 0, latin1("y".repeat(random.between(16_000, 33_000))));
        const line = { path: path!, args: [latin1("argv0"), ...rest] };
        const names = [path!, ...rest];
        const spares = (index: number) =>
          (sets[banned[index]!.allowSet - 1] ?? []).some((p) => matchLine(singles[p]!, quoteLine(names)) >= 0);
        const place = random.pick(PLACES);
        const scopes = scopesIn(place);
        const expected = verdict(banned, line, names, spares, scopes);
        const shown = JSON.stringify({
          place,
          banned: banned.map((b) => ({ ...b, value: text(b.value) })),
          names: names.map(text),
        });
        assert.equal(
          verdictOf(judgeLine({ strings: banned, tables, allow, quoted }, line, [names], undefined, scopes)),
          expected,
          `walk: ${shown}`,
        );
        const judged = matcher.judge(withNul(line.path), argumentArea(line.args), false, scopes);
        assert.equal(matcher.verdictName(judged.verdict), expected, `kernel: ${shown}`);
        verdicts[expected] = (verdicts[expected] ?? 0) + 1;
      }
    }),
    { numRuns: rounds(45), endOnFailure: true, includeErrorInReport: true },
  );
  const least = Math.min(...["killed", "would-kill", "spared-pattern", "pass"].map((name) => verdicts[name] ?? 0));
  assert.ok(least > 0, JSON.stringify(verdicts));
});

const PLACES: readonly Place[] = ["containers", "host"];

/** Most strings count everywhere. */
function randomScope(random: Random): { readonly scope?: number } {
  return random.pick([{}, {}, { scope: SCOPE.containers }, { scope: SCOPE.host }]);
}

function verdictOf(judged: Judgement): string {
  if (judged.kind === "banned") return judged.action === "audit" ? "would-kill" : "killed";
  const kinds = { "out-of-scope": "spared-scope", "is-substring": "spared-substring", none: "pass" } as const;
  return judged.kind === "spared" ? "spared-pattern" : kinds[judged.kind];
}

function randomOffender(random: Random): { path: Uint8Array; args: Uint8Array[] } {
  const path = random.pick(["/bin/echo", "/bin/a", "/opt/echo", `/bin/${random.pick(WORDS)}`]);
  const count = random.below(5);
  const args = Array.from({ length: count }, () => {
    const word = random.pick(WORDS);
    return random.pick([
      word,
      word,
      `${word}x`,
      "allowed",
      "one",
      "--spare-two",
      "three",
      `'${word}`,
      `a b ${word}`,
      "-",
    ]);
  });
  if (random.oneIn(3)) args.unshift("allowed", "one");
  if (random.oneIn(60)) args.splice(random.below(args.length + 1), 0, "y".repeat(random.between(16_000, 40_000)));
  return { path: latin1(path), args: ["argv0", ...args].map(latin1) };
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}

function randomProcess(random: Random): { path: Uint8Array; args: Uint8Array[]; script: boolean } {
  const path = random.oneIn(30) ? latin1(`/${"a".repeat(random.between(3000, 4094))}`) : randomPath(random);
  const args = Array.from({ length: random.between(1, 6) }, () => randomArgument(random));
  // One argument or the path surely holds the banned string.
  args.splice(random.between(1, args.length), 0, latin1(random.pick(["#", "a#", "# ", "'#", "x#", "\xe9#"])));
  const script = random.oneIn(3);
  // As the kernel builds it: interpreter, up to one argument for each level, the script's path.
  if (script && !random.oneIn(8)) args.splice(Math.min(args.length, random.between(1, 3)), 0, path);
  return { path, args, script };
}

function randomPath(random: Random): Uint8Array {
  return latin1(
    random.pick(["/bin/a", "/bin/b", "/bin/sh", "/BIN/Ab", "/opt/ab", "./a b", "/opt/'", "/bin/a#", "/\xe9"]),
  );
}

function randomArgument(random: Random): Uint8Array {
  switch (random.below(8)) {
    case 0:
      return new Uint8Array(0);
    case 1:
      return latin1(random.pick(["-c", "-a", "--ab", "ab", "a'b", "a b", "\xc3\xa9", "a\n"]));
    case 2:
      // Over the windows' edges.
      return random.oneIn(50) ? Buffer.alloc(random.between(16_000, 33_000), "a") : latin1("a");
    default:
      return Uint8Array.from({ length: random.between(1, 12) }, () =>
        random.oneIn(12) ? random.pick([0x80, 0xc3, 0xa9, 0xff]) : random.pick(BYTES),
      );
  }
}
