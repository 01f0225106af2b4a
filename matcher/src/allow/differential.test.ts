// The compiled table and the bits against RE2 and against Python's own `re`, on random patterns and lines.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import fc from "fast-check";
import { rounds } from "../test/rounds.js";
import { type CompiledAllow, compileAllow } from "./compile-allow.js";
import { matchLine } from "./match.js";
import { re2Oracle } from "./re2-oracle.js";
import { asBits, asciiPattern, line, pattern } from "./test-texts.js";

const WAYS: readonly (readonly [name: string, compile: (sources: readonly string[]) => CompiledAllow])[] = [
  ["the table", compileAllow],
  ["the bits", asBits],
];

/** Whether every pattern was taken. Of random ones the bits refuse one in some thousands, which says so and is none of this. */
function takesAll(name: string, { refused }: CompiledAllow): boolean {
  if (name === "the table") assert.deepEqual(refused, []);
  return refused.length === 0;
}

for (const [name, compile] of WAYS) {
  test(`${name} of one pattern and RE2 agree on every line`, () => {
    fc.assert(
      fc.property(pattern, fc.array(line, { minLength: 8, maxLength: 8 }), (source, lines) => {
        const allow = compile([source]);
        fc.pre(takesAll(name, allow));
        const oracle = re2Oracle(source);
        for (const text of lines) assert.equal(matchLine(allow, text) === 0, oracle(text));
      }),
      { numRuns: rounds(400) },
    );
  });

  test(`${name} of several patterns accepts when one of them does, and names one that does`, () => {
    fc.assert(
      fc.property(
        fc.array(pattern, { minLength: 1, maxLength: 6 }),
        fc.array(line, { minLength: 8, maxLength: 8 }),
        (sources, lines) => {
          const allow = compile(sources);
          fc.pre(takesAll(name, allow));
          const oracles = sources.map(re2Oracle);
          for (const text of lines) {
            const found = matchLine(allow, text);
            const expected = oracles.flatMap((oracle, index) => (oracle(text) ? [index] : []));
            assert.ok(expected.length === 0 ? found === -1 : expected.includes(found), `${found} of ${expected}`);
          }
        },
      ),
      { numRuns: rounds(120) },
    );
  });
}

const python = spawnSync("python3", ["--version"]).status === 0;

test("table, bits and Python's re.match agree on every line", { skip: !python && "python3 is not installed" }, () => {
  const sample = fc.sample(fc.tuple(asciiPattern, fc.array(line, { minLength: 8, maxLength: 8 })), rounds(500));
  const cases = sample.map(([source, lines]) => ({
    source,
    lines: lines.map((text) => Buffer.from(text).toString("latin1")),
  }));
  const script = `
import json, re, sys, warnings
warnings.simplefilter("ignore")
def matches(case):
    pattern = re.compile(case["source"].encode("ascii"), re.IGNORECASE)
    return [pattern.match(line.encode("latin-1").lower()) is not None for line in case["lines"]]
json.dump([matches(case) for case in json.load(sys.stdin)], sys.stdout)`;
  const run = spawnSync("python3", ["-c", script], { input: JSON.stringify(cases) });
  assert.equal(run.status, 0, run.stderr.toString());
  const expected = JSON.parse(run.stdout.toString()) as boolean[][];
  let compared = 0;
  for (const [i, [source, lines]] of sample.entries()) {
    for (const [name, compile] of WAYS) {
      const allow = compile([source]);
      if (!takesAll(name, allow)) continue;
      compared += 1;
      const found = lines.map((text) => matchLine(allow, text) >= 0);
      assert.deepEqual(found, expected[i], `${name}: ${JSON.stringify(source)} on ${JSON.stringify(cases[i]!.lines)}`);
    }
  }
  assert.ok(compared > 1.97 * sample.length, `${compared} of ${2 * sample.length}`);
});
