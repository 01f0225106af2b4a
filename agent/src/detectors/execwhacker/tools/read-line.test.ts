import assert from "node:assert/strict";
import { test } from "node:test";
import { UsageError } from "../../../errors.js";
import { splitWords } from "./read-line.js";

// matcher/src/shell-split.test.ts has the shell's rules.
for (const [text, words] of [
  ["sh -c 'sleep 1 && true'\n", ["sh", "-c", "sleep 1 && true"]],
  ['"a\\X" b\\\nc', ["a\\X", "bc"]],
  ["a\0b c\0\0", ["a", "b c", ""]],
  ["a\0'b", ["a", "'b"]],
  ["", []],
] as const) {
  test(`${JSON.stringify(text)} is split into ${JSON.stringify(words)}`, () => {
    assert.deepEqual(
      splitWords(Buffer.from(text)).words.map((word) => Buffer.from(word).toString()),
      words,
    );
  });
}

test("an open quote is an error with a hint", () => {
  assert.throws(() => splitWords(Buffer.from("echo it's")), UsageError);
});
