import assert from "node:assert/strict";
import { test } from "node:test";
import { AllowPatterns } from "./allow-patterns.js";
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

test("a line of 2 MB takes time linear in its length under a pattern that backtracks exponentially elsewhere", () => {
  const subject = new Uint8Array(2 * 1024 * 1024).fill(0x61);
  assert.equal(new AllowPatterns(["(a*)*b"]).firstMatch(subject), -1);
  assert.equal(new AllowPatterns(["(.*a){12}$"]).firstMatch(subject), 0);
});

test("a pattern of the largest size is compiled", () => {
  const words = Array.from({ length: 2300 }, (_, i) => `word${i}`);
  assert.equal(new AllowPatterns([`(${words.join("|")})$`]).firstMatch(bytes("word2299")), 0);
});
