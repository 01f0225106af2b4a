// Three matchers, one answer: the oracle, the compiled tables walked in TypeScript, and the BPF code on buffers.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  type CommandLine,
  type CompilableString,
  compileAllow,
  compileTables,
  counts,
  fold,
  judgeLine,
  quotedPiece,
  search,
  type Tables,
} from "@cryptnono/matcher";
import { rounds } from "@cryptnono/matcher/test/rounds";
import fc from "fast-check";
import {
  argumentArea,
  type HostileList,
  hostileLine,
  hostileList,
  hostileRules,
  longLine,
  Random,
  withNul,
} from "../lib/hostile-lines.js";
import { KernelMatcher } from "../lib/kernel-matcher.js";

const WINDOWS = { window: 16384, overlap: 576 };
/** A list of thousands that begin alike can take more than an exec may (differential-limits.test.ts): here every line is
 * searched to its end. */
const OPTIONS = { maxWork: 1_000_000_000 };
const NO_PATTERNS = compileAllow([]);
const kernel = new KernelMatcher();
const olderLoop = new KernelMatcher({ withoutBpfLoop: true });
after(() => {
  kernel.close();
  olderLoop.close();
});

const latin1 = (text: string) => Uint8Array.from(Buffer.from(text, "latin1"));
const word = (text: string): CompilableString => ({ value: latin1(text), mode: "word" });
const q = (count: number) => "q".repeat(count);

type Answer = "killed" | "would-kill" | "spared-substring" | "pass";
const seen: Record<Answer, number> = { killed: 0, "would-kill": 0, "spared-substring": 0, pass: 0 };
let compared = 0;

test("hostile lines: the oracle, the tables in TypeScript and the kernel agree", () => {
  fc.assert(
    fc.property(fc.noShrink(fc.integer()), (seed) => {
      const random = new Random(seed);
      const list = hostileList(random, random.pick([1, 2, 3, 5, 8, 12, 20, 60, 200]));
      compareAll(kernel, list, 400, () => hostileLine(random, list));
    }),
    { numRuns: rounds(24), endOnFailure: true, includeErrorInReport: true },
  );
  assert.ok(compared >= 9_600);
  assert.ok(Math.min(...Object.values(seen)) > 50, JSON.stringify(seen));
});

test("lists of thousands", () => {
  fc.assert(
    fc.property(fc.noShrink(fc.integer()), (seed) => {
      const random = new Random(seed);
      const list = hostileList(random, 2000);
      compareAll(kernel, list, 30, () => hostileLine(random, list));
    }),
    { numRuns: rounds(2), endOnFailure: true, includeErrorInReport: true },
  );
});

test("long lines, with strings at the windows' edges", () => {
  fc.assert(
    fc.property(fc.noShrink(fc.integer()), (seed) => {
      const random = new Random(seed);
      const list = hostileList(random, random.pick([1, 2, 6]));
      compareAll(kernel, list, 15, () => longLine(random, list, random.between(15_000, 50_000), WINDOWS));
    }),
    { numRuns: rounds(10), endOnFailure: true, includeErrorInReport: true },
  );
});

test("a string of 512 bytes is found at every place across a window's edge, and judged by its neighbours", () => {
  const strings = [word(q(512))];
  const tables = compileTables(strings, OPTIONS);
  kernel.install(tables);
  const { window, overlap } = WINDOWS;
  const step = window - overlap;
  for (const edge of [step, window, 2 * step, step + window]) {
    for (let by = -4; by <= 4; by++) {
      for (const start of [edge + by, edge + by - 512]) {
        for (const [before, after] of ["--", "x-", "-x"]) {
          const area = Buffer.alloc(3 * window, "-");
          area.fill("q", start, start + 512);
          area.write(before!, start - 1);
          area.write(after!, start + 512);
          const line = { path: latin1("/bin/x"), args: [area] };
          assert.equal(disagreement(kernel, strings, tables, line), null, `start ${start}, ${before} and ${after}`);
        }
      }
    }
  }
});

for (const [name, matcher, runs] of [
  ["bpf_loop", kernel, 24],
  ["the loop for kernels before 5.17", olderLoop, 16],
] as const) {
  test(`${name}: rules of several strings, anywhere in short lines and at the windows' edges`, () => {
    const before = { ...seen };
    fc.assert(
      fc.property(fc.noShrink(fc.integer()), (seed) => {
        const random = new Random(seed);
        const list = hostileList(random, random.pick([2, 3, 5, 8, 20]));
        compareAll(matcher, hostileRules(random, list), 60, () =>
          random.oneIn(60)
            ? longLine(random, list, random.between(15_000, 50_000), WINDOWS)
            : hostileLine(random, list),
        );
      }),
      { numRuns: rounds(runs), endOnFailure: true, includeErrorInReport: true },
    );
    assert.ok(seen.killed > before.killed + 10 && seen.pass > before.pass + 10, JSON.stringify([before, seen]));
  });
}

test("the loop for kernels before 5.17", () => {
  fc.assert(
    fc.property(fc.noShrink(fc.integer()), (seed) => {
      const random = new Random(seed);
      const list = hostileList(random, random.pick([1, 5, 40]));
      compareAll(olderLoop, list, 150, () =>
        random.oneIn(50) ? longLine(random, list, random.between(15_000, 50_000), WINDOWS) : hostileLine(random, list),
      );
    }),
    { numRuns: rounds(12), endOnFailure: true, includeErrorInReport: true },
  );
});

/** What once went wrong, and what must not begin to. Arguments are Latin-1. */
const ROWS: readonly {
  readonly title: string;
  readonly strings: readonly CompilableString[];
  readonly path: string;
  readonly args: readonly string[];
  readonly answer: Answer;
}[] = [
  { title: "no arguments at all", strings: [word("nothing")], path: "/bin/x", args: [], answer: "pass" },
  { title: "the path without arguments", strings: [word("miner")], path: "/bin/miner", args: [], answer: "killed" },
  { title: "an empty argv[0]", strings: [word("one two")], path: "/bin/one", args: ["", "two"], answer: "killed" },
  {
    title: "over the border of two arguments",
    strings: [word("one two")],
    path: "/bin/x",
    args: ["x", "one", "two"],
    answer: "killed",
  },
  {
    title: "an exact argument is not two",
    strings: [{ value: latin1("one two"), mode: "exact-argument" }],
    path: "/bin/x",
    args: ["x", "one", "two"],
    answer: "spared-substring",
  },
  {
    title: "a glued occurrence does not hide one that stands alone",
    strings: [word("miner")],
    path: "/bin/x",
    args: ["x", "xminer miner"],
    answer: "killed",
  },
  {
    title: "a string of 512 bytes at the last byte of the second window",
    strings: [word(q(512))],
    path: "/bin/x",
    args: [`${"-".repeat(15808 + 16384 - 512)}${q(512)}`],
    answer: "killed",
  },
  {
    title: "behind a path of 4095 bytes",
    strings: [word("tail end")],
    path: `/${q(4089)}/tail`,
    args: ["x", "end"],
    answer: "killed",
  },
  ...(
    [
      ["in two arguments, the other way round", "/bin/x", ["x", "--api=1", "--pay-to=2"], "killed"],
      ["one in the path and one in argv[0]", "/bin/--pay-to", ["--api"], "killed"],
      ["one in either of two windows", "/bin/x", ["x", "--pay-to", q(40_000), "--api"], "killed"],
      ["one of them alone", "/bin/x", ["x", "--api=1"], "pass"],
      ["one of them twice", "/bin/x", ["x", "--api=1", "--api=2"], "pass"],
      ["one as a part of a longer word alone", "/bin/x", ["x", "--api=1", "--pay-tomorrow"], "pass"],
    ] as const
  ).map(([title, path, args, answer]) => ({
    title: `a rule of two strings, ${title}`,
    strings: [{ ...word("--pay-to"), also: [latin1("--api")] }],
    path,
    args,
    answer,
  })),
  {
    title: "a rule of several for the log alone",
    strings: [{ ...word("--pay-to"), also: [latin1("--api"), latin1("--PAY")], action: "audit" }],
    path: "/bin/x",
    args: ["x", "--Api", "--pay-to"],
    answer: "would-kill",
  },
  {
    title: "a rule of two strings beside one of them that is only logged by itself",
    strings: [
      { ...word("--pay-to"), action: "audit" },
      { ...word("--pay-to"), also: [latin1("--api")] },
    ],
    path: "/bin/x",
    args: ["x", "--api", "--pay-to"],
    answer: "killed",
  },
  {
    title: "behind an argv[0] longer than a window",
    strings: [word("tail end")],
    path: "/bin/tail",
    args: [q(20_000), "end"],
    answer: "killed",
  },
];

for (const { title, strings, path, args, answer } of ROWS) {
  test(`row: ${title}`, () => {
    const line = { path: latin1(path), args: args.map(latin1) };
    const tables = compileTables(strings, OPTIONS);
    for (const matcher of [kernel, olderLoop]) {
      matcher.install(tables);
      assert.equal(disagreement(matcher, strings, tables, line), null);
      assert.equal(matcher.verdictName(matcher.judge(withNul(line.path), argumentArea(line.args)).verdict), answer);
    }
  });
}

/** Strings that are looked for in the quoted line too are differential-allow.test.ts's. */
function compareAll(matcher: KernelMatcher, list: HostileList, count: number, next: () => CommandLine): void {
  const strings = list.strings.filter((string) => quotedPiece(string) === null);
  const tables = compileTables(strings, OPTIONS);
  matcher.install(tables);
  for (let i = 0; i < count; i++) {
    const line = next();
    if (disagreement(matcher, strings, tables, line) !== null) fail(matcher, strings, line);
    compared += 1;
  }
}

/** What the three say of one line, if it is not the same; `matcher` has `tables` in force. */
function disagreement(
  matcher: KernelMatcher,
  strings: readonly CompilableString[],
  tables: Tables,
  line: CommandLine,
): string | null {
  const expected = oracle(strings, line);
  seen[expected] += 1;
  const walked = judgeLine({ strings, tables, allow: NO_PATTERNS, quoted: [] }, line, []);
  const inTypeScript: Answer =
    walked.kind === "banned"
      ? walked.action === "audit"
        ? "would-kill"
        : "killed"
      : walked.kind === "is-substring"
        ? "spared-substring"
        : "pass";
  if (inTypeScript !== expected) return `oracle ${expected}, tables ${inTypeScript}`;
  const judged = matcher.judge(withNul(line.path), argumentArea(line.args));
  const inKernel = matcher.verdictName(judged.verdict);
  if (inKernel !== expected) return `oracle ${expected}, kernel ${inKernel}`;
  if ((judged.flags & (matcher.constant("EVENT_UNREADABLE") | matcher.constant("EVENT_OVER_LONG"))) !== 0)
    return `flags ${judged.flags}`;
  return expected === "pass" ? null : faultOfMatch(strings, line, expected, judged);
}

function oracle(strings: readonly CompilableString[], line: CommandLine): Answer {
  const enforced = search(
    strings.filter(({ action }) => action !== "audit"),
    line,
  ).kind;
  if (enforced === "banned") return "killed";
  const audited = search(
    strings.filter(({ action }) => action === "audit"),
    line,
  ).kind;
  if (audited === "banned") return "would-kill";
  return enforced === "none" && audited === "none" ? "pass" : "spared-substring";
}

/** The kernel names one string and one place: any, but it must really stand there, and count as the verdict says. */
function faultOfMatch(
  strings: readonly CompilableString[],
  line: CommandLine,
  answer: Answer,
  judged: ReturnType<KernelMatcher["judge"]>,
): string | null {
  const string = strings[judged.stringId];
  if (string === undefined) return `string ${judged.stringId} of ${strings.length}`;
  const args = judged.matchInPath === 1 ? [line.path, ...line.args.slice(1)] : line.args;
  const text = argumentArea(args).subarray(0, -1);
  const at = judged.matchOffset;
  const there = text.subarray(at, at + string.value.length);
  if (Buffer.compare(fold(there), fold(string.value)) !== 0) return `string ${judged.stringId} is not at ${at}`;
  if (answer !== "spared-substring" && !counts(text, at, string)) return `at ${at} it does not count`;
  const isAudit = string.action === "audit";
  if (answer !== "spared-substring" && isAudit !== (answer === "would-kill")) return "the wrong action";
  return null;
}

/** Make the case small, then fail with it. */
function fail(matcher: KernelMatcher, strings: readonly CompilableString[], line: CommandLine): never {
  const until = Date.now() + 60_000;
  const disagrees = (some: readonly CompilableString[], other: CommandLine) => {
    if (Date.now() > until || some.length === 0) return null;
    const tables = compileTables(some, OPTIONS);
    matcher.install(tables);
    return disagreement(matcher, some, tables, other);
  };
  const small = {
    strings: shorten([...strings], (some) => disagrees(some, line) !== null),
    path: line.path,
    args: [...line.args],
  };
  const still = () => disagrees(small.strings, small) !== null;
  small.args = shorten(small.args, (args) => disagrees(small.strings, { ...small, args }) !== null);
  small.path = Uint8Array.from(
    shorten([...small.path], (path) => disagrees(small.strings, { ...small, path: Uint8Array.from(path) }) !== null),
  );
  for (const [i, argument] of small.args.entries()) {
    const shorter = shorten([...argument], (bytes) => {
      const args = small.args.with(i, Uint8Array.from(bytes));
      return disagrees(small.strings, { ...small, args }) !== null;
    });
    small.args[i] = Uint8Array.from(shorter);
  }
  const shown = {
    strings: small.strings.map((string) => ({ ...string, value: Buffer.from(string.value).toString("latin1") })),
    path: Buffer.from(small.path).toString("latin1"),
    args: small.args.map((argument) => Buffer.from(argument).toString("latin1")),
  };
  const what = still() ? disagrees(small.strings, small) : "gone once shrunk";
  assert.fail(`${what}: ${JSON.stringify(shown)}`);
}

/** `items` without as many of them as can go while `holds` holds: halves first, then smaller runs. */
function shorten<T>(items: T[], holds: (some: T[]) => boolean): T[] {
  let kept = items;
  for (let run = Math.ceil(kept.length / 2); run >= 1; run = run === 1 ? 0 : Math.ceil(run / 2)) {
    for (let at = 0; at < kept.length; ) {
      const some = kept.toSpliced(at, run);
      if (holds(some)) kept = some;
      else at += run;
    }
  }
  return kept;
}
