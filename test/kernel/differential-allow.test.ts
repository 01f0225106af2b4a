// Allow patterns in the kernel: the same verdict as the reference walk, whose line is the one that the log shows.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { contractLine } from "@cryptnono/agent/report/command-line";
import { compileAllow, compileTables, quoteLine, walkAllow, walkAllowArguments } from "@cryptnono/matcher";
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
const strings = [{ value: BANNED, mode: "anywhere" }] as const;
const MAX_ALLOW_BYTES = 262_144;

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
const seen = { spared: 0, killed: 0, scripts: 0 };

test("50,000 hostile lines: the kernel's walk, the reference walk and the walk over the quoted line agree", () => {
  fc.assert(
    fc.property(fc.noShrink(fc.integer()), (seed) => {
      const random = new Random(seed);
      const matcher = random.oneIn(5) ? olderLoop : kernel;
      const patterns = PATTERNS.filter(() => random.oneIn(4));
      if (patterns.length === 0) patterns.push(random.pick(PATTERNS));
      const { table, deferred } = compileAllow(patterns);
      assert.ok(table !== null);
      assert.deepEqual(deferred, []);
      matcher.install(compileTables(strings, { allow: table }));
      for (let i = 0; i < 2000; i++) {
        const { path, args, script } = randomProcess(random);
        const line = contractLine({
          path,
          args,
          ...(script ? { interpreter: args[0]! } : {}),
        } as unknown as Parameters<typeof contractLine>[0]);
        const expected = walkAllowArguments(table, line);
        const quoted = quoteLine(line).map((byte) => (byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte));
        assert.equal(walkAllow(table, quoted), expected);
        const judged = matcher.judge(withNul(path), argumentArea(args), script);
        const verdict = matcher.verdictName(judged.verdict);
        const shown = JSON.stringify({ patterns, path: text(path), args: args.map(text), script });
        assert.equal(verdict, expected < 0 ? "killed" : "spared-pattern", shown);
        if (expected >= 0) assert.equal(judged.patternId, expected, shown);
        seen[expected < 0 ? "killed" : "spared"] += 1;
        if (script) seen.scripts += 1;
      }
    }),
    { numRuns: 25, endOnFailure: true, includeErrorInReport: true },
  );
  assert.ok(Math.min(...Object.values(seen)) > 2000, JSON.stringify(seen));
});

test("a line that is longer than the kernel walks is held, to its last byte before that it is judged", () => {
  const { table } = compileAllow([".*x#'$"]);
  assert.ok(table !== null);
  kernel.install(compileTables(strings, { allow: table }));
  // The text behind argv[0] begins with the NUL that ends it.
  for (const [bytes, verdict] of [
    [MAX_ALLOW_BYTES - 1, "spared-pattern"],
    [MAX_ALLOW_BYTES, "held"],
  ] as const) {
    const argument = Buffer.alloc(bytes, "a");
    argument.write("x#", bytes - 2);
    const judged = kernel.judge(latin1("/bin/a\0"), argumentArea([latin1("a"), argument]));
    assert.equal(kernel.verdictName(judged.verdict), verdict);
  }
});

for (const [name, matcher] of [
  ["bpf_loop", kernel],
  ["the loop for kernels before 5.17", olderLoop],
] as const) {
  // That loop made 8,192 turns at most, and a window has 16,384 bytes: what came later in it was not walked over.
  test(`${name}: each byte of a window counts`, () => {
    const { table } = compileAllow([".*x '#'$"]);
    assert.ok(table !== null);
    matcher.install(compileTables(strings, { allow: table }));
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
  });
}

test("a line that no pattern of the table matches is held when user space has more patterns", () => {
  const { table } = compileAllow(["/bin/a "]);
  kernel.install(compileTables(strings, { allow: table, allowDeferred: true }));
  const judge = (path: string) => kernel.verdictName(kernel.judge(latin1(path), latin1("a\0#\0")).verdict);
  assert.equal(judge("/bin/a\0"), "spared-pattern");
  assert.equal(judge("/bin/b\0"), "held");
});

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
