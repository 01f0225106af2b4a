// A candidate and the lists in force over attack lines and honest ones, by real execs: who dies, and each difference that is told,
// are the oracle's. CANDIDATE_LINES=N takes N honest lines instead of a few.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { search, shellSplit } from "@cryptnono/matcher";
import { ROOT, TestAgent } from "../lib/agent.js";
import { Random } from "../lib/hostile-lines.js";

const HONEST = Number(process.env["CANDIDATE_LINES"] ?? 300);
const PROGRAM = "/bin/true";
const AT_ONCE = 8;
/** Words that the test itself needs on command lines. */
const OWN = /node|true|cryptnono|candidate/i;

const random = new Random(20261126);

test("real execs of attack lines and of honest ones: the differences are exact", async (t) => {
  const attacks = readFileSync(
    `${ROOT}deployer/commands/generate/cryptnono_config/fixtures/attack-command-lines.jsonl`,
    "utf8",
  )
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => (JSON.parse(line) as { readonly cmdline: string }).cmdline);
  const honest = gunzipSync(readFileSync(`${ROOT}deployer/corpora/command-lines.txt.gz`))
    .toString()
    .split("\n");
  const some = Array.from({ length: HONEST }, () => random.pick(honest)).filter((line) => line !== "");
  const lines = [...attacks, ...some].map(wordsOf).filter((words) => words.length > 0);
  const vocabulary = [...new Set(lines.flat())].filter((word) => /^[\x21-\x7e]{8,60}$/.test(word) && !OWN.test(word));
  const lists: Record<"both" | "inForce" | "candidate", string[]> = { both: [], inForce: [], candidate: [] };
  for (const word of vocabulary) {
    const dice = random.below(100);
    if (dice < 10) lists.both.push(word);
    else if (dice < 15) lists.inForce.push(word);
    else if (dice < 20) lists.candidate.push(word);
  }
  const candidate = [...lists.both, ...lists.candidate];
  const more = [{ candidate: true, replaces: "config", bannedCommandStrings: candidate }];
  const inForce = [...lists.both, ...lists.inForce];
  const agent = await TestAgent.start({ bannedCommandStrings: inForce }, [], { more });
  t.after(() => agent.stop());

  const [dies, wouldDie] = [inForce, candidate].map((strings) => {
    const rules = strings.map((text) => ({ value: Buffer.from(text), mode: "word" as const }));
    return (words: readonly string[]) => {
      const args = [PROGRAM, ...words].map((word) => Buffer.from(word));
      return search(rules, { path: args[0]!, args }).kind === "banned";
    };
  }) as [(words: readonly string[]) => boolean, (words: readonly string[]) => boolean];
  const expected = { "would-kill": new Set<number>(), "would-live": new Set<number>() };
  let killed = 0;
  const executedPids = new Set<number>();
  await inTurns(lines, async (words) => {
    const { pid, signal } = await executed(words);
    executedPids.add(pid);
    const [now, then] = [dies(words), wouldDie(words)];
    assert.equal(signal === "SIGKILL", now, JSON.stringify(words));
    killed += Number(now);
    if (now !== then) expected[now ? "would-live" : "would-kill"].add(pid);
  });
  // The string by which the test settles is in force alone, too.
  const isTold = (action: keyof typeof expected) => {
    const told = agent.lines.filter((line) => line.action === action && line["candidate"] === true);
    return new Set(told.flatMap(({ pid }) => (pid !== undefined && executedPids.has(pid) ? [pid] : [])));
  };
  await agent.settle();
  for (const action of ["would-kill", "would-live"] as const) {
    await agent.waitFor(() => isTold(action).size >= expected[action].size, `all of ${action}`);
    assert.deepEqual([...isTold(action)].sort(), [...expected[action]].sort(), action);
    assert.ok(expected[action].size > 20, `${action}: ${expected[action].size}`);
  }
  const labels = `candidate="more-1",revision=""`;
  for (const action of ["would-kill", "would-live"] as const) {
    const series = `candidate_differences_total{${labels},difference="${action}"}`;
    const settled = action === "would-live" ? 1 : 0;
    await agent.waitFor(async () => (await agent.metric(series)) === expected[action].size + settled, series);
  }
  assert.equal(await agent.metric(`candidate_differences_total{${labels},difference="unknown"}`), 0);
  t.diagnostic(
    `${attacks.length} attack lines and ${some.length} honest ones, lists of ${inForce.length} and ${candidate.length} strings: ` +
      `${killed} killed, ${expected["would-kill"].size} would be, ${expected["would-live"].size} would live`,
  );
});

/** As a simple command; without what no argument can hold. */
function wordsOf(line: string): string[] {
  return shellSplit(Buffer.from(line.slice(0, 4000)), "plain")
    .words.map((word) => Buffer.from(word).toString())
    .filter((word) => !word.includes("\0"));
}

function executed(words: readonly string[]): Promise<{ readonly pid: number; readonly signal: NodeJS.Signals | null }> {
  return new Promise((resolve, reject) => {
    const child = spawn(PROGRAM, words, { stdio: "ignore" });
    child.once("error", reject);
    child.once("exit", (_code, signal) => resolve({ pid: child.pid!, signal }));
  });
}

async function inTurns<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const worker = async () => {
    for (let item = left.pop(); item !== undefined; item = left.pop()) await act(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
