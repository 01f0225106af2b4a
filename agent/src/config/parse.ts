// One config file's bytes to its checked content. Nothing after this checks the config again.
import { isUtf8 } from "node:buffer";
import { MAX_STRING_BYTES, type MatchMode } from "@cryptnono/matcher";
import { ConfigError, type ConfigProblem } from "./config-error.js";
import { JsonError, type JsonMember, type JsonNode, Positions, parseJson } from "./json.js";
import { nearest } from "./nearest.js";

/** What one file says. Values are UTF-8 bytes as written, not folded. */
export interface ConfigFile {
  /** As it was given on the command line. */
  readonly file: string;
  readonly mode?: ActionMode;
  readonly strings: readonly ConfigString[];
  readonly patterns: readonly ConfigPattern[];
}

export interface ConfigPattern {
  readonly source: string;
  /** The lists whose strings it spares, by their names; its own file's when left out. */
  readonly for?: "all" | readonly ListName[];
  readonly note?: string;
}

/** A list's name as a pattern gives it, not looked up yet, and where: `allowedCommandPatterns[2].for[0]`. */
export interface ListName {
  readonly name: string;
  readonly place: string;
}

/** `enforce` kills; `audit` only logs what would be killed. */
export type ActionMode = "enforce" | "audit";

export interface ConfigString {
  readonly value: Uint8Array;
  /** The same as text. */
  readonly text: string;
  readonly mode: MatchMode;
  readonly note?: string;
}

export interface ParseOptions {
  /** Says what is wrong with an allow pattern, or null: the pattern compiler's word, so that its faults are listed too. */
  readonly checkPattern?: (source: string) => PatternFault | null;
}

/** The words for an allow pattern that cannot be used. They may quote the pattern: patterns are not secret. */
export interface PatternFault {
  readonly expected: string;
  readonly got: string;
  readonly hint?: string;
}

/** Longest allow pattern, in UTF-8 bytes; far above any in use, it bounds the pattern compiler's work. */
export const MAX_PATTERN_BYTES = 8192;

/** Longest note, in UTF-8 bytes: it goes into every log line of its string. */
export const MAX_NOTE_BYTES = 1024;

/**
 * Parse one config file.
 *
 * @throws ConfigError with every problem of the file.
 */
export function parseConfigFile(file: string, bytes: Uint8Array, options: ParseOptions = {}): ConfigFile {
  const parser = new FileParser(file, options);
  const content = parser.parse(bytes);
  if (parser.problems.length > 0) throw new ConfigError(parser.problems);
  return content;
}

const FILE_KEYS = ["bannedCommandStrings", "allowedCommandPatterns", "mode"] as const;
const STRING_KEYS = ["value", "mode", "note"] as const;
const UNKNOWN_KEY_HINTS: Readonly<Record<string, string>> = {
  sops: "sops encrypted this file: decrypt it first, by sops --decrypt",
};
const PATTERN_KEYS = ["pattern", "for", "note"] as const;
const MATCH_MODES: readonly MatchMode[] = ["word", "anywhere", "exact-argument"];
const ACTION_MODES: readonly ActionMode[] = ["enforce", "audit"];
/** What folding turns into spaces, and nothing else. */
const BLANK = /^[ \t-\r]*$/;
const SHAPE = '{"bannedCommandStrings": [...], "allowedCommandPatterns": [...], "mode": "enforce" or "audit"}';

/** How sops (and hiera-eyaml), Ansible's vault, age and PGP begin what they encrypted. */
const ENCRYPTED = /^\s*(ENC\[[A-Z0-9_]+,|\$ANSIBLE_VAULT;|-----BEGIN (AGE ENCRYPTED FILE|PGP MESSAGE)-----)/;

/** A place's name, made only when there is something to say about it. */
type Place = () => string;

class FileParser {
  readonly problems: ConfigProblem[] = [];
  readonly #file: string;
  readonly #options: ParseOptions;
  #positions = new Positions("");

  constructor(file: string, options: ParseOptions) {
    this.#file = file;
    this.#options = options;
  }

  parse(bytes: Uint8Array): ConfigFile {
    const empty: ConfigFile = { file: this.#file, strings: [], patterns: [] };
    const root = this.#tree(bytes);
    // `null` is what a chart writes for a list that was taken away.
    if (root === null || root.type === "null") return empty;
    if (root.type !== "object") {
      this.#problem(this.#position(root.at), "an object", kind(root), SHAPE);
      return empty;
    }
    const members = this.#members(root.members, FILE_KEYS, "");
    const mode = this.#oneOf(members.get("mode"), "mode", ACTION_MODES);
    return {
      file: this.#file,
      ...(mode === undefined ? {} : { mode }),
      strings: this.#list(members.get("bannedCommandStrings"), "bannedCommandStrings", (node, place) =>
        this.#bannedString(node, place),
      ),
      patterns: this.#list(members.get("allowedCommandPatterns"), "allowedCommandPatterns", (node, place) =>
        this.#pattern(node, place),
      ),
    };
  }

  #tree(bytes: Uint8Array): JsonNode | null {
    if (bytes.length === 0) {
      this.#problem("", "a JSON object", "an empty file", SHAPE);
      return null;
    }
    if (!isUtf8(bytes)) {
      const { line, column } = firstInvalid(bytes);
      this.#problem(`line ${line} column ${column}`, "UTF-8", "a byte that is not", "save the file as UTF-8");
      return null;
    }
    // The decoder drops a byte order mark, which some editors write.
    const text = new TextDecoder().decode(bytes);
    this.#positions = new Positions(text);
    try {
      return parseJson(text);
    } catch (error) {
      if (!(error instanceof JsonError)) throw error;
      this.#problem(this.#position(error.at), error.expected, error.got);
      return null;
    }
  }

  #bannedString(node: JsonNode, placeOf: Place): ConfigString | undefined {
    if (node.type === "string") return this.#stringValue(node.value, placeOf, "word");
    const place = placeOf();
    if (node.type !== "object") {
      this.#problem(place, "a string or {value, mode, note}", kind(node));
      return undefined;
    }
    const members = this.#members(node.members, STRING_KEYS, place);
    const mode = this.#oneOf(members.get("mode"), `${place}.mode`, MATCH_MODES) ?? "word";
    const note = this.#note(members.get("note"), `${place}.note`);
    const value = members.get("value");
    if (value?.type !== "string") {
      this.#problem(`${place}.value`, "a string", value === undefined ? "no such key" : kind(value));
      return undefined;
    }
    const string = this.#stringValue(value.value, () => `${place}.value`, mode);
    return string === undefined || note === undefined ? string : { ...string, note };
  }

  #stringValue(text: string, place: Place, mode: MatchMode): ConfigString | undefined {
    const value = this.#utf8(text, place, MAX_STRING_BYTES);
    if (value === undefined || this.#isEncrypted(text, place)) return undefined;
    if (BLANK.test(text)) {
      this.#problem(
        place,
        "a string with a visible character",
        "white space alone",
        "it would match every argument's end",
      );
      return undefined;
    }
    if (mode === "anywhere" && value.length === 1 && value[0] === 0x2f) {
      this.#problem(
        place,
        "a string that does not match everything",
        "`/` with mode anywhere",
        "every path holds a `/`",
      );
      return undefined;
    }
    return { value, text, mode };
  }

  #pattern(node: JsonNode, placeOf: Place): ConfigPattern | undefined {
    if (node.type === "string") {
      const source = this.#patternSource(node.value, placeOf);
      return source === undefined ? undefined : { source };
    }
    const place = placeOf();
    if (node.type !== "object") {
      this.#problem(place, "a string or {pattern, for, note}", kind(node));
      return undefined;
    }
    const members = this.#members(node.members, PATTERN_KEYS, place);
    const lists = this.#lists(members.get("for"), `${place}.for`);
    const note = this.#note(members.get("note"), `${place}.note`);
    const value = members.get("pattern");
    if (value?.type !== "string") {
      this.#problem(`${place}.pattern`, "a string", value === undefined ? "no such key" : kind(value));
      return undefined;
    }
    const source = this.#patternSource(value.value, () => `${place}.pattern`);
    if (source === undefined) return undefined;
    return { source, ...(lists === undefined ? {} : { for: lists }), ...(note === undefined ? {} : { note }) };
  }

  #patternSource(source: string, place: Place): string | undefined {
    if (this.#utf8(source, place, MAX_PATTERN_BYTES) === undefined) return undefined;
    if (this.#isEncrypted(source, place)) return undefined;
    if (BLANK.test(source)) {
      this.#problem(place, "a pattern", "white space alone", "patterns spare what they match: remove it");
      return undefined;
    }
    const fault = this.#options.checkPattern?.(source) ?? null;
    if (fault !== null) {
      this.#problem(place, fault.expected, fault.got, fault.hint);
      return undefined;
    }
    return source;
  }

  /** Whose strings a pattern spares. Whether there are such lists is known once all files are read. */
  #lists(node: JsonNode | undefined, place: string): "all" | ListName[] | undefined {
    if (node === undefined) return undefined;
    if (node.type === "string" && node.value === "all") return "all";
    if (node.type !== "array" || node.items.length === 0) {
      const got = node.type === "array" ? "none" : node.type === "string" ? "another word" : kind(node);
      this.#problem(place, '"all" or an array of list names', got, "a list's name is its file's, without .json");
      return undefined;
    }
    const names: ListName[] = [];
    for (const [i, item] of node.items.entries()) {
      if (item.type === "string") names.push({ name: item.value, place: `${place}[${i}]` });
      else this.#problem(`${place}[${i}]`, "a list's name", kind(item));
    }
    return names;
  }

  #note(node: JsonNode | undefined, place: string): string | undefined {
    if (node === undefined) return undefined;
    if (node.type !== "string") {
      this.#problem(place, "a string", kind(node));
      return undefined;
    }
    if (this.#isEncrypted(node.value, place)) return undefined;
    const bytes = Buffer.byteLength(node.value);
    if (bytes <= MAX_NOTE_BYTES) return node.value;
    this.#problem(place, `at most ${MAX_NOTE_BYTES} bytes`, `${bytes}`);
    return undefined;
  }

  /** A value that nobody decrypted stands on no command line: a list of such guards nothing, and looks well. */
  #isEncrypted(text: string, place: string | Place): boolean {
    if (!ENCRYPTED.test(text)) return false;
    this.#problem(
      place,
      "a decrypted value",
      "an encrypted one",
      "decrypt the file first, for example by sops --decrypt",
    );
    return true;
  }

  /** `text` as 1 to `max` bytes of UTF-8. */
  #utf8(text: string, place: Place, max: number): Uint8Array | undefined {
    if (text === "") {
      this.#problem(place, `1 to ${max} bytes`, "an empty string", "remove it");
    } else if (text.includes("\0")) {
      this.#problem(place, "no NUL character", "one", "an argument cannot hold it, so this could never match");
    } else if (/\p{Surrogate}/u.test(text)) {
      this.#problem(
        place,
        "Unicode text",
        "half of a surrogate pair",
        "it has no UTF-8 form, so this could never match",
      );
    } else {
      // `Buffer.from` takes short values from a pool: an ArrayBuffer for each would cost ten times the memory.
      const bytes = Buffer.from(text);
      if (bytes.length <= max) return bytes;
      this.#problem(place, `at most ${max} bytes of UTF-8`, `${bytes.length}`);
    }
    return undefined;
  }

  #list<T>(node: JsonNode | undefined, place: string, parse: (node: JsonNode, place: Place) => T | undefined): T[] {
    if (node === undefined || node.type === "null") return [];
    if (node.type !== "array") {
      this.#problem(place, "an array", kind(node));
      return [];
    }
    const parsed: T[] = [];
    for (const [index, item] of node.items.entries()) {
      const value = parse(item, () => `${place}[${index}]`);
      if (value !== undefined) parsed.push(value);
    }
    return parsed;
  }

  #oneOf<T extends string>(node: JsonNode | undefined, place: string, words: readonly T[]): T | undefined {
    if (node === undefined) return undefined;
    const word = node.type === "string" ? words.find((candidate) => candidate === node.value) : undefined;
    if (word !== undefined) return word;
    const expected = words.map((candidate) => `"${candidate}"`).join(" or ");
    if (node.type !== "string") {
      this.#problem(place, expected, kind(node));
      return undefined;
    }
    const near = nearest(node.value, words);
    this.#problem(place, expected, "another word", near === null ? undefined : `did you mean "${near}"?`);
    return undefined;
  }

  /** The members by key; unknown and repeated ones become problems. Of equal keys the first is kept. */
  #members<K extends string>(members: readonly JsonMember[], known: readonly K[], place: string): Map<K, JsonNode> {
    const found = new Map<K, JsonNode>();
    for (const { key, at, value } of members) {
      const where = () => [place, this.#position(at)].filter((part) => part !== "").join(" at ");
      const name = known.find((candidate) => candidate === key);
      if (name === undefined) {
        // A key far from every known one may be a banned string in the wrong place: it is not repeated here.
        const near = nearest(key, known);
        const got = near === null ? "an unknown key" : `unknown key ${JSON.stringify(key)}`;
        const hint = near === null ? UNKNOWN_KEY_HINTS[key] : `did you mean "${near}"?`;
        this.#problem(where, `one of the keys ${known.join(", ")}`, got, hint);
      } else if (found.has(name)) {
        this.#problem(where, `the key "${name}" once`, "it again", "merge the two");
      } else {
        found.set(name, value);
      }
    }
    return found;
  }

  #position(at: number): string {
    const { line, column } = this.#positions.of(at);
    return `line ${line} column ${column}`;
  }

  #problem(where: string | Place, expected: string, got: string, hint?: string): void {
    const place = typeof where === "string" ? where : where();
    this.problems.push({ file: this.#file, place, expected, got, ...(hint === undefined ? {} : { hint }) });
  }
}

function kind({ type }: JsonNode): string {
  if (type === "null") return "null";
  return type === "array" || type === "object" ? `an ${type}` : `a ${type}`;
}

/** Line, and column in bytes, of the first byte that is not UTF-8. */
function firstInvalid(bytes: Uint8Array): { readonly line: number; readonly column: number } {
  // Line by line: no UTF-8 sequence holds a line break.
  let line = 1;
  let start = 0;
  for (;;) {
    const end = bytes.indexOf(0x0a, start);
    const stop = end < 0 ? bytes.length : end;
    if (end < 0 || !isUtf8(bytes.subarray(start, stop)))
      return { line, column: validPrefix(bytes.subarray(start, stop)) + 1 };
    line++;
    start = stop + 1;
  }
}

/** Tested at once: a line may be a whole file. */
const PIECE_BYTES = 4096;

/** How many bytes stand before the first that is not UTF-8. */
function validPrefix(bytes: Uint8Array): number {
  let at = 0;
  for (;;) {
    let end = Math.min(at + PIECE_BYTES, bytes.length);
    // A piece ends where a character begins.
    while (end < bytes.length && end > at && (bytes[end]! & 0xc0) === 0x80) end--;
    if (end === at || !isUtf8(bytes.subarray(at, end))) break;
    at = end;
  }
  while (at < bytes.length) {
    const lead = bytes[at]!;
    const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (at + length > bytes.length || !isUtf8(bytes.subarray(at, at + length))) return at;
    at += length;
  }
  return at;
}
