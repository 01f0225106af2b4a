import assert from "node:assert/strict";
import { test } from "node:test";
import { shellSplit } from "./shell-split.js";

const ROWS: readonly (readonly [line: string, words: readonly string[]])[] = [
  ["", []],
  ["ls -la", ["ls", "-la"]],
  ["  ls \t -la ", ["ls", "-la"]],
  ["sh -c 'sleep 1 && echo a'", ["sh", "-c", "sleep 1 && echo a"]],
  ['a"b c"d', ["ab cd"]],
  ['echo "a \\"quoted\\" $HOME"', ["echo", 'a "quoted" $HOME']],
  ["echo a\\ b", ["echo", "a b"]],
  ["echo ''", ["echo", ""]],
  ["echo it's", ["echo", "it's"]],
  ['say "open', ["say", '"open']],
];

for (const [line, words] of ROWS) {
  test(`${JSON.stringify(line)} has ${words.length} words`, () => assert.deepEqual(shellSplit(line), words));
}
