import assert from "node:assert/strict";
import { test } from "node:test";
import { Positions } from "./json.js";

test("places are right when they are asked for in any order", () => {
  const text = "a\u{1f600}b\n\néc\r\n\u{1f600}";
  const positions = new Positions(text);
  const naive = (at: number) => {
    const lines = text.slice(0, at).split("\n");
    return { line: lines.length, column: [...lines.at(-1)!].length + 1 };
  };
  for (const at of [0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 4, 10, 0, 6]) assert.deepEqual(positions.of(at), naive(at), `${at}`);
});
