// A pattern's text with a reading position, and the one place that makes its errors.
import { PatternError } from "./pattern-error.js";

/** Reads a pattern by code points. Offsets count UTF-16 code units, as JavaScript and editors do. */
export class Cursor {
  offset = 0;
  readonly source: string;
  readonly patternIndex: number;

  constructor(source: string, patternIndex: number) {
    this.source = source;
    this.patternIndex = patternIndex;
  }

  /** The next character, or "" at the end. */
  peek(): string {
    const codePoint = this.source.codePointAt(this.offset);
    return codePoint === undefined ? "" : String.fromCodePoint(codePoint);
  }

  /** Read the next character; "" at the end. */
  next(): string {
    const character = this.peek();
    this.offset += character.length;
    return character;
  }

  /** Read `text` if it comes next. */
  take(text: string): boolean {
    if (!this.source.startsWith(text, this.offset)) return false;
    this.offset += text.length;
    return true;
  }

  /** Read what the sticky `pattern` matches here; "" when it does not match. */
  takeMatch(pattern: RegExp): string {
    pattern.lastIndex = this.offset;
    const text = pattern.exec(this.source)?.[0] ?? "";
    this.offset += text.length;
    return text;
  }

  error(offset: number, problem: string, hint: string): PatternError {
    return new PatternError({ patternIndex: this.patternIndex, offset, problem, hint });
  }
}
