import assert from "node:assert/strict";
import { test } from "node:test";
import { rounds } from "@cryptnono/matcher/test/rounds";
import fc from "fast-check";
import { ConfigError } from "../../../config/index.js";
import { parseConfigFile } from "./parse.js";

const utf8 = (text: string): Buffer => Buffer.from(text);
const parse = (text: string) => parseConfigFile("/c/a.json", utf8(text));

function problemsOf(bytes: Uint8Array | string) {
  try {
    parseConfigFile("/c/a.json", typeof bytes === "string" ? utf8(bytes) : bytes);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems;
  }
  return [];
}

test("a file of today's deployment parses unchanged", () => {
  const { strings, patterns, mode } = parse(
    '{"bannedCommandStrings": ["cryptnono.banned.string1", "Beiq uat"], "allowedCommandPatterns": ["^allowed cryptnono\\\\.banned"]}',
  );
  assert.deepEqual(
    strings.map(({ value, mode }) => [Buffer.from(value).toString(), mode]),
    [
      ["cryptnono.banned.string1", "word"],
      ["Beiq uat", "word"],
    ],
  );
  assert.deepEqual(patterns, [{ source: "^allowed cryptnono\\.banned" }]);
  assert.equal(mode, undefined);
});

test("every key is optional", () => {
  assert.deepEqual(parse("{}"), { file: "/c/a.json", strings: [], patterns: [] });
  assert.equal(parse('{"mode": "audit"}').mode, "audit");
});

test("an object may have several strings, all of which must stand in the line", () => {
  const [rule] = parse(
    '{"bannedCommandStrings": [{"allOf": ["--Pay-to", "--api"], "mode": "anywhere", "note": "why"}]}',
  ).strings;
  const also = [{ value: utf8("--api"), text: "--api" }];
  assert.deepEqual(rule, { value: utf8("--Pay-to"), text: "--Pay-to", also, mode: "anywhere", note: "why" });
});

test("an object gives a string its mode and note", () => {
  const [string] = parse(
    '{"bannedCommandStrings": [{"value": "x y", "mode": "exact-argument", "note": "why"}]}',
  ).strings;
  assert.deepEqual(string, { value: utf8("x y"), text: "x y", mode: "exact-argument", note: "why" });
  const [plain] = parse('{"bannedCommandStrings": [{"value": "x"}]}').strings;
  assert.deepEqual(plain, { value: utf8("x"), text: "x", mode: "word" });
});

test("a string has a scope of its own, and a file one for those without", () => {
  const { scope, strings } = parse(
    '{"scope": "containers", "bannedCommandStrings": ["a", {"value": "b", "scope": "any"}]}',
  );
  assert.deepEqual([scope, strings.map((string) => string.scope)], ["containers", [undefined, "any"]]);
});

test("wallets are coins, audited as words unless they say otherwise; a fault has its place and a near word", () => {
  assert.deepEqual(
    parse('{"wallets": ["monero", {"coin": "dero", "mode": "exact-argument", "action": "enforce"}]}').wallets,
    [
      { coin: "monero", mode: "word", action: "audit" },
      { coin: "dero", mode: "exact-argument", action: "enforce" },
    ],
  );
  const problems = problemsOf('{"wallets": ["moneros", {"coin": "dero", "mode": "anywhere"}, {"action": "audit"}, 7]}');
  assert.deepEqual(
    problems.map(({ place, hint }) => [place, hint]),
    [
      ["wallets[0]", 'did you mean "monero"?'],
      ["wallets[1].mode", undefined],
      ["wallets[2].coin", undefined],
      ["wallets[3]", undefined],
    ],
  );
});

test("what is looked for in the environment says so by true, string by string", () => {
  const strings = '["a", {"value": "b", "environment": true}, {"allOf": ["first", "other"], "environment": false}]';
  const { strings: parsed, wallets } = parse(
    `{"bannedCommandStrings": ${strings}, "wallets": [{"coin": "dero", "environment": true}]}`,
  );
  assert.deepEqual(
    [...parsed, ...wallets!].map(({ environment }) => environment),
    [undefined, true, undefined, true],
  );
  const problems = problemsOf('{"bannedCommandStrings": [{"value": "b", "environment": "true"}]}');
  assert.deepEqual(
    problems.map(({ place, expected }) => [place, expected]),
    [["bannedCommandStrings[0].environment", "true or false"]],
  );
});

test("a byte order mark is ignored", () => {
  assert.equal(parse('\ufeff{"bannedCommandStrings": ["a"]}').strings.length, 1);
});

const strings = (...items: string[]): string => `{"bannedCommandStrings": [${items.join(", ")}]}`;

const FAULTS: readonly (readonly [name: string, text: string, place: string, said: RegExp])[] = [
  ["an empty file", "", "", /an empty file/],
  ["text that ends early", '{"mode"', "line 1 column 8", /`:` after an object's key, got the end of the file/],
  ["a trailing comma", '{\n  "bannedCommandStrings": ["a",]\n}', "line 2 column 32", /a JSON value, got `\]`/],
  ["text after the object", "{} x", "line 1 column 4", /the end of the file, got another character/],
  ["a raw line break in a string", '{"mode": "au\ndit"}', "line 1 column 13", /got a line break/],
  ["a bad escape", '{"mode": "\\x41"}', "line 1 column 12", /one of the escapes/],
  ["a bad unicode escape", '{"mode": "\\u00g0"}', "line 1 column 13", /four hexadecimal digits/],
  ["a number with a leading zero", '{"mode": 01}', "line 1 column 11", /`,` or `}`/],
  ["an array at the top", "[]", "line 1 column 1", /an object, got an array/],
  ["a list that is a string", '{"bannedCommandStrings": "a"}', "bannedCommandStrings", /an array, got a string/],
  ["null in a list", strings("null"), "bannedCommandStrings[0]", /got null/],
  ["a number as a string", strings('"a"', "7"), "bannedCommandStrings[1]", /got a number/],
  ["an empty string", strings('""'), "bannedCommandStrings[0]", /1 to 512 bytes, got an empty string/],
  ["a blank string", strings('" \\t\\n\\u000b"'), "bannedCommandStrings[0]", /white space alone/],
  ["a slash anywhere", strings('{"value": "/", "mode": "anywhere"}'), "bannedCommandStrings[0].value", /everything/],
  ["513 bytes", strings(`"${"é".repeat(256)}x"`), "bannedCommandStrings[0]", /at most 512 bytes of UTF-8, got 513/],
  ["a NUL", strings('"a\\u0000b"'), "bannedCommandStrings[0]", /no NUL/],
  ["a lone surrogate", strings('"a\\ud800b"'), "bannedCommandStrings[0]", /surrogate/],
  ["an object without a value", strings('{"mode": "word"}'), "bannedCommandStrings[0].value", /no such key/],
  ["an object with another value", strings('{"value": 1}'), "bannedCommandStrings[0].value", /got a number/],
  [
    "a misspelt match mode",
    strings('{"value": "a", "mode": "wrod"}'),
    "bannedCommandStrings[0].mode",
    /did you mean "word"/,
  ],
  [
    "a match mode of another kind",
    strings('{"value": "a", "mode": 1}'),
    "bannedCommandStrings[0].mode",
    /got a number/,
  ],
  [
    "a misspelt scope",
    strings('{"value": "a", "scope": "container"}'),
    "bannedCommandStrings[0].scope",
    /did you mean "containers"/,
  ],
  ["a misspelt scope of a file", '{"scope": "hosts"}', "scope", /did you mean "host"/],
  ["value and allOf", strings('{"value": "a", "allOf": ["b"]}'), "bannedCommandStrings[0]", /one of value and allOf/],
  ["strings as a value", strings('{"value": ["aaaaa", "bbbbb"]}'), "bannedCommandStrings[0].value", /given by allOf/],
  ["no strings at all", strings('{"allOf": []}'), "bannedCommandStrings[0].allOf", /2 to 8 strings, got 0/],
  ["one string of several", strings('{"allOf": ["a"]}'), "bannedCommandStrings[0].allOf", /got 1\n.*given by value/],
  [
    "too many strings",
    strings(`{"allOf": [${Array(9).fill('"a"')}]}`),
    "bannedCommandStrings[0].allOf",
    /8 strings, got 9/,
  ],
  ["a string for several", strings('{"allOf": "aaaaa"}'), "bannedCommandStrings[0].allOf", /got a string/],
  ["a number among several", strings('{"allOf": ["aaaaa", 1]}'), "bannedCommandStrings[0].allOf[1]", /got a number/],
  [
    "a short string",
    strings('{"allOf": ["aaaaa", "bbbb"]}'),
    "bannedCommandStrings[0].allOf[1]",
    /least 5 bytes, got 4/,
  ],
  ["a blank one", strings('{"allOf": ["aaaaa", "      "]}'), "bannedCommandStrings[0].allOf[1]", /white space alone/],
  [
    "one string twice",
    strings('{"allOf": ["aaaa b", "bbbbb", "Aaaa\\tB"]}'),
    "bannedCommandStrings[0].allOf[2]",
    /another string, got the same as bannedCommandStrings\[0\]\.allOf\[0\]/,
  ],
  ["a note of another kind", strings('{"value": "a", "note": []}'), "bannedCommandStrings[0].note", /got an array/],
  [
    "a long note",
    strings(`{"value": "a", "note": "${"n".repeat(1025)}"}`),
    "bannedCommandStrings[0].note",
    /1024 bytes/,
  ],
  ["a misspelt key", '{"bannedCommandString": []}', "line 1 column 2", /did you mean "bannedCommandStrings"/],
  ["a misspelt key of a string", strings('{"Value": "a"}'), "bannedCommandStrings[0] at line 1 column 28", /"value"/],
  ["a repeated key", '{"mode": "audit",\n "mode": "audit"}', "line 2 column 2", /once, got it again/],
  ["an unknown action mode", '{"mode": "dry-run"}', "mode", /"enforce" or "audit", got another word/],
  ["an empty pattern", '{"allowedCommandPatterns": [""]}', "allowedCommandPatterns[0]", /an empty string/],
  ["a blank pattern", '{"allowedCommandPatterns": ["  "]}', "allowedCommandPatterns[0]", /white space alone/],
  ["a pattern of another kind", '{"allowedCommandPatterns": [1]}', "allowedCommandPatterns[0]", /got a number/],
  [
    "an object without a pattern",
    '{"allowedCommandPatterns": [{}]}',
    "allowedCommandPatterns[0].pattern",
    /no such key/,
  ],
  [
    "a pattern for another word than all",
    '{"allowedCommandPatterns": [{"pattern": "p", "for": "every"}]}',
    "allowedCommandPatterns[0].for",
    /"all" or an array of list names, got another word/,
  ],
  [
    "a pattern for no list",
    '{"allowedCommandPatterns": [{"pattern": "p", "for": []}]}',
    "allowedCommandPatterns[0].for",
    /got none/,
  ],
  [
    "a list's name that is none",
    '{"allowedCommandPatterns": ["q", {"pattern": "p", "for": ["a", 1]}]}',
    "allowedCommandPatterns[1].for[1]",
    /a list's name, got a number/,
  ],
];

for (const [name, text, place, said] of FAULTS) {
  test(`${name} is refused with its place`, () => {
    const problem = problemsOf(text)[0];
    assert.ok(problem, "refused");
    assert.equal(problem.place, place);
    assert.match(new ConfigError([problem]).message, said);
    assert.ok(new ConfigError([problem]).message.startsWith("read config /c/a.json: "));
  });
}

const ENCRYPTED = "ENC[AES256_GCM,data:Zm9v,iv:YmFy,tag:YmF6,type:str]";
for (const [place, text] of [
  ["bannedCommandStrings[1]", strings('"ok"', `"${ENCRYPTED}"`)],
  ["bannedCommandStrings[0].value", strings(`{"value": "${ENCRYPTED}"}`)],
  ["bannedCommandStrings[0].note", strings(`{"value": "ok", "note": "${ENCRYPTED}"}`)],
  ["allowedCommandPatterns[0]", `{"allowedCommandPatterns": ["${ENCRYPTED}"]}`],
  ["bannedCommandStrings[0]", strings('"$ANSIBLE_VAULT;1.1;AES256 3030"')],
  ["bannedCommandStrings[0]", strings('"-----BEGIN AGE ENCRYPTED FILE-----"')],
] as const) {
  test(`an encrypted value at ${place} is refused by its place: ${text.slice(0, 60)}`, () => {
    const problems = problemsOf(text);
    assert.deepEqual(
      problems.map((problem) => problem.place),
      [place],
    );
    assert.match(new ConfigError(problems).message, /a decrypted value, got an encrypted one\n {2}hint: decrypt/);
    assert.doesNotMatch(new ConfigError(problems).message, /Zm9v/);
  });
}

test("a file that sops encrypted as a whole says so", () => {
  const [, problem] = problemsOf(`{"data": "${ENCRYPTED}", "sops": {"version": "3.9.0"}}`);
  assert.match(problem!.hint!, /^sops encrypted this file/);
});

test("lists that are null or empty are empty", () => {
  for (const text of ["null", "{}", '{"bannedCommandStrings": null, "allowedCommandPatterns": null}', strings()]) {
    assert.deepEqual(parse(text), { file: "/c/a.json", strings: [], patterns: [] }, text);
  }
});

const BOUNDARIES: readonly (readonly [name: string, item: string])[] = [
  ["1 byte", '"x"'],
  ["512 bytes of UTF-8", `"${"é".repeat(256)}"`],
  ["a surrogate pair", '"\\ud83d\\ude00"'],
  ["a slash that must stand alone", '"/"'],
  ["a slash as an argument", '{"value": "/", "mode": "exact-argument"}'],
  ["white space around a word", '" a\\n"'],
  ["spaces in a whole argument", '{"value": " a b ", "mode": "exact-argument"}'],
  ["a note of 1024 bytes", `{"value": "a", "note": "${"n".repeat(1024)}"}`],
];

for (const [name, item] of BOUNDARIES) {
  test(`${name} is accepted`, () => assert.deepEqual(problemsOf(strings(item)), []));
}

test("bytes that are not UTF-8 are refused with line and byte column", () => {
  const bytes = Buffer.concat([utf8('{"mode":\n"é'), Buffer.from([0xff]), utf8('"}')]);
  assert.equal(problemsOf(bytes)[0]?.place, "line 2 column 4");
});

test("a byte that is not UTF-8 is found behind a long line, and where a character is cut", () => {
  for (const [before, bad] of [
    ["é".repeat(3_000_000), [0xff]],
    ["x".repeat(4095), [0xc3, 0x28]],
    ["é".repeat(2048), [0x80]],
    ["\u{1f600}".repeat(1500), [0xf0, 0x9f]],
  ] as const) {
    const bytes = Buffer.concat([utf8(before), Buffer.from(bad)]);
    assert.equal(problemsOf(bytes)[0]?.place, `line 1 column ${utf8(before).length + 1}`);
  }
});

// Quadratic reading took 17 s for 4,000 objects, and would take a minute for these.
const MANY = 8000;
const LIMIT_MS = 10_000;
for (const [name, separator] of [
  ["one line", ","],
  ["a line each", ",\n"],
] as const) {
  test(`${MANY} objects in ${name} are read in linear time`, () => {
    const objects = Array.from({ length: MANY }, (_, i) => `{"value": "string${i}", "mode": "anywhere", "note": "x"}`);
    const text = `{"bannedCommandStrings": [${objects.join(separator)}]}`;
    const start = performance.now();
    assert.equal(parse(text).strings.length, MANY);
    assert.ok(performance.now() - start < LIMIT_MS);
  });

  test(`${MANY} problems in ${name} are told in linear time, each with its place`, () => {
    const objects = Array.from({ length: MANY }, () => `{"valu": "x", "mod": "anywhere"}`);
    const text = `{"bannedCommandStrings": [${objects.join(separator)}]}`;
    const start = performance.now();
    const problems = problemsOf(text);
    assert.ok(performance.now() - start < LIMIT_MS);
    assert.equal(problems.length, 3 * MANY);
    const last = text.lastIndexOf('"mod"');
    const column = last - text.lastIndexOf("\n", last);
    assert.equal(
      problems.at(-2)!.place,
      `bannedCommandStrings[${MANY - 1}] at line ${name === "one line" ? 1 : MANY} column ${column}`,
    );
  });
}

test("nesting beyond the limit is refused without exhausting the stack", () => {
  assert.match(problemsOf("[".repeat(1_000_000))[0]?.expected ?? "", /levels of nesting/);
});

test("all problems of a file are told at once, in their order", () => {
  const text = '{"bannedCommandStrings": ["", 1, "ok", {"value": "", "mode": "x"}], "nope": 1, "mode": 2}';
  assert.deepEqual(
    problemsOf(text).map(({ place }) => place),
    [
      "line 1 column 69",
      "mode",
      "bannedCommandStrings[0]",
      "bannedCommandStrings[1]",
      "bannedCommandStrings[3].mode",
      "bannedCommandStrings[3].value",
    ],
  );
});

test("the pattern compiler's objections are listed with the rest", () => {
  const checkPattern = (source: string) =>
    source === "(" ? { expected: "a regular expression", got: "an open group" } : null;
  const text = utf8('{"allowedCommandPatterns": ["a", "("], "mode": 1}');
  assert.throws(
    () => parseConfigFile("f", text, { checkPattern }),
    (error) =>
      error instanceof ConfigError && error.problems.length === 2 && /Patterns\[1\]: .*open group/.test(error.message),
  );
});

test("no message repeats a value or a key that may be a banned string", () => {
  const secret = "zq9secretzq9";
  const texts = [
    `{"bannedCommandStrings": ["${secret}" "x"]}`,
    `{"bannedCommandStrings": "${secret}"}`,
    `{"bannedCommandStrings": {"${secret}": 1}}`,
    `{"${secret}": ["${secret}"]}`,
    `{"bannedCommandStrings": [{"${secret}": "a", "value": "b"}]}`,
    `{"bannedCommandStrings": ["${secret}\\u0000"]}`,
    `{"bannedCommandStrings": ["${secret}${"x".repeat(600)}"]}`,
    `{"bannedCommandStrings": [{"value": "${secret}\\ud800", "mode": "${secret}"}]}`,
    `{"mode": "${secret}"}`,
    `${secret}`,
    `"${secret}`,
  ];
  for (const text of texts) {
    const problems = problemsOf(text);
    assert.ok(problems.length > 0, text);
    assert.doesNotMatch(new ConfigError(problems).message, /secret/, text);
  }
});

test("a control character in a file name does not reach the terminal", () => {
  const { message } = new ConfigError([{ file: "\u001b[2J\u202e", place: "", expected: "a", got: "b" }]);
  assert.equal(message, "read config \\u{1b}[2J\\u{202e}: expected a, got b");
});

test("a thousand problems are shown as twenty and a count", () => {
  const { message, problems } = new ConfigError(
    Array.from({ length: 1000 }, (_, i) => ({ file: "f", place: `p[${i}]`, expected: "a", got: "b", hint: "c" })),
  );
  assert.equal(problems.length, 1000);
  assert.match(message, /^read config: 1000 problems\n/);
  assert.match(message, /and 980 more$/);
});

test("what any JSON writer writes is read back", () => {
  const value = fc
    .string({ unit: "binary", minLength: 1, maxLength: 100 })
    .filter((text) => !text.includes("\0") && text.trim() !== "");
  fc.assert(
    fc.property(fc.array(value), fc.boolean(), (values, pretty) => {
      const text = JSON.stringify({ bannedCommandStrings: values }, null, pretty ? 2 : 0);
      assert.deepEqual(
        parse(text).strings.map((string) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(string.value)),
        values,
      );
    }),
  );
});

test("the parser accepts exactly what the runtime's parser accepts", () => {
  const fragment = fc.constantFrom(...'{}[]:,"\\ \n-+.01eE', "true", "null", '"a"', "\\u00e9", "12", "\t");
  fc.assert(
    fc.property(fc.array(fragment, { maxLength: 12 }), (parts) => {
      const text = parts.join("");
      const syntax = problemsOf(text === "" ? " " : text).some(
        ({ place, got }) => place.startsWith("line") && /^(`|the end|a line|a control|another char)/.test(got),
      );
      let valid = true;
      try {
        JSON.parse(text);
      } catch {
        valid = false;
      }
      assert.equal(!syntax, valid, JSON.stringify(text));
    }),
    { numRuns: rounds(500) },
  );
});
