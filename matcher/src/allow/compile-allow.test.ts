import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { quoteLine } from "../shell-quote.js";
import { rounds } from "../test/rounds.js";
import { compileAllow, DEFAULT_ALLOW_LIMITS } from "./compile-allow.js";
import { matchArguments, matchLine } from "./match.js";
import { PatternError } from "./pattern-error.js";
import { re2Oracle } from "./re2-oracle.js";
import { type AllowTable, MAX_ALLOW_SETS } from "./table.js";
import { asBits, bytes, pattern } from "./test-texts.js";
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
  test(`${source} spares what it describes, in the table, as bits and in RE2`, () => {
    const { table } = compileAllow([source]);
    assert.ok(table !== null);
    const bits = asBits([source]);
    for (const [lines, expected] of [
      [spared, 0],
      [notSpared, -1],
    ] as const) {
      for (const line of lines) {
        const args = line.map(bytes);
        assert.equal(walkAllowArguments(table, args), expected, `${line.join(" ")} in the table`);
        assert.equal(matchArguments(bits, args), expected, `${line.join(" ")} as bits`);
        assert.equal(re2Oracle(source)(quoteLine(args)), expected === 0, `${line.join(" ")} in RE2`);
      }
    }
  });
}

test("patterns in one table do not disturb each other", () => {
  const sources = realistic.map(([source]) => source);
  const { table, nfa } = compileAllow(sources);
  assert.ok(table !== null);
  assert.equal(nfa, null);
  for (const [index, [, spared]] of realistic.entries()) {
    for (const line of spared) {
      const found = walkAllowArguments(table, line.map(bytes));
      const matching = sources.flatMap((source, i) => (re2Oracle(source)(quoteLine(line.map(bytes))) ? [i] : []));
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
    { numRuns: rounds(80) },
  );
});

function checkLayout(table: AllowTable, patternCount: number): void {
  const { classOf, endColumn, quoteColumn, strideLog2, stateCount, starts, firstAccept, next, accepts } = table;
  const stride = 1 << strideLog2;
  assert.equal(next.length, stateCount * stride);
  assert.equal(quoteColumn, endColumn + 1);
  assert.ok(quoteColumn < stride && Math.max(...classOf) === endColumn - 1);
  assert.ok(starts.length === 4 * MAX_ALLOW_SETS && starts.every((start) => start < stateCount));
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

test("each of the 256 bytes is one character, and capitals are small letters", () => {
  const anyTwo = [compileAllow, asBits].map((compile) => compile(["(?s).;$"]));
  for (let byte = 0; byte < 256; byte++) {
    const subject = Uint8Array.of(byte, 0x3b);
    const isCapital = byte >= 0x41 && byte <= 0x5a;
    const source = byte < 0x80 ? `(?-i:\\x${byte.toString(16).padStart(2, "0")})` : "[^\\x00-\\x7f]";
    for (const allow of anyTwo) assert.equal(matchLine(allow, subject), 0);
    for (const compile of [compileAllow, asBits]) {
      // The line that patterns see has no capitals.
      assert.equal(matchLine(compile([source]), subject), isCapital ? -1 : 0, `byte ${byte}`);
    }
  }
});

test("no patterns make no table", () => {
  assert.deepEqual(compileAllow([]), { table: null, nfa: null, refused: [] });
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

test("hostile patterns are walked as bits and the ordinary ones beside them by the table", () => {
  const sources = [...hostile, ...ordinary];
  const allow = compileAllow(sources);
  const { table, nfa, refused } = allow;
  assert.ok(table !== null && nfa !== null);
  assert.deepEqual(
    refused.map(({ pattern }) => pattern),
    [hostile.length - 1],
  );
  const asBits = new Set(nfa.blocks.flatMap(({ patternOf }) => [...patternOf]));
  assert.deepEqual([...asBits].sort(), [-1, 0, 1, 2, 3, 4]);
  assert.equal(walkAllow(table, bytes("/usr/bin/tool42 -x 'a b test0")), hostile.length + 42);
  assert.equal(matchLine(allow, bytes(`x b${"y".repeat(25)}c`)), 1);
  assert.equal(matchLine(allow, bytes(`x b${"y".repeat(24)}c`)), -1);
});

test("of a hundred hostile patterns those that find no room are refused by their index, with what to do", () => {
  const sources = Array.from({ length: 100 }, (_, i) => `.*a.{${30 + i}}b`);
  const { table, nfa, refused } = compileAllow(sources);
  assert.equal(table, null);
  assert.ok(nfa !== null && refused.length > 0 && refused.length < 80, `${refused.length} refused`);
  const largest = refused.at(-1)!;
  assert.equal(largest.pattern, 99);
  assert.match(`${largest.expected}, got ${largest.got}`, /2048 states.*got a pattern of 132 states/);
  assert.match(largest.hint, /smaller counts/);
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
  test(`${source.slice(0, 30)} of ${source.length} characters compiles, or is refused by its cost`, () => {
    const allow = compileAllow([source]);
    assert.equal(allow.table === null && allow.nfa === null, allow.refused.length === 1);
    for (const { expected, got } of allow.refused)
      assert.match(`${expected}, got ${got}`, /at most \d+ .*got (\d+|far more|more)$/);
    const oracle = re2Oracle(source);
    for (const line of ["", "aaaa", "aab", "xay", "w7919", "abaca", "x".repeat(19_000)]) {
      const expected = oracle(bytes(line));
      if (allow.refused.length === 0 && expected !== undefined)
        assert.equal(matchLine(allow, bytes(line)) === 0, expected, line.slice(0, 9));
    }
  });
}

test("patterns whose product explodes share the table as far as it goes, and the rest are bits", () => {
  const sources = Array.from({ length: 16 }, (_, i) => `.*${letter(i)}1.*${letter(i)}2`);
  const allow = compileAllow(sources);
  const { table, nfa, refused } = allow;
  assert.ok(table !== null && nfa !== null);
  assert.deepEqual(refused, []);
  assert.ok(table.accepts.length > 6, `${table.accepts.length} in the table`);
  for (const index of sources.keys()) {
    const found = matchLine(allow, bytes(`x ${letter(index)}1 y ${letter(index)}2`));
    assert.equal(found, index);
  }
});

test("no table is larger than its limits, and every pattern is in it, as bits, or refused", () => {
  const some = ordinary.slice(0, 40);
  for (const limits of [
    { maxStates: 64 },
    { maxTableBytes: 4096 },
    { maxSteps: 20_000 },
    { maxSteps: 0 },
    { maxStates: 1 },
  ]) {
    const { table, nfa, refused } = compileAllow(some, [[...some.keys()]], {
      ...DEFAULT_ALLOW_LIMITS,
      ...limits,
    });
    const patterns = [
      ...(table?.accepts ?? []),
      ...new Set((nfa?.blocks ?? []).flatMap(({ patternOf }) => [...patternOf].filter((pattern) => pattern >= 0))),
      ...refused.map(({ pattern }) => pattern),
    ];
    assert.deepEqual(
      patterns.sort((a, b) => a - b),
      [...some.keys()],
    );
    assert.ok((table?.stateCount ?? 0) <= (limits.maxStates ?? DEFAULT_ALLOW_LIMITS.maxStates));
    assert.ok((table?.next.byteLength ?? 0) <= (limits.maxTableBytes ?? DEFAULT_ALLOW_LIMITS.maxTableBytes));
  }
});

test("each allow set has its own patterns, in one table or as bits", () => {
  const sources = ["a", "b", ".*c", "a.*d", ".*a.{30}b"];
  const sets = [[0], [1, 2], [0, 2, 3], [], [4, 1], [4]];
  const limits = [
    DEFAULT_ALLOW_LIMITS,
    { ...DEFAULT_ALLOW_LIMITS, maxStates: 4 },
    { ...DEFAULT_ALLOW_LIMITS, maxStates: 0 },
  ];
  const singles = sources.map((source) => compileAllow([source]));
  for (const limit of limits) {
    const allow = compileAllow(sources, sets, limit);
    assert.deepEqual(allow.refused, []);
    for (const line of ["a", "b", "xc", "axd", "bc", "", `a${"x".repeat(30)}b`, `bca${"x".repeat(30)}b`]) {
      for (const [i, set] of sets.entries()) {
        const matching = set.filter((index) => matchLine(singles[index]!, bytes(line)) >= 0);
        const found = matchLine(allow, bytes(line), i + 1);
        assert.ok(matching.length === 0 ? found === -1 : matching.includes(found), `${line} in set ${i + 1}: ${found}`);
      }
      assert.equal(matchLine(allow, bytes(line), 0), -1);
    }
  }
});

test("a pattern for all sets is one accepting state of the table", () => {
  const sources = Array.from({ length: 10 }, (_, i) => `.*tool${i} `);
  const sets = [
    [0, 1, 2, 9],
    [3, 4, 9],
    [5, 6, 7, 8, 9],
  ];
  const { table } = compileAllow(sources, sets);
  assert.deepEqual([...table!.accepts].sort(), [...sources.keys()]);
});

function letter(i: number): string {
  return String.fromCharCode(0x61 + i);
}

/** The UTF-8 bytes of `text` as Latin-1. */
function utf8(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}
