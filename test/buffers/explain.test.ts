// What `explain`, `check` and `replay` say of random lists and lines, and what the kernel does.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { fatesBy } from "@cryptnono/agent/detectors/execwhacker/tools/replay";
import {
  type Account,
  accountsOf,
  type CommandLine,
  type CompilableString,
  compileAllow,
  compileTables,
  lintPatterns,
  lintStrings,
  type Occurrence,
  type Place,
  quotedPiece,
  SCOPE,
  scopesIn,
} from "@cryptnono/matcher";
import { rounds } from "@cryptnono/matcher/test/rounds";
import { seedOfRun } from "@cryptnono/matcher/test/seed";
import { argumentArea, hostileLine, hostileList, hostileRules, Random, withNul } from "../lib/hostile-lines.js";
import { KernelMatcher } from "../lib/kernel-matcher.js";

const kernel = new KernelMatcher();
after(() => kernel.close());

const PATTERNS = [
  "/bin/a",
  "/bin/[ab]( -?\\w*)*$",
  "/bin/b( [^ ]+)*$",
  ".*'[^']*'$",
  ".*--spare\\b",
  "/opt/(a|b){2,9} ",
  // Of no line, and of every line.
  "bin/a",
  "/bin/a  x",
  ".*",
];
const SCOPES = [SCOPE.any, SCOPE.any, SCOPE.containers, SCOPE.host];
const SEED = seedOfRun();
const CASES = rounds(1_500);
/** Draws are unequal: it goes on until each kind has come often enough to say something, up to so many. */
const MOST_CASES = 20 * CASES;
/** Of each list. */
const LINES = 60;
const VERDICTS = ["killed", "would-kill", "spared-pattern", "spared-scope", "spared-substring", "pass"];

test(`explain, check and replay say what the kernel does of ${CASES} random cases, TEST_SEED=${SEED}`, async () => {
  const random = new Random(SEED);
  const seen: Record<string, number> = {};
  let claims = 0;
  let ofRules = 0;
  const isEnough = () => VERDICTS.every((one) => (seen[one] ?? 0) > 2) && claims > 50 && ofRules > 10;
  for (let cases = 0; cases < CASES || (cases < MOST_CASES && !isEnough()); ) {
    const made = hostileList(random, random.pick([1, 2, 3, 5, 8, 20, 60]));
    const list = random.oneIn(3) ? hostileRules(random, made) : made;
    const sources = PATTERNS.filter(() => random.oneIn(3));
    const sets = [sources.map((_, i) => i).filter(() => random.oneIn(2)), sources.map((_, i) => i)];
    // For more of those that stand in the quoted line too there is no room.
    let room = 3;
    const strings: CompilableString[] = list.strings
      .map((string) => ({ ...string, allowSet: random.below(3), scope: random.pick(SCOPES) }))
      .filter((string) => quotedPiece(string) === null || (string.value.length < 40 && room-- > 0));
    if (strings.length === 0) continue;
    const allow = compileAllow(sources, sets);
    const tables = compileTables(strings, { allow });
    const quoted = [...strings.keys()].filter((i) => quotedPiece(strings[i]!) !== null);
    const named = <T>(all: readonly T[]) => all.map((one, index) => ({ ...one, list: "random", index }));
    const fateOf = await fatesBy({
      strings: named(
        strings.map((string) => ({ ...string, action: string.action ?? "enforce", allowSet: string.allowSet ?? 0 })),
      ),
      allow: named(sources.map((source) => ({ source }))),
      allowSets: sets,
    });
    const account = accountsOf({ strings, tables, allow, quoted, sources, sets });
    const needless = new Set(lintStrings(strings).flatMap(({ code, index }) => (code === "contained" ? [index] : [])));
    const lean = compileTables(
      strings.filter((_, i) => !needless.has(i)),
      { allow },
    );
    const found = lintPatterns(sources.map((source) => ({ source, spares: "own" as const })));
    const withCode = (wanted: string) => found.filter(({ code }) => code === wanted);
    const lines = Array.from({ length: LINES }, () => plainly(random, hostileLine(random, made)));
    kernel.install(tables);
    const verdicts = lines.map((line) => {
      const place = placeOf(line);
      const judged = kernel.judge(withNul(line.path), argumentArea(line.args), false, scopesIn(place));
      const verdict = kernel.verdictName(judged.verdict);
      const explained = account(line, [[line.path, ...line.args.slice(1)]], scopesIn(place));
      const shown = () => JSON.stringify({ sources, sets, explained, line: [line.path, ...line.args].map(text) });
      assert.equal(verdictOf(explained, strings), verdict, shown());
      assert.equal(ofJudgement(explained), verdict, shown());
      const { fate } = fateOf({ line, names: [[line.path, ...line.args.slice(1)]], notes: [], place });
      assert.equal(fate, verdict === "killed" || verdict === "would-kill" ? verdict : "lives", shown());
      if (verdict !== "pass") assertNamed(judged, verdict, explained, line, shown);
      if (verdict === "spared-pattern") {
        for (const { index } of withCode("never-matches")) assert.notEqual(judged.patternId, index);
      }
      for (const { index } of withCode("spares-everything")) {
        const asked = explained.patterns.find((one) => one.pattern === index);
        if (asked === undefined || explained.isPlain[0] === false) continue;
        assert.ok(asked.matches, shown());
        claims += 1;
      }
      seen[verdict] = (seen[verdict] ?? 0) + 1;
      if (explained.strings.some(({ counts, missing }) => counts && missing !== undefined)) ofRules += 1;
      return verdict;
    });
    // What check calls needless may go.
    if (needless.size > 0) {
      kernel.install(lean);
      for (const [i, line] of lines.entries()) {
        const scopes = scopesIn(placeOf(line));
        const judged = kernel.judge(withNul(line.path), argumentArea(line.args), false, scopes);
        const verdict = kernel.verdictName(judged.verdict);
        if (!NO_STRING_COUNTS.includes(verdict)) assert.equal(verdict, verdicts[i]);
        else assert.ok(NO_STRING_COUNTS.includes(verdicts[i]!), `${verdicts[i]} ${verdict}`);
        claims += 1;
      }
    }
    cases += lines.length;
  }
  assert.ok(isEnough(), JSON.stringify({ seen, claims, ofRules }));
});

/** What is told of a line that no string decides. */
const NO_STRING_COUNTS = ["spared-scope", "spared-substring", "pass"];

/** Some lines run in a container, the others on the host: by their length, so that they stay where they are. */
function placeOf({ path, args }: CommandLine): Place {
  return (path.length + args.length) % 3 === 0 ? "host" : "containers";
}

/** Half of the lines with a path that patterns may see. */
function plainly(random: Random, line: CommandLine): CommandLine {
  if (random.oneIn(2)) return line;
  const path = Buffer.from(random.pick(["/bin/a", "/bin/b", "/opt/ab", "/usr/bin/x"]));
  return { ...line, path };
}

/** By the account of each string alone. */
function verdictOf({ strings: found }: Account, strings: readonly CompilableString[]): string {
  const counted = found.filter(({ counts, isOutOfScope }) => counts && !isOutOfScope);
  const unspared = counted.filter(({ sparedBy }) => sparedBy < 0);
  if (unspared.some(({ index }) => strings[index]!.action !== "audit")) return "killed";
  if (unspared.length > 0) return "would-kill";
  if (counted.length > 0) return "spared-pattern";
  // One that stands in the quoted line alone is not looked for where it does not count.
  const isThere = ({ text, counts }: Occurrence) => counts && text !== "quoted";
  if (found.some(({ counts, isOutOfScope, occurrences }) => counts && isOutOfScope && occurrences.some(isThere)))
    return "spared-scope";
  // A rule of several strings is no part of something longer.
  const isTold = found.some(
    ({ missing, occurrences }) => missing === undefined && occurrences.some(({ text }) => text !== "quoted"),
  );
  return isTold ? "spared-substring" : "pass";
}

function ofJudgement({ judgement }: Account): string {
  if (judgement.kind === "banned") return judgement.action === "audit" ? "would-kill" : "killed";
  if (judgement.kind === "spared") return "spared-pattern";
  if (judgement.kind === "out-of-scope") return "spared-scope";
  return judgement.kind === "is-substring" ? "spared-substring" : "pass";
}

/** String, place and pattern that the kernel names are among those that explain names. */
function assertNamed(
  judged: ReturnType<KernelMatcher["judge"]>,
  verdict: string,
  { strings, patterns }: Account,
  { path, args }: CommandLine,
  shown: () => string,
): void {
  const string = strings.find(({ index }) => index === judged.stringId);
  assert.ok(string !== undefined, shown());
  // As in verdictOf: out of its scope, one that counts in the quoted line alone is not looked for there.
  const isLookedFor = ({ text, counts }: Occurrence) => counts && (text !== "quoted" || !string.isOutOfScope);
  const counts = string.counts && string.occurrences.some(isLookedFor);
  assert.equal(counts, verdict !== "spared-substring", shown());
  if (verdict === "killed" || verdict === "would-kill") assert.equal(string.sparedBy, -1, shown());
  const inArgv0 = judged.matchInPath === 0;
  const argv0 = args[0]?.length ?? 0;
  const isBehind = inArgv0 && judged.matchOffset > argv0;
  const offset = isBehind ? judged.matchOffset - argv0 + path.length : judged.matchOffset;
  const where = inArgv0 && !isBehind ? "argv0" : "path";
  const isQuoted = string.occurrences.some((occurrence) => occurrence.text === "quoted");
  const isThere = string.occurrences.some((occurrence) => occurrence.text === where && occurrence.offset === offset);
  assert.ok(isQuoted || isThere, `${judged.matchOffset} ${judged.matchInPath} ${shown()}`);
  if (verdict === "spared-pattern")
    assert.ok(
      patterns.some(({ pattern, matches }) => matches && pattern === judged.patternId),
      shown(),
    );
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}
