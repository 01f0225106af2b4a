import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { rounds } from "../test/rounds.js";
import { complementRanges, encode, LAST_CODE_POINT, utf8Sequences } from "./utf8-sequences.js";

const codePoint = fc.oneof(
  fc.integer({ min: 0, max: LAST_CODE_POINT }),
  fc.constantFrom(
    0,
    0x7f,
    0x80,
    0x7ff,
    0x800,
    0xfff,
    0x1000,
    0xd7ff,
    0xe000,
    0xffff,
    0x10000,
    0x3ffff,
    0x40000,
    0x10ffff,
  ),
);
const range = fc.tuple(codePoint, codePoint).map(([a, b]): [number, number] => [Math.min(a, b), Math.max(a, b)]);

test("a range's sequences match its code points and no others", () => {
  fc.assert(
    fc.property(range, codePoint, ([first, last], other) => {
      for (const point of [first, last, other, first - 1, last + 1, first + 63, last - 64]) {
        if (point < 0 || point > LAST_CODE_POINT || isSurrogate(point)) continue;
        assert.equal(matches([first, last], encode(point)), point >= first && point <= last, `U+${point.toString(16)}`);
      }
    }),
    { numRuns: rounds(1000) },
  );
});

test("all of Unicode takes nine sequences, none of which matches a surrogate", () => {
  assert.equal(utf8Sequences([0, LAST_CODE_POINT]).length, 9);
  assert.equal(matches([0, LAST_CODE_POINT], Uint8Array.of(0xed, 0xa0, 0x80)), false);
});

test("the complement of ranges holds the non-ASCII code points that are in none of them", () => {
  assert.deepEqual(
    complementRanges([
      [0x100, 0x1ff],
      [0x180, 0x2ff],
      [0x80, 0x80],
    ]),
    [
      [0x81, 0xff],
      [0x300, LAST_CODE_POINT],
    ],
  );
  assert.deepEqual(complementRanges([[0x80, LAST_CODE_POINT]]), []);
});

function matches(wanted: [number, number], encoded: Uint8Array): boolean {
  return utf8Sequences(wanted).some(
    (sequence) =>
      sequence.length === encoded.length &&
      sequence.every(([first, last], i) => encoded[i]! >= first && encoded[i]! <= last),
  );
}

function isSurrogate(point: number): boolean {
  return point >= 0xd800 && point <= 0xdfff;
}
