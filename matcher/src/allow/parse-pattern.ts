// An allow pattern's text to its tree: the syntax of Python's `re`, without what is not regular.
// https://docs.python.org/3/library/re.html#regular-expression-syntax
import { ANY, ANY_BUT_NEWLINE, oneByte } from "./byte-sets.js";
import { Cursor } from "./cursor.js";
import { codePointOf, parseClass } from "./parse-class.js";
import { parseEscape } from "./parse-escape.js";
import { expandedSize, type Node, nestedCopies, placesIn } from "./syntax-tree.js";
import { encode } from "./utf8-sequences.js";

/** Most copies that nested counted repeats may ask for. */
export const MAX_COPIES = 1000;
/** Most byte sets and places once repeats are written out. Bounds the work of compiling. */
export const MAX_EXPANDED_SIZE = 20_000;
/** Deepest nesting of groups: this parser calls itself for each. */
export const MAX_NESTING = 100;

interface Flags {
  readonly ignoreCase: boolean;
  readonly dotAll: boolean;
  readonly multiLine: boolean;
}

/**
 * Parse one pattern, to be matched without case from the start of the line, as `re.match(pattern, line, re.IGNORECASE)`.
 *
 * Meaning is by bytes: `.` is a byte, `\w`, `\d`, `\s` and `\b` know ASCII alone, and a character beyond ASCII stands for
 * its UTF-8 bytes. Case is folded for ASCII letters.
 *
 * @param patternIndex - Named in errors.
 * @throws PatternError when it is malformed, not regular (lookaround, backreferences, atomic groups, possessive repeats,
 *   conditions) or beyond the limits of this file.
 */
export function parsePattern(source: string, patternIndex: number): Node {
  const cursor = new Cursor(source, patternIndex);
  const tree = new Parser(cursor).parse();
  const places = placesIn(tree);
  if (places.has("final-line-end") && (places.has("line-start") || places.has("line-end"))) {
    throw cursor.error(0, "$ is used both with the flag m and without", "write \\Z for the end of the text");
  }
  return tree;
}

class Parser {
  readonly cursor: Cursor;
  readonly groupNames = new Set<string>();
  flags: Flags = { ignoreCase: true, dotAll: false, multiLine: false };
  depth = 0;
  /** Something that flags could not stand after has been read. */
  started = false;

  constructor(cursor: Cursor) {
    this.cursor = cursor;
  }

  parse(): Node {
    const tree = this.alternatives();
    if (this.cursor.peek() === ")")
      throw this.cursor.error(this.cursor.offset, "a ) closes no group", "write \\) for the character");
    const size = expandedSize(tree);
    if (size > MAX_EXPANDED_SIZE) {
      throw this.cursor.error(
        0,
        `the pattern grows to ${size} parts once its repeats are written out, more than ${MAX_EXPANDED_SIZE}`,
        "write smaller counts, or * and +, which cost one part",
      );
    }
    return tree;
  }

  alternatives(): Node {
    const branches = [this.sequence()];
    while (this.cursor.take("|")) {
      this.started = true;
      branches.push(this.sequence());
    }
    return branches.length === 1 ? branches[0]! : { kind: "either", branches };
  }

  sequence(): Node {
    const parts: Node[] = [];
    while (!["", "|", ")"].includes(this.cursor.peek())) {
      const start = this.cursor.offset;
      const count = this.count();
      if (count !== undefined) parts.push(this.repeated(start, parts.pop(), count));
      else parts.push(...this.item(start));
      this.started ||= parts.length > 0;
    }
    return parts.length === 1 ? parts[0]! : { kind: "sequence", parts };
  }

  /** The next item; nothing for a comment or for flags. */
  item(start: number): Node[] {
    const { cursor, flags } = this;
    const character = cursor.next();
    switch (character) {
      case "(":
        return this.group(start);
      case "[":
        return [parseClass(cursor, start, flags.ignoreCase)];
      case ".":
        return [{ kind: "bytes", set: flags.dotAll ? ANY : ANY_BUT_NEWLINE }];
      case "^":
        return [{ kind: "place", place: flags.multiLine ? "line-start" : "start" }];
      case "$":
        return [{ kind: "place", place: flags.multiLine ? "line-end" : "final-line-end" }];
      case "\\": {
        const escaped = parseEscape(cursor, start, "pattern");
        if (escaped.kind === "place") return [escaped];
        if (escaped.kind === "set") return [{ kind: "bytes", set: escaped.set }];
        return [literal(escaped.codePoint, flags.ignoreCase)];
      }
      default:
        return [literal(codePointOf(cursor, start, character), flags.ignoreCase)];
    }
  }

  /** `*`, `+`, `?` or `{m,n}` if one comes next. Braces that hold no count are characters. */
  count(): { min: number; max: number } | undefined {
    const { cursor } = this;
    if (cursor.take("*")) return { min: 0, max: Infinity };
    if (cursor.take("+")) return { min: 1, max: Infinity };
    if (cursor.take("?")) return { min: 0, max: 1 };
    const braces = /^\{(\d*)(,?)(\d*)\}$/.exec(cursor.takeMatch(/\{(?!\})\d*,?\d*\}/y));
    if (braces === null) return undefined;
    const [, low, comma, high] = braces as unknown as [string, string, string, string];
    const min = low === "" ? 0 : Number(low);
    if (comma === "") return { min, max: min };
    return { min, max: high === "" ? Infinity : Number(high) };
  }

  repeated(start: number, body: Node | undefined, { min, max }: { min: number; max: number }): Node {
    const { cursor } = this;
    if (body === undefined || body.kind === "place") {
      throw cursor.error(
        start,
        "there is nothing to repeat",
        "write a backslash before the character if it stands for itself",
      );
    }
    if (body.kind === "repeat") {
      throw cursor.error(start, "a repeat is repeated", "put the first one in a group, (?:...)");
    }
    if (cursor.take("+")) {
      throw cursor.error(
        start,
        "possessive repeats are not supported",
        "leave the second + out, or say what must not follow",
      );
    }
    cursor.take("?");
    if (min > max) throw cursor.error(start, "a repeat's least count is above its greatest", "swap them");
    const node: Node = { kind: "repeat", body, min, max };
    if (nestedCopies(node) > MAX_COPIES) {
      throw cursor.error(
        start,
        `repeats multiply to more than ${MAX_COPIES} copies`,
        "write smaller counts, or * and +",
      );
    }
    return node;
  }

  /** A group whose parenthesis, at `start`, has been read. */
  group(start: number): Node[] {
    const { cursor } = this;
    if (!cursor.take("?")) return [this.groupBody(start, this.flags)];
    if (cursor.take(":")) return [this.groupBody(start, this.flags)];
    if (cursor.take("P<")) {
      this.groupName(start);
      return [this.groupBody(start, this.flags)];
    }
    if (cursor.take("#")) {
      cursor.takeMatch(/(?:\\.|[^)\\])*/sy);
      if (!cursor.take(")")) throw cursor.error(start, "a comment is not closed", "write )");
      return [];
    }
    this.refuse(start);
    return this.flagged(start);
  }

  groupBody(start: number, flags: Flags): Node {
    const { cursor, flags: outer } = this;
    if (++this.depth > MAX_NESTING) {
      throw cursor.error(
        start,
        `groups nest deeper than ${MAX_NESTING}`,
        "leave out groups that hold no | and have no repeat",
      );
    }
    this.started = true;
    this.flags = flags;
    const body = this.alternatives();
    if (!cursor.take(")")) throw cursor.error(start, "a group is not closed", "write ), or \\( for the character");
    this.flags = outer;
    this.depth--;
    // A place or a repeat cannot be repeated by itself; in a group it can.
    return body.kind === "place" || body.kind === "repeat" ? { kind: "sequence", parts: [body] } : body;
  }

  groupName(start: number): void {
    const name = this.cursor.takeMatch(/[\p{ID_Start}_][\p{ID_Continue}]*(?=>)/uy);
    if (name === "" || this.groupNames.has(name)) {
      throw this.cursor.error(
        start,
        name === "" ? "a group's name is not one" : "a group's name is taken",
        "leave the name out: (...)",
      );
    }
    this.groupNames.add(name);
    this.cursor.take(">");
  }

  /** `(?flags)` at the start of the pattern, or `(?flags-flags:...)`. The parenthesis and the `?` have been read. */
  flagged(start: number): Node[] {
    const { cursor } = this;
    const on = cursor.takeMatch(/[A-Za-z]*/y);
    const off = cursor.takeMatch(/-[A-Za-z]+/y);
    for (const letter of on + off.slice(1)) this.checkFlag(start, letter);
    const flags: Flags = {
      ignoreCase: (this.flags.ignoreCase || on.includes("i")) && !off.includes("i"),
      dotAll: (this.flags.dotAll || on.includes("s")) && !off.includes("s"),
      multiLine: (this.flags.multiLine || on.includes("m")) && !off.includes("m"),
    };
    if ((on !== "" || off !== "") && cursor.take(":")) return [this.groupBody(start, flags)];
    if (on === "" || off !== "" || !cursor.take(")"))
      throw cursor.error(start, "(? begins no group that is known", "write (?:...)");
    if (this.started)
      throw cursor.error(start, "flags stand after the start", "write them first, or (?flags:...) around a part");
    this.flags = flags;
    return [];
  }

  /** `a` (ASCII) is how patterns are read anyway, and `u` was the default where they come from: both change nothing. */
  checkFlag(start: number, letter: string): void {
    if ("ismau".includes(letter)) return;
    if (letter === "x")
      throw this.cursor.error(start, "the flag x is not supported", "write the pattern without blanks and comments");
    throw this.cursor.error(start, `there is no flag ${letter} here`, "use i, s or m");
  }

  /** Fail on the groups that need more than an automaton. */
  refuse(start: number): void {
    const { cursor } = this;
    const kinds: readonly (readonly [string, string, string])[] = [
      ["=", "lookahead is not supported", "write what follows as part of the pattern: a match may end anywhere"],
      [
        "!",
        "negative lookahead is not supported",
        "write a class of what may follow, such as [^x], or list what is allowed",
      ],
      ["<=", "lookbehind is not supported", "write what comes before as part of the pattern"],
      ["<!", "negative lookbehind is not supported", "write a class of what may come before, such as [^x]"],
      ["<", "a group's name is written (?P<name>...)", "add the P, or leave the name out: (...)"],
      [">", "atomic groups are not supported", "write (?:...), or say what must not follow"],
      ["(", "conditions on groups are not supported", "write both cases as alternatives, (?:...|...)"],
      ["P=", "backreferences are not supported", "write the text out again"],
    ];
    const found = kinds.find(([mark]) => cursor.source.startsWith(mark, cursor.offset));
    if (found !== undefined) throw cursor.error(start, found[1], found[2]);
  }
}

function literal(codePoint: number, ignoreCase: boolean): Node {
  if (codePoint < 0x80) return { kind: "bytes", set: oneByte(codePoint, ignoreCase) };
  return {
    kind: "sequence",
    parts: [...encode(codePoint)].map((byte) => ({ kind: "bytes", set: oneByte(byte, false) })),
  };
}
