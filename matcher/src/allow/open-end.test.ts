import assert from "node:assert/strict";
import { test } from "node:test";
import { isOpenEnded } from "./open-end.js";

for (const [source, isOpen] of [
  ["echo allowed word", true],
  ["echo allowed word$", false],
  ["echo allowed word\\Z", false],
  ["/opt/conda/bin/git clone .*", true],
  ["/opt/conda/bin/git clone .*$", true],
  ["/opt/conda/bin/git clone '[^']*'$", false],
  ["git( [\\w./:-]+)+$", false],
  ["a\\b", true],
  ["a|b$", true],
  [".*", true],
  ["(?s).*x.*\\Z", true],
  ["x(y|z)?$", false],
] as const) {
  test(`${source} has ${isOpen ? "no" : "an"} end`, () => assert.equal(isOpenEnded(source), isOpen));
}
