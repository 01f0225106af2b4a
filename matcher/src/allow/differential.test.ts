// The compiled table against RE2 and against Python's own `re`, on random patterns and lines.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import fc from "fast-check";
import { AllowPatterns } from "./allow-patterns.js";
import { compileAllow } from "./compile-allow.js";
import { asciiPattern, line, pattern } from "./test-texts.js";
import { walkAllow } from "./walk.js";

test("the table of one pattern and RE2 agree on every line", () => {
  fc.assert(
    fc.property(pattern, fc.array(line, { minLength: 8, maxLength: 8 }), (source, lines) => {
      const { table } = compileAllow([source]);
      assert.ok(table !== null);
      const oracle = new AllowPatterns([source]);
      for (const text of lines) assert.equal(walkAllow(table, text), oracle.firstMatch(text));
    }),
    { numRuns: 3000 },
  );
});

test("the table of several patterns accepts when one of them does, and names one that does", () => {
  fc.assert(
    fc.property(
      fc.array(pattern, { minLength: 1, maxLength: 6 }),
      fc.array(line, { minLength: 8, maxLength: 8 }),
      (sources, lines) => {
        const { table, deferred } = compileAllow(sources);
        assert.ok(table !== null);
        assert.deepEqual(deferred, []);
        const oracles = sources.map((_, index) => new AllowPatterns(sources, [index]));
        for (const text of lines) {
          const found = walkAllow(table, text);
          const expected = oracles.flatMap((oracle, index) => (oracle.firstMatch(text) < 0 ? [] : [index]));
          assert.ok(expected.length === 0 ? found === -1 : expected.includes(found), `${found} of ${expected}`);
        }
      },
    ),
    { numRuns: 1000 },
  );
});

const python = spawnSync("python3", ["--version"]).status === 0;

test("the table and Python's re.match agree on every line", { skip: !python && "python3 is not installed" }, () => {
  const sample = fc.sample(fc.tuple(asciiPattern, fc.array(line, { minLength: 8, maxLength: 8 })), 4000);
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
  for (const [i, [source, lines]] of sample.entries()) {
    const { table } = compileAllow([source]);
    assert.ok(table !== null);
    const found = lines.map((text) => walkAllow(table, text) >= 0);
    assert.deepEqual(found, expected[i], `${JSON.stringify(source)} on ${JSON.stringify(cases[i]!.lines)}`);
  }
});
