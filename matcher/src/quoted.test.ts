import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { counts } from "./counts.js";
import { fold } from "./fold.js";
import { quotedPiece, searchQuoted } from "./quoted.js";
import { quoteLine } from "./shell-quote.js";
import { rounds } from "./test/rounds.js";
import type { BannedString } from "./types.js";

const bytes = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));
const string = (text: string): BannedString => ({ value: bytes(text), mode: "word" });

for (const [text, args, found] of [
  ["-c 'sleep", ["/bin/sh", "-c", "sleep 1"], true],
  ["-c 'sleep", ["/bin/sh", "-c", "sleep"], false],
  ["echo 'two words'", ["/bin/echo", "two words"], true],
  ["echo 'two words'", ["/bin/echo", "two", "words"], false],
  ["it'\"'\"'s here", ["/bin/echo", "it's here"], true],
  ["ECHO 'Two Words'", ["/bin/echo", "two words"], true],
  ["without", ["/bin/echo", "without quotes"], false],
] as const) {
  test(`${text} ${found ? "stands" : "does not stand"} in the quoted line of ${args.join(", ")}`, () => {
    assert.equal(searchQuoted([string(text)], args.map(bytes)).length, found ? 1 : 0);
  });
}

test("a string that is found in the quoted line has its piece in the plain line", () => {
  const text = fc
    .array(fc.constantFrom("'", '"', " ", "a", "B", "cd", "efgh", "-"), { minLength: 1, maxLength: 8 })
    .map((parts) => parts.join(""));
  let found = 0;
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 4 }), fc.nat(), fc.nat(), (args, at, length) => {
      const quoted = quoteLine(args.map(bytes));
      const value = quoted.subarray(at % quoted.length).subarray(0, 1 + (length % 20));
      const banned: BannedString = { value, mode: "anywhere" };
      const piece = quotedPiece(banned);
      if (piece === null) return;
      assert.deepEqual(searchQuoted([banned], args.map(bytes)), [0]);
      found++;
      const plain = bytes(args.join("\0"));
      const stands = [...plain.keys()].some(
        (i) =>
          fold(plain.subarray(i, i + piece.length)).join() === fold(piece).join() &&
          counts(plain, i, { value: piece, mode: "anywhere" }),
      );
      assert.ok(stands, `${JSON.stringify(args)}: ${String.fromCharCode(...value)}`);
    }),
    { numRuns: rounds(1000) },
  );
  assert.ok(found > 20, `${found} strings with a piece`);
});
