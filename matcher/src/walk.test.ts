import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Matcher } from "./matcher.js";
import { search } from "./oracle.js";
import type { BannedString, CommandLine } from "./types.js";

const bytes = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));

/** Few letters, so that strings and lines meet often; the bytes that folding and word boundaries treat specially. */
const letter = fc.constantFrom(..."abAB1_-. \t\n'\u00e9\u0000".split(""));
const value = fc
  .array(letter, { minLength: 1, maxLength: 14 })
  .map((letters) => bytes(letters.join("").replaceAll("\0", " ")));
const string = fc.record({
  value,
  mode: fc.constantFrom("word", "anywhere", "exact-argument"),
}) as fc.Arbitrary<BannedString>;
const argument = fc.array(letter, { maxLength: 24 }).map((letters) => bytes(letters.join("").replaceAll("\0", "")));

/** A line made of random pieces and of the strings themselves, in either case. */
const problem = fc.array(string, { minLength: 1, maxLength: 8 }).chain((strings) => {
  const planted = fc
    .tuple(argument, fc.constantFrom(...strings), argument, fc.boolean())
    .map(([before, { value }, after, upper]) => {
      const text = String.fromCharCode(...before, ...value, ...after);
      return bytes(upper ? text.toUpperCase().replace(/[^\0-\xff]/g, "?") : text);
    });
  const piece = fc.oneof(argument, planted);
  return fc.record({
    strings: fc.constant(strings),
    line: fc.record({ path: piece, args: fc.array(piece, { maxLength: 4 }) }) as fc.Arbitrary<CommandLine>,
  });
});

test("the tables give the oracle's answer on hostile lines", () => {
  const seen = { banned: 0, "is-substring": 0, none: 0, spared: 0 };
  fc.assert(
    fc.property(problem, ({ strings, line }) => {
      const expected = search(strings, line);
      const found = new Matcher(strings).match(line);
      seen[found.kind] += 1;
      assert.equal(found.kind, expected.kind);
    }),
    { numRuns: 3000 },
  );
  assert.ok(Math.min(seen.banned, seen["is-substring"], seen.none) > 100, JSON.stringify(seen));
});
