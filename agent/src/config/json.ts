// JSON text to a tree that knows where each value stands. The runtime's own parser quotes the text in its messages, and the
// text is secret; it also lets the last of two equal keys win in silence.

/** A JSON value with the offset, in UTF-16 units, where it begins. */
export type JsonNode =
  | { readonly type: "string"; readonly at: number; readonly value: string }
  | { readonly type: "array"; readonly at: number; readonly items: readonly JsonNode[] }
  | { readonly type: "object"; readonly at: number; readonly members: readonly JsonMember[] }
  | { readonly type: "boolean"; readonly at: number; readonly value: boolean }
  | { readonly type: "number" | "null"; readonly at: number };

/** Equal keys stay apart: the reader of the tree decides what they mean. */
export interface JsonMember {
  readonly key: string;
  readonly at: number;
  readonly value: JsonNode;
}

/** `expected` says what could have stood at `at`; `got` names the character's kind, never the text. */
export class JsonError extends Error {
  readonly at: number;
  readonly expected: string;
  readonly got: string;

  constructor(at: number, expected: string, got: string) {
    super(`parse JSON: expected ${expected}, got ${got}`);
    this.name = "JsonError";
    this.at = at;
    this.expected = expected;
    this.got = got;
  }
}

/** Deeper than any config; stops a hostile file from exhausting the stack. */
const MAX_DEPTH = 32;

/**
 * Parse RFC 8259 JSON, nothing more lenient.
 *
 * @throws JsonError at the first fault.
 */
export function parseJson(text: string): JsonNode {
  const reader = new Reader(text);
  const root = reader.value(0);
  reader.end();
  return root;
}

/** Offsets of a text to lines and columns. Asked in rising order it reads the text once, however many places there are. */
export class Positions {
  readonly #text: string;
  #at = 0;
  #line = 1;
  #column = 1;

  constructor(text: string) {
    this.#text = text;
  }

  /** 1-based line and column (in characters) of `at`. */
  of(at: number): { readonly line: number; readonly column: number } {
    if (at < this.#at) [this.#at, this.#line, this.#column] = [0, 1, 1];
    for (; this.#at < at; this.#at++) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === 0x0a) {
        this.#line++;
        this.#column = 1;
      } else if ((code & 0xfc00) !== 0xdc00) this.#column++; // the second half of a pair is no character of its own
    }
    return { line: this.#line, column: this.#column };
  }
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const PLAIN = /[^"\\\x00-\x1f]*/y;
const SPECIAL = /["\\\x00-\x1f]/;
const HEX4 = /[0-9a-fA-F]{4}/y;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

const WORDS = [
  ["true", true],
  ["false", false],
  ["null", null],
] as const;

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): JsonNode {
    this.#space();
    const at = this.#at;
    if (depth > MAX_DEPTH) this.#fail(`at most ${MAX_DEPTH} levels of nesting`, "one more");
    const char = this.#text[at];
    if (char === '"') return { type: "string", at, value: this.#string() };
    if (char === "[") return { type: "array", at, items: this.#array(depth) };
    if (char === "{") return { type: "object", at, members: this.#object(depth) };
    for (const [word, value] of WORDS) {
      if (!this.#text.startsWith(word, at)) continue;
      this.#at += word.length;
      return value === null ? { type: "null", at } : { type: "boolean", at, value };
    }
    if (this.#take(NUMBER) !== "") return { type: "number", at };
    this.#fail("a JSON value");
  }

  end(): void {
    this.#space();
    if (this.#at < this.#text.length) this.#fail("the end of the file");
  }

  #array(depth: number): JsonNode[] {
    this.#at++;
    const items: JsonNode[] = [];
    if (this.#accept("]")) return items;
    for (;;) {
      items.push(this.value(depth + 1));
      if (this.#accept("]")) return items;
      if (!this.#accept(",")) this.#fail("`,` or `]` after an array's element");
    }
  }

  #object(depth: number): JsonMember[] {
    this.#at++;
    const members: JsonMember[] = [];
    if (this.#accept("}")) return members;
    for (;;) {
      this.#space();
      const at = this.#at;
      if (this.#text[at] !== '"') this.#fail("a key in double quotes");
      const key = this.#string();
      if (!this.#accept(":")) this.#fail("`:` after an object's key");
      members.push({ key, at, value: this.value(depth + 1) });
      if (this.#accept("}")) return members;
      if (!this.#accept(",")) this.#fail("`,` or `}` after an object's value");
    }
  }

  #string(): string {
    this.#at++;
    // Nearly every string has no escape: one search and one slice, as there may be a hundred thousand of them.
    const whole = this.#text.slice(this.#at, this.#text.indexOf('"', this.#at));
    if (!SPECIAL.test(whole) && this.#text[this.#at + whole.length] === '"') {
      this.#at += whole.length + 1;
      return whole;
    }
    let value = this.#take(PLAIN);
    for (;;) {
      const char = this.#text[this.#at];
      if (char === '"') {
        this.#at++;
        return value;
      }
      if (char !== "\\") this.#fail("a string's end or an escaped character");
      this.#at++;
      value += this.#escape() + this.#take(PLAIN);
    }
  }

  #escape(): string {
    const char = this.#text[this.#at] ?? "";
    const plain = ESCAPES[char];
    if (plain !== undefined) {
      this.#at++;
      return plain;
    }
    if (char !== "u") this.#fail('one of the escapes \\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX');
    this.#at++;
    const digits = this.#take(HEX4);
    if (digits === "") this.#fail("four hexadecimal digits after \\u");
    return String.fromCharCode(Number.parseInt(digits, 16));
  }

  #accept(char: string): boolean {
    this.#space();
    if (this.#text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  #space(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x09 && code !== 0x0d) return;
      this.#at++;
    }
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? "";
    this.#at += found.length;
    return found;
  }

  #fail(expected: string, got = kindOfCharacter(this.#text[this.#at])): never {
    throw new JsonError(this.#at, expected, got);
  }
}

/** Punctuation may be shown, as it is JSON's own; anything else may be part of a secret. */
function kindOfCharacter(char: string | undefined): string {
  if (char === undefined) return "the end of the file";
  if (/[[\]{}:,"\\]/.test(char)) return `\`${char}\``;
  if (char === "\n" || char === "\r") return "a line break";
  if (char < " ") return "a control character";
  return "another character";
}
