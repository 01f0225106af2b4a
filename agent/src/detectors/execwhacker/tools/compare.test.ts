import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type Compared, compare } from "./compare.js";

const folder = mkdtempSync(join(tmpdir(), "compare-"));
after(() => rmSync(folder, { recursive: true }));

const line = (
  action: string,
  matched: string,
  rule: string,
  pod: string,
  more: Readonly<Record<string, unknown>> = {},
) => ({
  cmdline: `/bin/ls ${matched}`,
  matched,
  action,
  rule,
  mode: "word",
  uid: 1000,
  timestamp: "2026-11-26T01:00:00.000000Z",
  labels: { "io.kubernetes.pod.name": pod, "io.kubernetes.pod.namespace": pod.slice(0, 3) },
  ...more,
});

const LOG = [
  line("would-kill", "zz-new", "new[3]", "hub-a"),
  line("would-kill", "zz-new", "new[3]", "hub-b", { uid: 1001 }),
  line("would-kill-summary", "zz-new", "new[4]", "lab-a", {
    count: 40,
    uid: undefined,
    timestamp: "2026-11-26T02:00:00.000000Z",
  }),
  line("killed", "zz-old", "old[0]", "hub-a"),
  line("spared", "zz-old", "old[0]", "hub-a", { labels: undefined, container_id: "abc" }),
  { event: "Guarding", level: "info" },
  { action: "observed", cmdline: "/bin/true" },
];
const file = join(folder, "log.jsonl");
writeFileSync(file, `${LOG.map((one) => JSON.stringify(one)).join("\n")}\nno json\n`);

async function run(mostPods = 0, showLines = false, json = true) {
  let text = "";
  const status = await compare([file], { mostPods, showLines, json }, (part) => {
    text += part;
  });
  return { status, text };
}

test("strings are summed up by pods, namespaces and users, summaries by their count, whatever their numbers", async () => {
  const { status, text } = await run();
  const { lines, otherLines, strings } = JSON.parse(text) as Compared;
  assert.deepEqual([status, lines, otherLines], [0, 5, 3]);
  assert.deepEqual(strings[0], {
    rule: "new[4]",
    ...{
      killed: 0,
      wouldKill: 42,
      byCandidate: 0,
      wouldLive: 0,
      unknown: 0,
      spared: 0,
      pods: 3,
      namespaces: 2,
      users: 2,
    },
    first: "2026-11-26T01:00:00.000000Z",
    last: "2026-11-26T02:00:00.000000Z",
    examples: [1, 2, 3].map((number) => `${file}:${number}`),
  });
  assert.deepEqual([strings[1]!.killed, strings[1]!.spared, strings[1]!.pods], [1, 1, 2]);
  assert.ok(!text.includes("zz-"), "no string is printed unless asked for");
});

test("a string that is only logged and hits in more pods than may be is status 3; one in force is not", async () => {
  assert.equal((await run(3)).status, 0);
  assert.equal((await run(2)).status, 3);
});

test("people see a row each, and lines when they ask for them", async () => {
  assert.match((await run(0, false, false)).text, /^ +42 +0 +0 +3 +2 +2 {2}new\[4\]$/m);
  assert.match((await run(0, true, false)).text, /log\.jsonl:1: \/bin\/ls zz-new$/m);
});
