// Finds which of thousands of strings occur in a line, so that the product's matcher is asked about those alone.
import { type BannedString, type CommandLine, fold, search, shellSplit } from "@cryptnono/matcher";
import { type BenignLine, isOnHost } from "./benign-lines.js";
import type { Candidate } from "./types.js";

/** Strings are filed under their first bytes: shorter ones are never banned, see {@link MIN_STRING_BYTES}. */
const PREFIX = 5;

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

  constructor(strings: readonly Pick<Candidate, "value" | "also" | "mode">[]) {
    this.#values = strings.map(({ value }) => folded(bytes(value)));
    this.#banned = strings.map(banned);
    for (const [index, value] of this.#values.entries()) {
      const key = value.slice(0, PREFIX);
      const list = this.#byPrefix.get(key);
      if (list === undefined) this.#byPrefix.set(key, [index]);
      else list.push(index);
    }
  }

  /** Every occurrence, of a rule of several its first string's, in `text` (one character a byte, folded), whatever its neighbours. */
  occurrences(text: string): Occurrence[] {
    const found: Occurrence[] = [];
    for (let at = 0; at + PREFIX <= text.length; at++) {
      const list = this.#byPrefix.get(text.slice(at, at + PREFIX));
      if (list === undefined) continue;
      for (const index of list) if (text.startsWith(this.#values[index]!, at)) found.push({ index, at });
    }
    return found;
  }

  /** The strings that ban `line`, by the matcher's own verdict on each one alone. */
  banning(line: CommandLine): number[] {
    const texts = [[line.path, ...line.args.slice(1)], line.args].map((words) =>
      folded(Buffer.concat(words.flatMap((word, i) => (i === 0 ? [word] : [new Uint8Array(1), word])))),
    );
    const distinct = new Set(texts);
    const indices = new Set([...distinct].flatMap((text) => this.occurrences(text)).map(({ index }) => index));
    return [...indices].filter((index) => search([this.#banned[index]!], line).kind === "banned");
  }
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
