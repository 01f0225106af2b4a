import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { UsageError } from "../../../errors.js";
import { type Replayed, replay } from "./replay.js";

const folder = mkdtempSync(join(tmpdir(), "replay-"));
after(() => rmSync(folder, { recursive: true }));

const file = (name: string, content: string | Uint8Array) => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const list = (name: string, content: unknown) => file(name, JSON.stringify(content));

async function run(lines: string, config: readonly string[], before: readonly string[] = [], showLines = false) {
  let text = "";
  const options = { config, before, mode: "enforce", allowAcrossLists: false, json: true, showLines } as const;
  const status = await replay([lines], options, (part) => {
    text += part;
  });
  return { status, text, replayed: JSON.parse(text) as Replayed };
}

const old = list("old.json", {
  bannedCommandStrings: ["zz-one", "zz-two", "zz-three"],
  allowedCommandPatterns: ["/bin/echo( [\\w-]+)*$"],
});
const next = list("next.json", {
  bannedCommandStrings: ["zz-new", "zz-three", "ZZ-one"],
  allowedCommandPatterns: ["/bin/cat( [\\w-]+)*$"],
});
const LINES = [
  "# zz-one is a comment here",
  "/bin/ls zz-one",
  "/bin/ls zz-two",
  "/bin/ls zz-new",
  "/bin/echo zz-three",
  "/bin/cat zz-three",
  "",
  "/bin/ls it's zz-onex",
  "/bin/ls zz-two",
];

test("two sets of lists: what changes, by string and by pattern, whatever their numbers", async () => {
  const { status, text, replayed } = await run(file("lines.gz", gzipSync(LINES.join("\n"))), [next], [old]);
  assert.equal(status, 3);
  assert.equal(replayed.lines, 7);
  assert.deepEqual(replayed.before, { lives: 3, "would-kill": 0, killed: 4 });
  assert.deepEqual(replayed.now, { lives: 4, "would-kill": 0, killed: 3 });
  const at = (line: number) => `${join(folder, "lines.gz")}:${line}`;
  assert.deepEqual(replayed.changes, [
    { from: "lives", to: "killed", count: 2, places: [at(4), at(5)] },
    { from: "killed", to: "lives", count: 3, places: [at(3), at(6), at(9)] },
  ]);
  assert.deepEqual(replayed.strings, [
    { now: null, before: "old[1]", linesNow: 0, linesBefore: 2 },
    { now: "next[0]", before: null, linesNow: 1, linesBefore: 0 },
    { now: "next[1]", before: "old[2]", linesNow: 1, linesBefore: 1 },
  ]);
  assert.deepEqual(replayed.patterns, [
    { now: null, before: "old[0]", linesNow: 0, linesBefore: 1 },
    { now: "next[0]", before: null, linesNow: 1, linesBefore: 0 },
  ]);
  assert.ok(!text.includes("zz-"), "no string is printed unless asked for");
});

test("the same lists change nothing", async () => {
  const { status, replayed } = await run(file("same.txt", LINES.join("\n")), [old], [old]);
  assert.equal(status, 0);
  assert.deepEqual([replayed.changes, replayed.strings, replayed.patterns], [[], [], []]);
});

test("the log is compared with what it says; its summaries are counted, and what it cut", async () => {
  const log = [
    { cmdline: "/bin/ls zz-two", matched: "zz-two", action: "killed", rule: "past[7]", mode: "word" },
    { cmdline: "/bin/ls zz-one", matched: "zz-one", action: "killed", rule: "past[8]", mode: "word" },
    {
      cmdline: "/bin/echo zz-three",
      action: "spared",
      allowedby: "allowed-pattern:/bin/echo.*",
      allowed_rule: "past[0]",
    },
    { cmdline: "/bin/ls -l", action: "observed" },
    {
      cmdline: "/bin/ls zz-three",
      action: "would-kill",
      matched: "zz-three",
      rule: "past[9]",
      truncated: { cmdline: {} },
    },
    { matched: "zz-one", action: "killed-summary", count: 12 },
    { event: "Guarding", level: "info" },
  ];
  const { replayed } = await run(file("log.jsonl", log.map((line) => `${JSON.stringify(line)}\n`).join("")), [next]);
  assert.deepEqual([replayed.lines, replayed.cut, replayed.withoutLine], [5, 1, 2]);
  assert.deepEqual(
    replayed.changes.map(({ from, to, count }) => [from, to, count]),
    [
      ["lives", "killed", 1],
      ["would-kill", "killed", 1],
      ["killed", "lives", 1],
    ],
  );
  assert.deepEqual(
    replayed.strings.map(({ now, before }) => [now, before]),
    [
      [null, "past[7]"],
      ["next[1]", "past[9]"],
    ],
  );
  assert.deepEqual(replayed.patterns, [{ now: null, before: "past[0]", linesNow: 0, linesBefore: 1 }]);
});

test("bytes that are no text, and NULs between arguments, are judged as they are", async () => {
  const lines = Buffer.from("/bin/ls \xffzz-two\n/bin/ls\0a b\0zz-two\0\n/bin/ls\0zz-\0two\0", "latin1");
  const { replayed } = await run(file("bytes", lines), [old]);
  assert.equal(replayed.now.killed, 2);
  assert.deepEqual(replayed.before, { lives: 0, "would-kill": 0, killed: 0 });
});

test("lines are shown when that is asked for", async () => {
  const { replayed } = await run(file("shown", "/bin/ls zz-new\n"), [next], [old], true);
  assert.deepEqual(replayed.changes[0]!.lines, ["/bin/ls zz-new"]);
});

test("a file that is not there is named", async () => {
  await assert.rejects(
    run(join(folder, "none"), [next]),
    (error) => error instanceof UsageError && /none: ENOENT/.test(error.message),
  );
});
