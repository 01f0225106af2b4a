import assert from "node:assert/strict";
import { test } from "node:test";
import { mergeRules, parseConfigFile } from "../config/index.js";
import { explanationOf } from "./explain.js";
import { readTyped } from "./read-line.js";

const rules = mergeRules(
  [
    parseConfigFile(
      "one.json",
      Buffer.from(
        JSON.stringify({
          bannedCommandStrings: ["zz-miner", { value: "--zz-flag", mode: "exact-argument", note: "a note" }],
          allowedCommandPatterns: ["/usr/bin/git clone( [\\w:/.-]+)+$", "/opt/zz.*$"],
        }),
      ),
    ),
    parseConfigFile("two.json", Buffer.from(JSON.stringify({ bannedCommandStrings: ["zz-other"], mode: "audit" }))),
  ],
  "enforce",
);
const explain = async (input: string) => (await explanationOf(rules, readTyped(Buffer.from(input)))).explanation;

test("each string that occurs is told, with its place, and why it does not count", async () => {
  const { verdict, strings } = await explain("/bin/sh -c 'zz-miners zz-miner' x--zz-flag zz-other");
  assert.equal(verdict, "killed");
  assert.deepEqual(
    strings.map(({ rule, outcome, occurrences }) => [
      rule,
      outcome,
      occurrences.map(({ argument, counts, beside }) => [argument?.index, argument?.offset, counts || beside]),
    ]),
    [
      [
        "one[0]",
        "kills",
        [
          [2, 0, { side: "after", byte: 0x73 }],
          [2, 10, true],
        ],
      ],
      ["one[1]", "does-not-count", [[3, 1, { side: "before", byte: 0x78 }]]],
      ["two[0]", "would-kill", [[4, 0, true]]],
    ],
  );
});

test("a string that does not count where the line runs is told, and decides nothing", async () => {
  const [scoped, first] = ["zz-scoped", "zz-host"];
  const content = { bannedCommandStrings: [scoped, { value: first, scope: "host" }], scope: "containers" };
  const own = mergeRules([parseConfigFile("s.json", Buffer.from(JSON.stringify(content)))], "enforce");
  const asked = readTyped(Buffer.from(`/bin/sh ${scoped} x${first} ${first}`));
  const outcomes = async (place?: "containers" | "host") => {
    const { explanation } = await explanationOf(own, { ...asked, ...(place === undefined ? {} : { place }) });
    return [explanation.verdict, ...explanation.strings.map(({ outcome, scope }) => [outcome, scope])];
  };
  assert.deepEqual(await outcomes(), ["killed", ["kills", "containers"], ["out-of-scope", "host"]]);
  assert.deepEqual(await outcomes("host"), ["killed", ["out-of-scope", "containers"], ["kills", "host"]]);
  const alone = { ...readTyped(Buffer.from(`/bin/sh ${first}`)), place: "containers" } as const;
  const { explanation, sentence } = await explanationOf(own, alone);
  assert.deepEqual([explanation.verdict, explanation.log!["allowedby"]], ["spared", "out-of-scope"]);
  assert.match(sentence, /does not count in this place/);
});

test("a line of the log says where its process was", () => {
  const read = (fields: object) => readTyped(Buffer.from(JSON.stringify({ cmdline: "x", ...fields }))).place;
  assert.equal(read({ pid_namespace: 4026531836 }), "host");
  assert.equal(read({ pid_namespace: 4026532999 }), "containers");
  assert.equal(read({ pid_namespace: 4026531836, container_type: "cri" }), "containers");
  assert.equal(read({}), undefined);
});

test("each pattern that could spare a string is told, and how far the line went with it", async () => {
  const { verdict, patterns, strings, log } = await explain("/usr/bin/git clone zz-miner 'a b'");
  assert.equal(verdict, "killed");
  assert.deepEqual(
    patterns.map(({ rule, matches, went }) => [rule, matches, went?.bytes, went?.to]),
    [
      ["one[0]", false, 28, "/usr/bin/git clone zz-miner "],
      ["one[1]", false, 1, "/"],
    ],
  );
  assert.equal(strings[0]!.sparedBy, undefined);
  assert.deepEqual(log, {
    cmdline: "/usr/bin/git clone zz-miner 'a b'",
    matched: "zz-miner",
    action: "killed",
    event: "Killed process",
    level: "info",
    killed_by: "kernel",
    rule: "one[0]",
    mode: "word",
    match_offset: 19,
  });
});

test("a line of the log is judged anew, under the path of the file that ran where the given one says nothing", async () => {
  const line = { pid: 7, cmdline: "./x zz-miner", exe: "/opt/zz/x", argv0: "q", action: "killed", rule: "one[0]" };
  const { verdict, strings, logged } = await explain(`${JSON.stringify(line)}\n`);
  assert.equal(verdict, "spared");
  assert.equal(strings[0]!.sparedBy, "one[1]");
  assert.deepEqual(logged, { action: "killed", rule: "one[0]" });
});

test("a log line's exact bytes count, and its cuts are told", async () => {
  const bytes = Buffer.from("/bin/x '\xffzz-miner'", "latin1");
  const line = {
    cmdline: "?",
    cmdline_base64: bytes.toString("base64"),
    truncated: { cmdline: { total_bytes: 9999 } },
  };
  const { verdict, notes } = await explain(JSON.stringify(line));
  assert.equal(verdict, "killed");
  assert.match(notes[0]!, /a part of the line only/);
});

test("a summary's line has nothing to judge", async () => {
  await assert.rejects(explain('{"action": "killed-summary", "count": 3}'), /it has no cmdline/);
});

test("nothing stands in it: nothing is logged", async () => {
  assert.deepEqual(await explain("/bin/ls -l"), {
    verdict: "passes",
    cmdline: "/bin/ls -l",
    strings: [],
    patterns: [],
    log: null,
    notes: [],
  });
});

test("no pattern sees a line whose path is not plain, and that is said", async () => {
  const { verdict, notes, patterns } = await explain("git clone zz-miner");
  assert.equal(verdict, "killed");
  assert.ok(patterns.every(({ matches }) => !matches));
  assert.match(notes[0]!, /not absolute and plain/);
});

test("a rule of several strings is told with the place of each, and with what it misses", async () => {
  const [list] = [{ bannedCommandStrings: [{ allOf: ["--zz-pay", "--zz-api"], note: "a note" }] }];
  const several = mergeRules([parseConfigFile("s.json", Buffer.from(JSON.stringify(list)))], "enforce");
  const ask = async (input: string) => explanationOf(several, readTyped(Buffer.from(input)));
  const { explanation, sentence } = await ask("/opt/x --zz-api=1 --zz-paying --zz-pay=2");
  assert.equal(sentence, "would be killed: s[0] (word)");
  assert.deepEqual(
    explanation.strings[0]!.occurrences.map(({ member, offset, counts }) => [member, offset, counts]),
    [
      [0, 18, false],
      [0, 30, true],
      [1, 7, true],
    ],
  );
  const { matched, rule, match_offset, match_offsets } = explanation.log!;
  assert.deepEqual(
    { matched, rule, match_offset, match_offsets },
    { matched: "--zz-pay + --zz-api", rule: "s[0]", match_offset: 30, match_offsets: [30, 7] },
  );
  const partly = (await ask("/opt/x --zz-api=1 --zz-paying")).explanation;
  assert.deepEqual(
    [partly.verdict, partly.log, partly.strings.map(({ outcome, missing }) => [outcome, missing])],
    ["passes", null, [["incomplete", [0]]]],
  );
});
