import assert from "node:assert/strict";
import { test } from "node:test";
import { splitWords } from "./explain.js";

for (const [text, words] of [
  ["sh -c 'sleep 1 && true'\n", ["sh", "-c", "sleep 1 && true"]],
  ['a  "b c"\t\\d', ["a", "b c", "d"]],
  ["a'b'\"c\" ''", ["abc", ""]],
  ['"it\'s \\"x\\""', ['it\'s "x"']],
  ["a\0b c\0\0", ["a", "b c", ""]],
  ["a\0'b", ["a", "'b"]],
  ["", []],
] as const) {
  test(`${JSON.stringify(text)} is split into ${JSON.stringify(words)}`, () => {
    assert.deepEqual(
      splitWords(Buffer.from(text)).map((word) => Buffer.from(word).toString()),
      words,
    );
  });
}
