import assert from "node:assert/strict";
import { test } from "node:test";
import { AllowPatterns, MAX_JUDGING_MS, MAX_WORK } from "./allow-patterns.js";
import { PatternError } from "./pattern-error.js";
import { bytes } from "./test-texts.js";

test("the lowest index of the patterns that match is found", () => {
  const patterns = new AllowPatterns(["x", "ab", "a"]);
  assert.equal(patterns.firstMatch(bytes("abc")), 1);
  assert.equal(patterns.firstMatch(bytes("ac")), 2);
  assert.equal(patterns.firstMatch(bytes("bc")), -1);
});

test("only the patterns asked for are compiled, under their own indices", () => {
  const patterns = new AllowPatterns(["a(", "a", "b"], [2]);
  assert.equal(patterns.firstMatch(bytes("a")), -1);
  assert.equal(patterns.firstMatch(bytes("b")), 2);
  assert.throws(() => new AllowPatterns(["a", "a("]), PatternError);
});

test("each of the 256 bytes is one character, and capitals are small letters", () => {
  for (let byte = 0; byte < 256; byte++) {
    const subject = Uint8Array.of(byte, 0x3b);
    const isCapital = byte >= 0x41 && byte <= 0x5a;
    assert.equal(new AllowPatterns(["(?s).;$"]).firstMatch(subject), 0);
    const source = byte < 0x80 ? `(?-i:\\x${byte.toString(16).padStart(2, "0")})` : "[^\\x00-\\x7f]";
    assert.equal(new AllowPatterns([source]).firstMatch(subject), isCapital ? -1 : 0, `byte ${byte}`);
  }
});

test("a line of 2 MB is judged by a pattern that would backtrack exponentially elsewhere", () => {
  const subject = new Uint8Array(2 * 1024 * 1024).fill(0x61);
  assert.deepEqual(new AllowPatterns(["(a*)*b"]).judge(subject), { index: -1, unjudged: [] });
  assert.deepEqual(new AllowPatterns(["(a*)*$"]).judge(subject), { index: 0, unjudged: [] });
});

test("a pattern is not run on a line that is too long for its size, and is named", () => {
  const size = 501;
  const patterns = new AllowPatterns(["x", `.{${size - 1}}$`, "a+$"]);
  const longest = Math.floor(MAX_WORK / size);
  assert.deepEqual(patterns.judge(new Uint8Array(longest).fill(0x62)), { index: -1, unjudged: [] });
  assert.deepEqual(patterns.judge(new Uint8Array(longest + 1).fill(0x61)), { index: 2, unjudged: [1] });
});

test("when time is up no further pattern is run, and those left are named", () => {
  const patterns = new AllowPatterns(["x", "y", "a", "b"]);
  const clock = [0, 1, MAX_JUDGING_MS - 1, MAX_JUDGING_MS, MAX_JUDGING_MS + 1];
  assert.deepEqual(
    patterns.judge(bytes("a"), () => clock.shift()!),
    { index: -1, unjudged: [2, 3] },
  );
});

test("a pattern of the largest size is compiled", () => {
  const words = Array.from({ length: 2300 }, (_, i) => `word${i}`);
  assert.equal(new AllowPatterns([`(${words.join("|")})$`]).firstMatch(bytes("word2299")), 0);
});
