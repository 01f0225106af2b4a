import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePattern } from "./parse-pattern.js";
import { PatternError } from "./pattern-error.js";

const refused: readonly [pattern: string, offset: number, problem: RegExp][] = [
  ["a(?=b)", 1, /lookahead is not supported/],
  ["a(?!b)", 1, /negative lookahead is not supported/],
  ["(?<=a)b", 0, /lookbehind is not supported/],
  ["(?<!a)b", 0, /negative lookbehind is not supported/],
  ["(a)\\1", 3, /backreferences are not supported/],
  ["(?P<n>a)(?P=n)", 8, /backreferences are not supported/],
  ["(?<n>a)", 0, /written \(\?P<name>/],
  ["(?>a)", 0, /atomic groups are not supported/],
  ["(a)?(?(1)b|c)", 4, /conditions on groups are not supported/],
  ["a*+", 1, /possessive repeats are not supported/],
  ["a{2}+", 1, /possessive repeats are not supported/],
  ["(?x)a", 0, /the flag x is not supported/],
  ["(?L)a", 0, /there is no flag L/],
  ["a(?i)", 1, /flags stand after the start/],
  ["a|(?i)b", 2, /flags stand after the start/],
  ["(?i-)a", 0, /no group that is known/],
  ["(?P<1>a)", 0, /name is not one/],
  ["(?P<n>a)(?P<n>b)", 8, /name is taken/],
  ["(?#", 0, /a comment is not closed/],
  ["*a", 0, /nothing to repeat/],
  ["a|*", 2, /nothing to repeat/],
  ["^*", 1, /nothing to repeat/],
  ["\\b+", 2, /nothing to repeat/],
  ["a**", 2, /a repeat is repeated/],
  ["a{2}{3}", 4, /a repeat is repeated/],
  ["a{3,2}", 1, /least count is above its greatest/],
  ["a{1001}", 1, /more than 1000 copies/],
  ["(a{1,500}){1,500}", 10, /more than 1000 copies/],
  [`(${"a".repeat(100)}){300}`, 0, /grows to 30000 parts/],
  ["(".repeat(101) + ")".repeat(101), 100, /groups nest deeper than 100/],
  ["(a", 0, /a group is not closed/],
  ["a)", 1, /closes no group/],
  ["[a", 0, /a class is not closed/],
  ["[]", 0, /a class is not closed/],
  ["[b-a]", 1, /runs backwards/],
  ["[a-\\d]", 1, /ends in a set/],
  ["[\\8]", 1, /a digit is escaped/],
  ["[\\A]", 1, /no meaning in a class/],
  ["a\\", 1, /ends with a backslash/],
  ["\\q", 0, /has no meaning/],
  ["\\N{DASH}", 0, /has no meaning/],
  ["\\x4", 0, /2 hexadecimal digits are missing/],
  ["\\U00110000", 0, /no such code point/],
  ["\\777", 0, /above \\377/],
  ["a\ud800", 1, /half a surrogate pair/],
  ["(?m:^a)b$", 0, /both with the flag m and without/],
];

for (const [pattern, offset, problem] of refused) {
  test(`${JSON.stringify(pattern.slice(0, 40))} is refused with its place and what to write`, () => {
    assert.throws(
      () => parsePattern(pattern, 7),
      (error) => {
        assert.ok(error instanceof PatternError);
        assert.equal(error.patternIndex, 7);
        assert.equal(error.offset, offset);
        assert.match(error.problem, problem);
        assert.ok(error.hint.length > 0);
        assert.equal(error.message, `parse allow pattern 7 at offset ${offset}: ${error.problem}`);
        return true;
      },
    );
  });
}

const accepted = [
  "",
  "a{",
  "a{}",
  "a{x}",
  "a{,}",
  "{",
  "]",
  "[]]",
  "[^]]",
  "[a-]",
  "[-a]",
  "(?:^)*",
  "(?:a*)*",
  "a(?#comment)*",
  "(?i)(?s)a",
  "(?#first)(?i)a",
  "(?P<name>a|b)",
  "(?i-s:a)",
  "\\A\\x2fusr\\Z",
  "\\/\\ \\-",
  "[\\b\\0\\12\\w-]",
  "\\u00e9[\u00e0-\u00fc]",
];

for (const pattern of accepted) {
  test(`${JSON.stringify(pattern)} is a pattern, as it is for Python`, () => {
    assert.doesNotThrow(() => parsePattern(pattern, 0));
  });
}
