// Finds which of thousands of strings occur in a line, so that the product's matcher is asked about those alone.
import { type BannedString, type CommandLine, fold, joinArguments, search, shellSplit } from "@cryptnono/matcher";
import { type BenignLine, isOnHost } from "./benign-lines.js";
import type { Candidate } from "./types.js";

/** Strings are filed under their first bytes: shorter ones are never banned, see {@link MIN_STRING_BYTES}. */
const PREFIX = 5;
/** Of a hash of that many last characters, whose older ones have been shifted out. */
const HASH_BITS = 20;
const HASH_MASK = (1 << HASH_BITS) - 1;
const HASH_SHIFT = HASH_BITS / PREFIX;

/** Shortest string that may be banned, in bytes. Four letters are an everyday word's length. */
export const MIN_STRING_BYTES = PREFIX;

/** An occurrence: the string's position in the list it was built from, and the offset in the text. */
export interface Occurrence {
  readonly index: number;
  readonly at: number;
}

/** An index of strings that finds every place where one of them stands in a text, without case. */
export class StringIndex {
  readonly #values: readonly string[];
  readonly #banned: readonly BannedString[];
  readonly #byPrefix = new Map<string, number[]>();
  /** 1: a prefix may have this hash. Most places of a text are passed over by it. */
  readonly #hashes = new Uint8Array(1 << HASH_BITS);

  constructor(strings: readonly Pick<Candidate, "value" | "also" | "mode">[]) {
    this.#values = strings.map(({ value }) => folded(bytes(value)));
    this.#banned = strings.map(banned);
    for (const [index, value] of this.#values.entries()) {
      const key = value.slice(0, PREFIX);
      this.#hashes[Buffer.from(key, "latin1").reduce(nextHash, 0)] = 1;
      const list = this.#byPrefix.get(key);
      if (list === undefined) this.#byPrefix.set(key, [index]);
      else list.push(index);
    }
  }

  /** Every occurrence, of a rule of several its first string's, in `text` (one character a byte, folded), whatever its neighbours. */
  occurrences(text: string): Occurrence[] {
    const found: Occurrence[] = [];
    let hash = 0;
    for (let end = 0; end < text.length; end++) {
      hash = nextHash(hash, text.charCodeAt(end));
      const at = end + 1 - PREFIX;
      if (at < 0 || this.#hashes[hash] === 0) continue;
      const list = this.#byPrefix.get(text.slice(at, at + PREFIX));
      if (list === undefined) continue;
      for (const index of list) if (text.startsWith(this.#values[index]!, at)) found.push({ index, at });
    }
    return found;
  }

  /** The strings that ban `line`, by the matcher's own verdict on each one alone. */
  banning(line: CommandLine): number[] {
    const faces = line.args[0] === line.path ? [line.args] : [[line.path, ...line.args.slice(1)], line.args];
    const texts = faces.map((words) => folded(joinArguments(words)));
    const indices = new Set(texts.flatMap((text) => this.occurrences(text)).map(({ index }) => index));
    if (indices.size === 0) return [];
    return [...indices].filter((index) => search([this.#banned[index]!], line).kind === "banned");
  }
}

function nextHash(hash: number, code: number): number {
  return ((hash << HASH_SHIFT) ^ code) & HASH_MASK;
}

/** A command line made of words; the executed path is the first of them. */
export function commandLine(words: readonly string[]): CommandLine {
  const args = words.map(bytes);
  return { path: args[0] ?? new Uint8Array(), args };
}

/** A line as a shell would start it. A quote that is not closed is a character: lines from documentation have apostrophes. */
export function shellLine(text: string): CommandLine {
  const { words } = shellSplit(bytes(text), "plain");
  return { path: words[0] ?? new Uint8Array(), args: words };
}

/** The strings of `index` that ban a line of a corpus: as one simple command, and as a shell's script, quotes in place. */
export function hitsOf(index: StringIndex, text: string): number[] {
  const views = [shellLine(text)];
  if (/["'\\`$|;&<>(#]/.test(text)) views.push(commandLine(["sh", "-c", text]));
  return [...new Set(views.flatMap((view) => index.banning(view)))];
}

/** Those of `candidates`, which `index` is of, that ban a benign line where it runs. */
export function benignHitsOf(index: StringIndex, candidates: readonly Candidate[], line: BenignLine): number[] {
  const hits = hitsOf(index, line.text);
  return isOnHost(line) ? hits.filter((i) => candidates[i]!.scope === undefined) : hits;
}

/** As the matcher takes it. */
export function banned({ value, also, mode }: Pick<Candidate, "value" | "also" | "mode">): BannedString {
  return { value: bytes(value), mode, ...(also === undefined ? {} : { also: also.map(bytes) }) };
}

/** `value` in UTF-8. */
export function bytes(value: string): Uint8Array {
  return Buffer.from(value);
}

/** `value` folded by the product's table, one character a byte. */
export function folded(value: Uint8Array): string {
  return Buffer.from(fold(value)).toString("latin1");
}
