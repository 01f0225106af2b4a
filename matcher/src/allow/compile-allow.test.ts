import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { quoteLine } from "../shell-quote.js";
import { AllowPatterns } from "./allow-patterns.js";
import { compileAllow, DEFAULT_ALLOW_LIMITS } from "./compile-allow.js";
import { PatternError } from "./pattern-error.js";
import { type AllowTable, MAX_ALLOW_SETS } from "./table.js";
import { bytes, pattern } from "./test-texts.js";
import { walkAllow, walkAllowArguments } from "./walk.js";

/** Patterns as operators write them, each with command lines that it spares and that it does not. */
const realistic: readonly [pattern: string, spared: readonly string[][], notSpared: readonly string[][]][] = [
  [
    "allowed cryptnono.banned.string1",
    [
      ["allowed", "cryptnono.banned.string1"],
      ["ALLOWED", "cryptnono.banned.STRING1", "-v"],
    ],
    [
      ["sh", "allowed", "cryptnono.banned.string1"],
      ["allowed", "-v", "cryptnono.banned.string1"],
    ],
  ],
  [
    ".*/bin/conda .*",
    [
      ["/opt/conda/bin/conda", "install", "x"],
      ["sudo", "/usr/bin/conda", ""],
    ],
    [["/opt/conda/bin/conda"], ["/opt/conda/bin/condax", "install"]],
  ],
  [
    "/usr/bin/(python3?|pip) -m pytest\\b",
    [
      ["/usr/bin/python", "-m", "pytest"],
      ["/usr/bin/python3", "-m", "pytest-xdist"],
      ["/usr/bin/pip", "-m", "pytest", "-k", "a b"],
    ],
    [
      ["/usr/bin/python3", "-m", "pytests"],
      ["/usr/bin/python3.11", "-m", "pytest"],
      ["/usr/bin/python3", "-m", "pytest x"],
    ],
  ],
  [
    "/opt/conda/bin/git clone 'https://.*'$",
    [["/opt/conda/bin/git", "clone", "https://example.org/a b"]],
    [
      ["/opt/conda/bin/git", "clone", "https://example.org/a"],
      ["/opt/conda/bin/git", "clone", "https://x y", "dir"],
    ],
  ],
  [
    "(/usr)?/bin/(ba|da)?sh -c '[^']*'$",
    [
      ["/bin/sh", "-c", "echo a; ls"],
      ["/usr/bin/bash", "-c", "two\nlines"],
      ["/bin/dash", "-c", "\xff \xfe"],
    ],
    [
      ["/bin/sh", "-c", "echo it's"],
      ["/bin/zsh", "-c", "echo a"],
      ["/bin/sh", "-c", "a b", "c"],
    ],
  ],
  [
    "/usr/bin/env [A-Z_]+=\\d{1,5} make",
    [
      ["/usr/bin/env", "JOBS=12", "make"],
      ["/usr/bin/env", "jobs=99999", "makefile"],
    ],
    [
      ["/usr/bin/env", "JOBS=", "make"],
      ["/usr/bin/env", "JOBS=123456", "make"],
    ],
  ],
  [
    "echo 'caf\u00e9 [\u00e0-\u00ff]+'$",
    [["echo", utf8("café éè")]],
    [
      ["echo", "caf\xe9 \xe9"],
      ["echo", utf8("café abc")],
    ],
  ],
  ["(?s).*\\bgrep\\b", [["sh", "-c", "ls\n| grep x"]], [["sh", "-c", "ls\n| egrep x"]]],
  [".*\\bgrep\\b", [["sh", "-c", "ls | grep x"]], [["sh", "-c", "ls\n| grep x"]]],
];

for (const [source, spared, notSpared] of realistic) {
  test(`${source} spares what it describes, in the table and in user space`, () => {
    const { table } = compileAllow([source]);
    assert.ok(table !== null);
    for (const [lines, expected] of [
      [spared, 0],
      [notSpared, -1],
    ] as const) {
      for (const line of lines) {
        const args = line.map(bytes);
        assert.equal(walkAllowArguments(table, args), expected, `${line.join(" ")} in the table`);
        assert.equal(
          new AllowPatterns([source]).firstMatch(quoteLine(args)),
          expected,
          `${line.join(" ")} in user space`,
        );
      }
    }
  });
}

test("patterns in one table do not disturb each other", () => {
  const sources = realistic.map(([source]) => source);
  const { table, deferred } = compileAllow(sources);
  assert.ok(table !== null);
  assert.deepEqual(deferred, []);
  for (const [index, [, spared]] of realistic.entries()) {
    for (const line of spared) {
      const found = walkAllowArguments(table, line.map(bytes));
      const matching = sources.flatMap((_, i) =>
        new AllowPatterns(sources, [i]).firstMatch(quoteLine(line.map(bytes))) < 0 ? [] : [i],
      );
      assert.ok(matching.includes(index) && matching.includes(found));
    }
  }
});

test("the table keeps its layout's promises whatever the patterns are", () => {
  fc.assert(
    fc.property(fc.array(pattern, { minLength: 1, maxLength: 4 }), (sources) => {
      const { table } = compileAllow(sources);
      assert.ok(table !== null);
      checkLayout(table, sources.length);
    }),
    { numRuns: 500 },
  );
});

function checkLayout(table: AllowTable, patternCount: number): void {
  const { classOf, endColumn, quoteColumn, strideLog2, stateCount, starts, firstAccept, next, accepts } = table;
  const stride = 1 << strideLog2;
  assert.equal(next.length, stateCount * stride);
  assert.equal(quoteColumn, endColumn + 1);
  assert.ok(quoteColumn < stride && Math.max(...classOf) === endColumn - 1);
  assert.ok(starts.length === MAX_ALLOW_SETS && starts.every((start) => start < stateCount));
  assert.ok(stateCount <= 32_768 && firstAccept > 0);
  assert.equal(accepts.length, stateCount - firstAccept);
  assert.ok(accepts.every((index) => index < patternCount));
  for (let letter = 0x61; letter <= 0x7a; letter++) assert.equal(classOf[letter - 0x20], classOf[letter]);
  for (let state = 0; state < stateCount; state++) {
    const row = next.subarray(state * stride, (state + 1) * stride);
    assert.ok(row.every((to) => to < stateCount));
    assert.ok(row.subarray(quoteColumn + 1).every((to) => to === 0));
    const used = row.subarray(0, quoteColumn + 1);
    if (state === 0 || state >= firstAccept) assert.ok(used.every((to) => to === state));
    const escaped = bytes(`'"'"'`).reduce((at, byte) => next[at * stride + classOf[byte]!]!, state);
    assert.equal(row[quoteColumn], escaped);
  }
}

test("no patterns make no table", () => {
  assert.deepEqual(compileAllow([]), { table: null, deferred: [] });
});

test("a pattern that matches everything accepts before the first byte", () => {
  const { table } = compileAllow(["a", ".*"]);
  assert.ok(table !== null);
  assert.ok(table.starts[1]! >= table.firstAccept);
  assert.equal(walkAllow(table, new Uint8Array()), 1);
});

test("the same patterns give the same table", () => {
  const sources = realistic.map(([source]) => source);
  assert.deepEqual(compileAllow(sources), compileAllow(sources));
});

test("a bad pattern is named by its index", () => {
  assert.throws(
    () => compileAllow(["a", "b(", "c("]),
    (error) => error instanceof PatternError && error.patternIndex === 1,
  );
});

const hostile = [
  ".*a.{30}",
  ".*b.{25}c",
  ".*(foo|bar).{200}baz",
  "(.*a){20}b.{15}",
  ".*(a|b){1,30}c.{20}",
  "(a{1,30}){1,30}.*x.{25}",
];
const ordinary = Array.from(
  { length: 100 },
  (_, i) => `/usr/bin/tool${i} (-[a-z]+ )*'?[^']*\\b(build|test)${i % 7}\\b`,
);

test("hostile patterns are deferred and the ordinary ones beside them are not", () => {
  const sources = [...hostile, ...ordinary];
  const { table, deferred } = compileAllow(sources);
  assert.ok(table !== null);
  const heavy = [...hostile.keys()];
  assert.deepEqual(deferred, heavy);
  assert.equal(walkAllow(table, bytes("/usr/bin/tool42 -x 'a b test0")), hostile.length + 42);
});

test("a hundred hostile patterns end within the budget, and all are judged in user space", () => {
  const sources = Array.from({ length: 100 }, (_, i) => `.*a.{${30 + i}}b`);
  const { table, deferred } = compileAllow(sources);
  assert.equal(table, null);
  assert.equal(deferred.length, 100);
});

const nested = (open: string, close: string, body = "a") => open.repeat(100) + body + close.repeat(100);
const bombs: readonly string[] = [
  nested("(?:", ")*"),
  nested("(?:b|", "|c)+"),
  nested("(?:x", "y)?"),
  "(a?){1000}",
  "(a?){0,1000}b",
  "(\\b|a*){500}$",
  "(.?.?.?){333}x",
  "(||a|||){300}b",
  `(${Array.from({ length: 2000 }, (_, i) => `w${(i * 7919) % 10007}`).join("|")})`,
  "x".repeat(19_000),
];

for (const source of bombs) {
  test(`${source.slice(0, 30)} of ${source.length} characters compiles, and the table or user space judges`, () => {
    const { table, deferred } = compileAllow([source]);
    assert.equal(table === null, deferred.length === 1);
    const userSpace = new AllowPatterns([source]);
    for (const line of ["", "aaaa", "aab", "xay", "w7919", "abaca", "x".repeat(19_000)]) {
      const found = userSpace.judge(bytes(line));
      if (table !== null && found.unjudged.length === 0)
        assert.equal(walkAllow(table, bytes(line)), found.index, line.slice(0, 9));
    }
  });
}

test("patterns whose product explodes share the table as far as it goes", () => {
  const sources = Array.from({ length: 16 }, (_, i) => `.*${letter(i)}1.*${letter(i)}2`);
  const { table, deferred } = compileAllow(sources);
  assert.ok(table !== null);
  assert.ok(deferred.length > 0 && deferred.length < 10, `${deferred.length} deferred`);
  for (const index of sources.keys()) {
    const found = walkAllow(table, bytes(`x ${letter(index)}1 y ${letter(index)}2`));
    assert.equal(found, deferred.includes(index) ? -1 : index);
  }
});

test("no table is larger than its limits, and every pattern is in it or deferred", () => {
  for (const limits of [
    { maxStates: 64 },
    { maxTableBytes: 4096 },
    { maxSteps: 20_000 },
    { maxSteps: 0 },
    { maxStates: 1 },
  ]) {
    const { table, deferred } = compileAllow(ordinary, [[...ordinary.keys()]], { ...DEFAULT_ALLOW_LIMITS, ...limits });
    assert.ok(deferred.length > 0);
    const rest = ordinary.length - deferred.length;
    assert.equal(table?.accepts.length ?? 0, rest);
    assert.ok((table?.stateCount ?? 0) <= (limits.maxStates ?? DEFAULT_ALLOW_LIMITS.maxStates));
    assert.ok((table?.next.byteLength ?? 0) <= (limits.maxTableBytes ?? DEFAULT_ALLOW_LIMITS.maxTableBytes));
  }
});

function letter(i: number): string {
  return String.fromCharCode(0x61 + i);
}

/** The UTF-8 bytes of `text` as Latin-1. */
function utf8(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}
