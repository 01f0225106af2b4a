// The tools that ask about lists, with a candidate beside them.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { UsageError } from "../../../errors.js";
import { type Checked, check } from "./check.js";
import { type Compared, compare } from "./compare.js";
import { type Explanation, explain } from "./explain.js";
import { type Replayed, replay } from "./replay.js";

const folder = mkdtempSync(join(tmpdir(), "candidate-"));
after(() => rmSync(folder, { recursive: true }));

const file = (name: string, content: unknown) => {
  const path = join(folder, name);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
};

const hand = file("hand.json", {
  bannedCommandStrings: ["zz-hand"],
  allowedCommandPatterns: [{ pattern: "/bin/ok( [\\w-]+)*$", for: ["made"] }],
});
const made = file("made.json", { bannedCommandStrings: ["zz-old", "zz-both"] });
const next = file("next.json", {
  replaces: "made",
  revision: "r2",
  bannedCommandStrings: ["zz-both", "zz-new", "zz-new-longer"],
});
const options = {
  config: [hand, made],
  candidate: [next],
  mode: "enforce",
  allowAcrossLists: false,
  json: true,
} as const;

/** What is written to standard output. */
async function printed(act: () => Promise<unknown>): Promise<string> {
  const { write } = process.stdout;
  let text = "";
  process.stdout.write = ((part: string) => {
    text += part;
    return true;
  }) as typeof write;
  try {
    await act();
  } finally {
    process.stdout.write = write;
  }
  return text;
}

for (const [line, verdict, byCandidate, difference] of [
  ["/bin/ls zz-new", "passes", "killed", "would-kill"],
  ["/bin/ls zz-old", "killed", "passes", "would-live"],
  ["/bin/ls zz-both zz-old", "killed", "killed", "none"],
  ["/bin/ls zz-hand", "killed", "killed", "none"],
  // The pattern is for the list that is replaced, and so for the candidate.
  ["/bin/ok zz-new", "passes", "spared", "none"],
] as const) {
  test(`explain says of ${line} what the candidate would do`, async () => {
    const input = (async function* () {
      yield Buffer.from(line);
    })();
    const explanation = JSON.parse(await printed(() => explain({ ...options, pid: 0 }, input))) as Explanation;
    const { candidate } = explanation;
    assert.deepEqual(
      [explanation.verdict, candidate?.verdict, candidate?.difference],
      [verdict, byCandidate, difference],
    );
  });
}

test("replay compares the lists as they are and as they would be", async () => {
  const lines = file("lines.txt", "/bin/ls zz-new\n/bin/ls zz-old\n/bin/ls zz-both\n");
  let text = "";
  const all = { ...options, before: [], showLines: false };
  assert.equal(
    await replay([lines], all, (part) => {
      text += part;
    }),
    3,
  );
  const { changes } = JSON.parse(text) as Replayed;
  const shown = changes.map(({ from, to, count }) => `${from} ${to} ${count}`).sort();
  assert.deepEqual(shown, ["killed lives 1", "lives killed 1"]);
  await assert.rejects(replay([lines], { ...all, before: [made] }), UsageError);
});

test("check looks at the candidate as if it were in force, and refuses what an agent would", () => {
  const checked = (candidate: string): Checked => {
    let text = "";
    check({ ...options, candidate: [candidate], benign: [], failOn: "error", showStrings: false }, (part) => {
      text += part;
    });
    return JSON.parse(text) as Checked;
  };
  const { findings, candidate, strings } = checked(next);
  assert.deepEqual([strings, candidate?.strings, candidate?.lists], [3, 4, ["next"]]);
  assert.deepEqual(
    findings.map(({ place, code, other }) => [place, code, other]),
    [["next[2]", "contained", "next[1]"]],
  );
  for (const [content, place] of [
    ['{"bannedCommandStrings": [', "line 1"],
    [{ replaces: "mode", bannedCommandStrings: [] }, "replaces"],
    [{ wallets: ["monero"] }, "wallets"],
    [{ bannedCommandStrings: [""] }, "bannedCommandStrings[0]"],
  ] as const) {
    const refused = checked(file("bad.json", content)).findings;
    assert.ok(refused.length === 1 && refused[0]!.place.includes(`bad.json: ${place}`), JSON.stringify(refused));
  }
});

test("compare says what is a candidate's, beside what is known to be good and bad", async () => {
  const line = (action: string, matched: string, more: object = {}) => ({
    action,
    matched,
    rule: `${matched}[0]`,
    mode: "word",
    ...more,
  });
  const lines = [
    line("would-kill", "zz-new", { candidate: true }),
    line("would-kill-summary", "zz-new", { candidate: true, count: 3 }),
    line("killed", "zz-old"),
    line("would-live", "zz-old", { candidate: true }),
    line("would-live", "zz-old", { candidate: true, unknown: true }),
    line("would-kill", "zz-one + zz-two", { candidate: true, match_offsets: [5, 9] }),
    line("killed", "zz-hand"),
  ];
  const log = file("log.jsonl", lines.map((one) => JSON.stringify(one)).join("\n"));
  const good = file("good.txt", "# honest\n/bin/ls zz-new\n/bin/ls zz-two and zz-one\n/bin/ls zz-newer\n");
  const bad = file("bad.txt", "/bin/x zz-old\n/bin/y ZZ-OLD\n");
  let text = "";
  const asked = { mostPods: 0, candidateOnly: true, knownGood: [good], knownBad: [bad], json: true, showLines: false };
  await compare([log], asked, (part) => {
    text += part;
  });
  const { strings } = JSON.parse(text) as Compared;
  const rows = strings.map(({ rule, wouldKill, byCandidate, wouldLive, unknown, killed, knownGood, knownBad }) =>
    [rule, wouldKill, byCandidate, wouldLive, unknown, killed, knownGood, knownBad].join(" "),
  );
  assert.deepEqual(rows.sort(), [
    "zz-new[0] 4 4 0 0 0 1 0",
    "zz-old[0] 0 0 1 1 1 0 2",
    "zz-one + zz-two[0] 1 1 0 0 0 1 0",
  ]);
});
