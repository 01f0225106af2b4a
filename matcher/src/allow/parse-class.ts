// A character class, `[...]`, as bytes: ASCII members become one byte set, others the byte sequences of their UTF-8.
import { byteSet, closeOverCase, complement } from "./byte-sets.js";
import type { Cursor } from "./cursor.js";
import { type Escape, parseEscape } from "./parse-escape.js";
import type { ByteSet, Node } from "./syntax-tree.js";
import { type CodePointRange, complementRanges, utf8Sequences } from "./utf8-sequences.js";

type Member = Exclude<Escape, { kind: "place" }>;

/**
 * Read a class whose opening bracket, at `start`, has been read.
 *
 * A negated class of ASCII members matches one byte, whatever it is part of, as `.` does. A negated class with other
 * members matches one ASCII byte or one whole UTF-8 character.
 */
export function parseClass(cursor: Cursor, start: number, ignoreCase: boolean): Node {
  const negated = cursor.take("^");
  const bytes = new Uint8Array(256);
  const ranges: CodePointRange[] = [];
  for (let first = true; ; first = false) {
    if (!first && cursor.take("]")) break;
    const memberStart = cursor.offset;
    const member = parseMember(cursor, start);
    if (cursor.peek() !== "-" || cursor.source.startsWith("-]", cursor.offset)) {
      addMember(bytes, ranges, member);
      continue;
    }
    cursor.next();
    addRange(cursor, memberStart, bytes, ranges, member, parseMember(cursor, start));
  }
  return toNode(ignoreCase ? closeOverCase(bytes) : bytes, ranges, negated);
}

/** A set of bytes, or of longer sequences too when the class has members beyond ASCII. */
function toNode(bytes: ByteSet, ranges: readonly CodePointRange[], negated: boolean): Node {
  if (!negated) return either(bytes, ranges);
  if (ranges.length === 0) return { kind: "bytes", set: complement(bytes) };
  const ascii = byteSet((byte) => byte < 0x80 && bytes[byte] === 0);
  // A set such as \W has all bytes beyond ASCII: then no character of several bytes is outside of the class.
  return either(ascii, bytes[0x80] === 1 ? [] : complementRanges(ranges));
}

function either(bytes: ByteSet, ranges: readonly CodePointRange[]): Node {
  const sequences = ranges.flatMap(utf8Sequences).map(
    (sequence): Node => ({
      kind: "sequence",
      parts: sequence.map(([first, last]) => ({
        kind: "bytes",
        set: byteSet((byte) => byte >= first && byte <= last),
      })),
    }),
  );
  const single: Node = { kind: "bytes", set: bytes };
  return sequences.length === 0 ? single : { kind: "either", branches: [single, ...sequences] };
}

function parseMember(cursor: Cursor, classStart: number): Member {
  const start = cursor.offset;
  const character = cursor.next();
  if (character === "") throw cursor.error(classStart, "a class is not closed", "write ], or \\[ for a bracket");
  if (character !== "\\") return { kind: "character", codePoint: codePointOf(cursor, start, character) };
  const member = parseEscape(cursor, start, "class");
  if (member.kind === "place") throw new TypeError("a class has no places");
  return member;
}

/** A character's code point. Lone surrogates, which JSON can hold, have no UTF-8. */
export function codePointOf(cursor: Cursor, start: number, character: string): number {
  const codePoint = character.codePointAt(0)!;
  if (codePoint >= 0xd800 && codePoint <= 0xdfff) {
    throw cursor.error(
      start,
      "half a surrogate pair is not a character",
      "write the character itself or . for any byte",
    );
  }
  return codePoint;
}

function addMember(bytes: Uint8Array, ranges: CodePointRange[], member: Member): void {
  if (member.kind === "character") add(bytes, ranges, member.codePoint, member.codePoint);
  else for (const [byte, isMember] of member.set.entries()) if (isMember) bytes[byte] = 1;
}

function addRange(
  cursor: Cursor,
  start: number,
  bytes: Uint8Array,
  ranges: CodePointRange[],
  first: Member,
  last: Member,
): void {
  if (first.kind !== "character" || last.kind !== "character") {
    throw cursor.error(start, "a range in a class ends in a set", "write the hyphen as \\-");
  }
  if (first.codePoint > last.codePoint) throw cursor.error(start, "a range in a class runs backwards", "swap its ends");
  add(bytes, ranges, first.codePoint, last.codePoint);
}

function add(bytes: Uint8Array, ranges: CodePointRange[], first: number, last: number): void {
  bytes.fill(1, Math.min(first, 0x80), Math.min(last + 1, 0x80));
  if (last >= 0x80) ranges.push([Math.max(first, 0x80), last]);
}
