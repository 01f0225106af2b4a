import assert from "node:assert/strict";
import { test } from "node:test";
import { search } from "@cryptnono/matcher";
import { rounds } from "@cryptnono/matcher/test/rounds";
import fc from "fast-check";
import { bytes, commandLine, StringIndex } from "./string-index.js";

// Few letters, so that strings meet; a word byte, separators, and letters beyond ASCII.
const letters = fc.constantFrom("a", "A", "b", "_", "-", ".", " ", "é");
const string = fc.string({ unit: letters, minLength: 5, maxLength: 7 });
const mode = fc.constantFrom("word" as const, "anywhere" as const, "exact-argument" as const);

test("it finds exactly the strings that the matcher bans, each by itself", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ value: string, mode }), { maxLength: 12 }),
      fc.array(fc.string({ unit: letters, maxLength: 20 }), { minLength: 1, maxLength: 4 }),
      (strings, words) => {
        const line = commandLine(words);
        const expected = strings.flatMap(({ value, mode }, i) =>
          search([{ value: bytes(value), mode }], line).kind === "banned" ? [i] : [],
        );
        assert.deepEqual(
          new StringIndex(strings).banning(line).sort((a, b) => a - b),
          expected,
        );
      },
    ),
    { numRuns: rounds(400) },
  );
});
