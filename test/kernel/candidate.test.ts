// A candidate beside the lists in force: what the kernel says of random lines by one table of both, and what each list alone
// would say; and real processes under an agent.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { unite } from "@cryptnono/agent/detectors/execwhacker/config/index";
import { compileRules } from "@cryptnono/agent/detectors/execwhacker/rules";
import type { Rule, Rules } from "@cryptnono/agent/detectors/execwhacker/types";
import {
  type CommandLine,
  type CompilableString,
  compileAllow,
  isPlainPath,
  matchArguments,
  quotedPiece,
  SCOPE,
  scopesIn,
  verdict,
} from "@cryptnono/matcher";
import { rounds } from "@cryptnono/matcher/test/rounds";
import { seedOfRun } from "@cryptnono/matcher/test/seed";
import { randomString, run, TestAgent } from "../lib/agent.js";
import { argumentArea, hostileLine, hostileList, hostileRules, Random, withNul } from "../lib/hostile-lines.js";
import { KernelMatcher } from "../lib/kernel-matcher.js";

const PATTERNS = ["/bin/a", "/bin/[ab]( -?\\w*)*$", ".*'[^']*'$", ".*--spare\\b", "/opt/(a|b){2,9} ", ".*"];
const SCOPES = [SCOPE.any, SCOPE.any, SCOPE.containers, SCOPE.host];
const NO_STRING = 0xffffffff;
const CASES = rounds(1000);
const CASES_OF_A_LIST = 50;

describe("one table of both lists", () => {
  const kernel = new KernelMatcher();
  after(() => kernel.close());

  test(`${CASES} random cases: both verdicts are the oracle's`, (t) => {
    const seed = seedOfRun();
    t.diagnostic(`TEST_SEED=${seed}`);
    const random = new Random(seed);
    const seen: Record<string, number> = {};
    // Until each kind came, which a few lists may not have; not for ever.
    const isEnough = (cases: number) => cases >= CASES && (Object.keys(seen).length === 4 || cases >= 20 * CASES);
    for (let cases = 0; !isEnough(cases); ) {
      const made = hostileList(random, random.pick([2, 3, 5, 8, 20, 60]));
      const base = random.oneIn(3) ? hostileRules(random, made) : made;
      let room = 2;
      const all = base.strings
        .map((string) => ({ ...string, scope: random.pick(SCOPES) }))
        .filter((string) => quotedPiece(string) === null || (string.value.length < 40 && room-- > 0));
      if (all.length === 0) continue;
      const pick = (list: string, least: number): Rules => {
        const sources = PATTERNS.filter(() => random.oneIn(3));
        const allow = sources.map((source, index) => ({ source, list: `${list}-patterns`, index }));
        const strings = all
          .filter((_, i) => i < least || !random.oneIn(3))
          .map((string, index) => ruleOf(string, list, index, sources.length === 0 ? 0 : random.below(2), random));
        return { strings, allow, allowSets: sources.length === 0 ? [] : [[...sources.keys()]] };
      };
      const inForce = pick("in-force", 1);
      const candidate = random.oneIn(2) ? pick("candidate", 0) : changed(inForce, random);
      const united = compileRules(unite(inForce, { rules: candidate, lists: [{ list: "candidate" }] }), 7);
      kernel.install(united.tables);
      const oracles = [inForce, candidate].map(oracleOf);
      for (let i = 0; i < CASES_OF_A_LIST; i++, cases++) {
        const line = hostileLine(random, base);
        const place = random.pick(["containers", "host"] as const);
        const scopes = scopesIn(place);
        const shown = [line.path, ...line.args.slice(1)];
        const [expected, byCandidate] = oracles.map((oracle) => oracle(line, shown, scopes)) as [string, string];
        const judged = kernel.judge(withNul(line.path), argumentArea(line.args), false, scopes);
        const what = JSON.stringify([line.path, ...line.args].map((arg) => Buffer.from(arg).toString("latin1")));
        assert.equal(kernel.verdictName(judged.verdict), expected, what);
        const finds = (word: string) => word === "killed" || word === "would-kill";
        const wouldKill = finds(byCandidate) && !finds(expected);
        assert.equal(judged.candidateId !== NO_STRING, wouldKill, `${what}: ${expected}, ${byCandidate}`);
        if (wouldKill) assert.equal(united.rules.strings.at(judged.candidateId)!.only, "candidate", what);
        const seenBy = { names: [shown], scopes };
        assert.equal(finds(wordOf(united.judge(line, seenBy))), finds(expected), `${what}: in user space`);
        assert.equal(
          finds(wordOf(united.judgeCandidate!(line, seenBy))),
          finds(byCandidate),
          `${what}: the candidate's`,
        );
        const both = `${finds(expected) ? "dies" : "lives"}, ${finds(byCandidate) ? "would die" : "would live"}`;
        seen[both] = (seen[both] ?? 0) + 1;
      }
    }
    assert.equal(Object.keys(seen).length, 4, JSON.stringify(seen));
  });
});

describe("an agent with a candidate", () => {
  test("tells what would be otherwise, counts it by string, and kills by the lists in force alone", async (t) => {
    const [both, old, young, honest] = [randomString(), randomString(), randomString(), randomString()];
    const candidate = {
      ...{ candidate: true, replaces: "config", revision: "r1" },
      bannedCommandStrings: [both, young, honest],
      allowedCommandPatterns: [`/bin/echo ${honest}$`],
    };
    const agent = await TestAgent.start({ bannedCommandStrings: [both, old] }, [], { more: [candidate] });
    t.after(() => agent.stop());
    const told = async (word: string, action: string) => {
      const { pid, signal } = await run("/bin/echo", [word]);
      await agent.waitFor(() => agent.actions(action, pid).length > 0, `${action} of ${word}`);
      return { signal, line: agent.actions(action, pid)[0]! };
    };
    const spared = await run("/bin/echo", [honest]);
    assert.equal(spared.signal, null);
    const killed = await told(both, "killed");
    assert.equal(killed.signal, "SIGKILL");
    const wouldKill = await told(young, "would-kill");
    assert.equal(wouldKill.signal, null, "a candidate kills nothing");
    assert.deepEqual(
      ["rule", "candidate", "matched", "event", "level"].map((key) => wouldKill.line[key]),
      ["more-1[1]", true, young, "The candidate would kill process", "info"],
    );
    const wouldLive = await told(old, "would-live");
    assert.equal(wouldLive.signal, "SIGKILL");
    assert.deepEqual(
      ["rule", "candidate", "matched"].map((key) => wouldLive.line[key]),
      ["config[1]", true, old],
    );
    assert.equal(agent.actions("would-live", killed.line.pid).length, 0);
    assert.equal(
      agent.lines.some(({ pid }) => pid === spared.pid),
      false,
      "its own pattern spares it",
    );
    const labels = `candidate="more-1",revision="r1"`;
    await agent.waitFor(async () => {
      const kills = await agent.metric(`candidate_differences_total{${labels},difference="would-kill"}`);
      const lives = await agent.metric(`candidate_differences_total{${labels},difference="would-live"}`);
      return kills === 1 && lives === 1;
    }, "the counters");
    for (const [difference, list] of [
      ["would-kill", "more-1"],
      ["would-live", "config"],
    ] as const) {
      const series = `{difference="${difference}",list="${list}",index="1"}`;
      assert.equal(await agent.metric(`candidate_differences_by_string_total${series}`), 1);
      assert.equal(await agent.metric(`candidate_containers{${labels},difference="${difference}"}`), 1);
    }
    assert.ok((await agent.metric(`candidate_compared_total{${labels}}`)) >= 4);
    assert.equal(await agent.metric(`processes_would_kill_total{source="execwhacker.bpf"}`), 0);
    assert.equal(await agent.metric("banned_strings"), 3);
    await agent.stop();
    const compared = agent.lines.filter(({ event }) => event === "Candidate compared");
    const sum = (key: string) => compared.reduce((all, line) => all + Number(line[key]), 0);
    assert.ok(sum("execs") >= 4);
    assert.deepEqual(["would_kill", "would_live", "unknown"].map(sum), [1, 1, 0]);
    assert.deepEqual([compared[0]!["candidate"], compared[0]!["revision"]], ["more-1", "r1"]);
  });

  test("scans by both, and says of a process once what exec has said", async (t) => {
    const [both, old, young] = [randomString(), randomString(), randomString()];
    const live = async (word: string) => {
      const child = spawn("/bin/sh", ["-c", "echo; read x", word], { stdio: ["pipe", "pipe", "ignore"] });
      t.after(() => child.kill("SIGKILL"));
      child.stdout.resume();
      await once(child, "spawn");
      return child;
    };
    const [ofBoth, ofOld, ofYoung] = await Promise.all([both, old, young].map(live));
    const candidate = { candidate: true, replaces: "config", bannedCommandStrings: [both, young] };
    const flags = ["--scan-existing", "1"];
    const agent = await TestAgent.start({ bannedCommandStrings: [both, old] }, flags, { more: [candidate] });
    t.after(() => agent.stop());
    const sources = (action: string, pid: number | undefined) =>
      agent.actions(action, pid).flatMap((line) => (line["candidate"] === true ? [line["source"]] : []));
    const byScan = ["psutil.process_iter"];
    const isTold = () => sources("would-kill", ofYoung!.pid).length > 0 && sources("would-live", ofOld!.pid).length > 0;
    await agent.waitFor(isTold, "the scan");
    await agent.waitFor(() => agent.actions("killed", ofBoth!.pid).length > 0, "the kill");
    const underGuard = await live(young);
    await agent.waitFor(() => sources("would-kill", underGuard.pid).length > 0, "the exec");
    const scans = () => agent.metric("scan_duration_seconds_count");
    const before = await scans();
    await agent.waitFor(async () => (await scans()) >= before + 2, "two scans");
    assert.deepEqual(sources("would-kill", ofYoung!.pid), byScan);
    assert.deepEqual(sources("would-live", ofOld!.pid), byScan);
    assert.deepEqual(sources("would-kill", underGuard.pid), ["execwhacker.bpf"]);
    assert.deepEqual(sources("would-live", ofBoth!.pid), []);
    assert.equal(ofYoung!.signalCode ?? underGuard.signalCode, null);
  });

  test("is refused with its place, and the lists in force stay and change without it", async (t) => {
    const [old, young] = [randomString(), randomString()];
    const directory = mkdtempSync(join(tmpdir(), "cn-candidate-"));
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    const file = join(directory, "new.json");
    writeFileSync(file, `{"bannedCommandStrings": ["${young}",`);
    const agent = await TestAgent.start({ bannedCommandStrings: [old] }, ["--candidate", file]);
    t.after(() => agent.stop());
    const refusals = () => agent.lines.filter(({ event }) => event?.startsWith("Candidate refused"));
    await agent.waitFor(() => refusals().length === 1, "the refusal");
    assert.match(String(refusals()[0]!["error"]), /new\.json: line 1 column \d+/);
    assert.equal((await run("/bin/true", [old])).signal, "SIGKILL");
    assert.equal(await agent.metric("candidate_refused"), 1);
    await agent.untilReady();
    assert.match((await agent.readiness()).text, /candidate is refused/);
    const another = randomString();
    agent.write({ bannedCommandStrings: [another] });
    await agent.waitFor(() => refusals().length === 2, "the reload");
    assert.equal((await run("/bin/true", [another])).signal, "SIGKILL");
    assert.equal((await run("/bin/true", [old])).signal, null);
    // Without the key it is a candidate all the same, whatever else is written in it.
    writeFileSync(file, JSON.stringify({ bannedCommandStrings: [young], mode: "enforce" }));
    await agent.waitFor(() => agent.lines.some(({ candidates }) => candidates !== undefined), "the candidate");
    const { pid, signal } = await run("/bin/true", [young]);
    assert.equal(signal, null);
    await agent.waitFor(() => agent.actions("would-kill", pid).length > 0, "its line");
    assert.equal(await agent.metric("candidate_refused"), 0);
  });
});

function ruleOf(string: CompilableString, list: string, index: number, allowSet: number, random: Random): Rule {
  const { value, mode, also, scope } = string;
  const action = random.oneIn(6) ? "audit" : "enforce";
  const rule = { value, mode, list, index, allowSet, action } as const;
  return { ...rule, ...(also === undefined ? {} : { also }), ...(scope === SCOPE.any ? {} : { scope: scope! }) };
}

/** As a new list is made of an old one. */
function changed({ strings, allow, allowSets }: Rules, random: Random): Rules {
  return {
    allow,
    allowSets,
    strings: strings.filter(() => !random.oneIn(4)).map((rule) => ({ ...rule, list: "candidate" })),
  };
}

/** Each list by itself. */
function oracleOf({ strings, allow, allowSets }: Rules) {
  const sources = allow.map(({ source }) => source);
  const compiled = compileAllow(sources, allowSets);
  return (line: CommandLine, shown: readonly Uint8Array[], scopes: number): string => {
    const isSpared = (i: number) =>
      strings[i]!.allowSet > 0 && isPlainPath(line.path) && matchArguments(compiled, shown, strings[i]!.allowSet) >= 0;
    return verdict(strings, line, shown, isSpared, scopes);
  };
}

function wordOf(judged: ReturnType<ReturnType<typeof compileRules>["judge"]>): string {
  return judged.kind === "banned" ? "killed" : judged.kind;
}
