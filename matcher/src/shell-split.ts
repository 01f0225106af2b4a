// A command line as people write it, split into words as a shell splits a simple command: POSIX, and bash's $'...' and $"...".
// Nothing is expanded or run: what a shell would do more is told, and its characters stay.

/** What stands in the text that a shell would act on. */
export type ShellAct = "operator" | "expansion" | "line break";

export interface ShellWords {
  readonly words: readonly Uint8Array[];
  /** Each once, in the order of its first place. */
  readonly acts: readonly ShellAct[];
}

/** A quote is not closed; a shell would wait for more, or refuse. */
export class OpenQuoteError extends Error {
  override readonly name = "OpenQuoteError";
  /** Where it stands, in bytes. */
  readonly offset: number;

  constructor(offset: number) {
    super(`split a command line: the quote at byte ${offset} is not closed`);
    this.offset = offset;
  }
}

/**
 * @param openQuotes - `plain`: a quote that is not closed is a character like any other, for lines from documentation, in
 *   which an apostrophe is an apostrophe. `error`: it throws OpenQuoteError.
 */
export function shellSplit(text: Uint8Array, openQuotes: "plain" | "error" = "error"): ShellWords {
  const splitter = new Splitter(text, openQuotes === "plain");
  splitter.run();
  return { words: splitter.words, acts: [...splitter.acts] };
}

const TAB = 0x09;
const NEWLINE = 0x0a;
const SPACE = 0x20;
const DOUBLE_QUOTE = 0x22;
const HASH = 0x23;
const DOLLAR = 0x24;
const APOSTROPHE = 0x27;
const BACKSLASH = 0x5c;
const BACKTICK = 0x60;
/** 1: the byte is itself wherever it stands, and no shell acts on it. */
const PLAIN = Uint8Array.from({ length: 256 }, (_, byte) =>
  " \t\n\"#$'\\`*?[{~|&;()<>".includes(String.fromCharCode(byte)) ? 0 : 1,
);

class Splitter {
  readonly words: Uint8Array[] = [];
  readonly acts = new Set<ShellAct>();
  readonly #text: Uint8Array;
  readonly #isPlain: boolean;
  #at = 0;
  /** null between words. */
  #word: number[] | null = null;

  constructor(text: Uint8Array, isPlain: boolean) {
    this.#text = text;
    this.#isPlain = isPlain;
  }

  run(): void {
    while (this.#at < this.#text.length) {
      this.#plain();
      if (this.#at < this.#text.length) this.#step();
    }
    this.#endWord();
  }

  #plain(): void {
    const from = this.#at;
    while (PLAIN[this.#text[this.#at]!] === 1) this.#at++;
    if (this.#at === from) return;
    this.#word ??= [];
    for (let at = from; at < this.#at; at++) this.#word.push(this.#text[at]!);
  }

  #step(): void {
    const byte = this.#text[this.#at]!;
    const nextAt = byte === BACKSLASH ? this.#at + 1 : this.#joined(this.#at + 1);
    const next = this.#text[nextAt];
    if (byte === SPACE || byte === TAB || byte === NEWLINE) {
      this.#endWord();
      this.#at++;
      if (byte === NEWLINE && this.#hasMore()) this.acts.add("line break");
    } else if (byte === HASH && this.#word === null) this.#comment();
    else if (byte === BACKSLASH) this.#escaped(next);
    else if (byte === APOSTROPHE) this.#quoted(this.#at, (from, to) => this.#putAll(from, to));
    else if (byte === DOUBLE_QUOTE) this.#quoted(this.#at, (from, to) => this.#doubleQuoted(from, to));
    else if (byte === DOLLAR && next === APOSTROPHE) this.#quoted(nextAt, (from, to) => this.#ansi(from, to));
    else if (byte === DOLLAR && next === DOUBLE_QUOTE) this.#quoted(nextAt, (from, to) => this.#doubleQuoted(from, to));
    else {
      this.#note(byte, next, false);
      this.#put(byte);
      this.#at++;
    }
  }

  /** Where the next character stands: a backslash before a line break, and the break, are none. */
  #joined(at: number): number {
    while (this.#text[at] === BACKSLASH && this.#text[at + 1] === NEWLINE) at += 2;
    return at;
  }

  #hasMore(): boolean {
    for (let at = this.#at; at < this.#text.length; at++) {
      if (this.#text[at] !== NEWLINE && this.#text[at] !== SPACE && this.#text[at] !== TAB)
        return this.words.length > 0;
    }
    return false;
  }

  #endWord(): void {
    if (this.#word !== null) this.words.push(Uint8Array.from(this.#word));
    this.#word = null;
  }

  #put(byte: number): void {
    this.#word ??= [];
    this.#word.push(byte);
  }

  #putAll(from: number, to: number): void {
    for (let at = from; at < to; at++) this.#put(this.#text[at]!);
  }

  /** To the line's end, which stays. */
  #comment(): void {
    while (this.#at < this.#text.length && this.#text[this.#at] !== NEWLINE) this.#at++;
  }

  /** Outside of quotes. Before a line break both go, and a word goes on; a last one is a character. */
  #escaped(next: number | undefined): void {
    if (next !== NEWLINE) this.#put(next ?? BACKSLASH);
    this.#at += 2;
  }

  /** What stands between the quote at `opener` and the next; the word is there even when it is empty. */
  #quoted(opener: number, put: (from: number, to: number) => void): void {
    const close = this.#closing(opener);
    if (close < 0) {
      if (!this.#isPlain) throw new OpenQuoteError(opener);
      this.#put(this.#text[this.#at]!);
      this.#at++;
      return;
    }
    this.#word ??= [];
    put(opener + 1, close);
    this.#at = close + 1;
  }

  /** -1: it is not closed. */
  #closing(opener: number): number {
    const quote = this.#text[opener]!;
    const hasEscapes = quote === DOUBLE_QUOTE || opener > this.#at; // behind a `$`
    for (let at = opener + 1; at < this.#text.length; at++) {
      if (this.#text[at] === quote) return at;
      if (hasEscapes && this.#text[at] === BACKSLASH) at++;
    }
    return -1;
  }

  /** A backslash quotes what is special there, and is a character before all else. */
  #doubleQuoted(from: number, to: number): void {
    for (let at = from; at < to; at++) {
      const byte = this.#text[at]!;
      const next = this.#text[at + 1];
      if (byte !== BACKSLASH) {
        const joined = this.#joined(at + 1);
        this.#note(byte, joined < to ? this.#text[joined] : undefined, true);
        this.#put(byte);
      } else if (next === NEWLINE) at++;
      else if (next === DOLLAR || next === BACKTICK || next === DOUBLE_QUOTE || next === BACKSLASH) {
        this.#put(next);
        at++;
      } else this.#put(byte);
    }
  }

  /** bash's `$'...'`: C's escapes. */
  #ansi(from: number, to: number): void {
    for (let at = from; at < to; ) {
      const found = this.#text[at] === BACKSLASH ? ansiEscape(this.#text, at + 1, to) : null;
      if (found === null) this.#put(this.#text[at++]!);
      else {
        // A string of C's ends there.
        if (found.bytes[0] === 0) return;
        for (const byte of found.bytes) this.#put(byte);
        at = found.end;
      }
    }
  }

  #note(byte: number, next: number | undefined, isQuoted: boolean): void {
    const char = String.fromCharCode(byte);
    if (byte === BACKTICK || (byte === DOLLAR && next !== undefined && EXPANDED.test(String.fromCharCode(next)))) {
      this.acts.add("expansion");
    } else if (!isQuoted && "*?[{".includes(char)) this.acts.add("expansion");
    else if (!isQuoted && char === "~" && this.#word === null) this.acts.add("expansion");
    else if (!isQuoted && "|&;()<>".includes(char)) this.acts.add("operator");
  }
}

/** What makes a `$` before it more than a character. */
const EXPANDED = /[\w@*#?$!({[-]/;

const PLAIN_ESCAPES: Readonly<Record<string, number>> = {
  a: 0x07,
  b: 0x08,
  e: 0x1b,
  E: 0x1b,
  f: 0x0c,
  n: 0x0a,
  r: 0x0d,
  t: 0x09,
  v: 0x0b,
  "\\": BACKSLASH,
  "'": APOSTROPHE,
  '"': DOUBLE_QUOTE,
  "?": 0x3f,
};

/** The escape whose letter stands at `at`; null for a letter that has no meaning, where the backslash stays. */
function ansiEscape(
  text: Uint8Array,
  at: number,
  to: number,
): { readonly bytes: readonly number[]; readonly end: number } | null {
  const letter = String.fromCharCode(text[at]!);
  const plain = PLAIN_ESCAPES[letter];
  if (plain !== undefined) return { bytes: [plain], end: at + 1 };
  const octal = digits(text, at, Math.min(to, at + 3), 8);
  if (octal !== null) return { bytes: [octal.value & 0xff], end: octal.end };
  if (letter === "c" && at + 1 < to) return control(text, at + 1);
  const most = { x: 2, u: 4, U: 8 }[letter];
  if (most === undefined) return null;
  const hex = digits(text, at + 1, Math.min(to, at + 1 + most), 16);
  if (hex === null) return null;
  return { bytes: letter === "x" ? [hex.value] : utf8(hex.value), end: hex.end };
}

/** `\cX`; `\c\\` is control-backslash. */
function control(text: Uint8Array, at: number): { readonly bytes: readonly number[]; readonly end: number } {
  const byte = text[at]!;
  const end = byte === BACKSLASH && text[at + 1] === BACKSLASH ? at + 2 : at + 1;
  if (byte === 0x3f) return { bytes: [0x7f], end };
  const upper = byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte;
  return { bytes: [upper & 0x1f], end };
}

function digits(
  text: Uint8Array,
  from: number,
  to: number,
  base: 8 | 16,
): { readonly value: number; readonly end: number } | null {
  let end = from;
  let value = 0;
  for (; end < to; end++) {
    const digit = Number.parseInt(String.fromCharCode(text[end]!), base);
    if (Number.isNaN(digit)) break;
    value = value * base + digit;
  }
  return end === from ? null : { value, end };
}

/** As bash writes a code point: beyond Unicode too, in the bytes that UTF-8 once had for it. */
function utf8(code: number): number[] {
  if (code < 0x80) return [code];
  const length = code < 0x800 ? 2 : code < 0x10000 ? 3 : code < 0x200000 ? 4 : code < 0x4000000 ? 5 : 6;
  const bytes: number[] = [];
  let rest = code;
  for (let i = 1; i < length; i++) {
    bytes.unshift(0x80 | (rest & 0x3f));
    rest = Math.floor(rest / 64);
  }
  return [((0xff00 >> length) & 0xff) | rest, ...bytes];
}
