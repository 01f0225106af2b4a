import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compileTables } from "./compile.js";
import { Matcher } from "./matcher.js";
import { search } from "./oracle.js";
import { rounds } from "./test/rounds.js";
import type { BannedString, CommandLine } from "./types.js";
import { OVERLAP_BYTES, walkTables } from "./walk.js";

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
  const seen = { banned: 0, "is-substring": 0, none: 0, spared: 0, "out-of-scope": 0 };
  fc.assert(
    fc.property(problem, ({ strings, line }) => {
      const expected = search(strings, line);
      const found = new Matcher(strings).match(line);
      seen[found.kind] += 1;
      assert.equal(found.kind, expected.kind);
    }),
    { numRuns: rounds(500) },
  );
  assert.ok(Math.min(seen.banned, seen["is-substring"], seen.none) > 10, JSON.stringify(seen));
});

test("a line in pieces gives what the whole line gives, wherever it is cut", () => {
  const seen = { found: 0, none: 0 };
  const area = fc.array(letter, { minLength: 30, maxLength: 60 }).map((letters) => bytes(letters.join("")));
  const cuts = fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.array(string, { minLength: 1, maxLength: 3 }), area, cuts, ([...strings], ends, steps) => {
      // Between its ends there is room, so that all pieces share what they must.
      const filling = bytes("-".repeat(OVERLAP_BYTES));
      const text = Uint8Array.from([...ends, ...filling, ...ends, ...filling, ...ends, ...filling, ...ends]);
      const tables = compileTables(strings);
      const line = (args: Uint8Array) => ({ path: new Uint8Array(0), args: [args] });
      const whole = walkTables(tables, line(text));
      const inPieces = { banned: false, substring: false };
      for (let from = 0, i = 0; from === 0 || from + OVERLAP_BYTES < text.length; i++) {
        const to = Math.min(text.length, from + OVERLAP_BYTES + steps[i % steps.length]!);
        const cut = { start: from > 0, end: to < text.length };
        const { enforce, substring } = walkTables(tables, line(text.subarray(from, to)), cut);
        inPieces.banned ||= enforce.size > 0;
        inPieces.substring ||= substring >= 0;
        if (to === text.length) break;
        from = to - OVERLAP_BYTES;
      }
      seen[whole.enforce.size > 0 || whole.substring >= 0 ? "found" : "none"]++;
      assert.deepEqual(inPieces, { banned: whole.enforce.size > 0, substring: whole.substring >= 0 });
    }),
    { numRuns: rounds(200) },
  );
  assert.ok(Math.min(seen.found, seen.none) > 10, JSON.stringify(seen));
});
