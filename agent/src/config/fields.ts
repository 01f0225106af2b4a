// A config file's content, taken apart key by key: every fault of the file is collected with its place, and no value is
// repeated. What the keys mean is each detector's.
import { isUtf8 } from "node:buffer";
import type { ConfigProblem } from "./config-error.js";
import { JsonError, type JsonMember, type JsonNode, Positions, parseJson } from "./json.js";
import { nearest } from "./nearest.js";

/** How sops (and hiera-eyaml), Ansible's vault, age and PGP begin what they encrypted. */
const ENCRYPTED = /^\s*(ENC\[[A-Z0-9_]+,|\$ANSIBLE_VAULT;|-----BEGIN (AGE ENCRYPTED FILE|PGP MESSAGE)-----)/;

/** A place's name, made only when there is something to say about it. */
export type Place = () => string;

const UNKNOWN_KEY_HINTS: Readonly<Record<string, string>> = {
  sops: "sops encrypted this file: decrypt it first, by sops --decrypt",
};

/** A reader of one file: the detector's own extends it with its keys. */
export class ConfigFields {
  readonly problems: ConfigProblem[] = [];
  readonly file: string;
  #positions = new Positions("");

  /** @param file - As it was given on the command line. */
  constructor(file: string) {
    this.file = file;
  }

  /**
   * The file as a tree; null when that is not to be had.
   *
   * @param shape - What the file should look like, for a hint.
   */
  tree(bytes: Uint8Array, shape: string): JsonNode | null {
    if (bytes.length === 0) {
      this.problem("", "a JSON object", "an empty file", shape);
      return null;
    }
    if (!isUtf8(bytes)) {
      const { line, column } = firstInvalid(bytes);
      this.problem(`line ${line} column ${column}`, "UTF-8", "a byte that is not", "save the file as UTF-8");
      return null;
    }
    // The decoder drops a byte order mark, which some editors write.
    const text = new TextDecoder().decode(bytes);
    this.#positions = new Positions(text);
    try {
      return parseJson(text);
    } catch (error) {
      if (!(error instanceof JsonError)) throw error;
      this.problem(this.position(error.at), error.expected, error.got);
      return null;
    }
  }

  /** A value that nobody decrypted stands on no command line: a list of such guards nothing, and looks well. */
  isEncrypted(text: string, place: string | Place): boolean {
    if (!ENCRYPTED.test(text)) return false;
    this.problem(
      place,
      "a decrypted value",
      "an encrypted one",
      "decrypt the file first, for example by sops --decrypt",
    );
    return true;
  }

  /** `text` as 1 to `max` bytes of UTF-8. */
  utf8(text: string, place: Place, max: number): Uint8Array | undefined {
    if (text === "") {
      this.problem(place, `1 to ${max} bytes`, "an empty string", "remove it");
    } else if (text.includes("\0")) {
      this.problem(place, "no NUL character", "one", "an argument cannot hold it, so this could never match");
    } else if (/\p{Surrogate}/u.test(text)) {
      this.problem(
        place,
        "Unicode text",
        "half of a surrogate pair",
        "it has no UTF-8 form, so this could never match",
      );
    } else {
      // `Buffer.from` takes short values from a pool: an ArrayBuffer for each would cost ten times the memory.
      const bytes = Buffer.from(text);
      if (bytes.length <= max) return bytes;
      this.problem(place, `at most ${max} bytes of UTF-8`, `${bytes.length}`);
    }
    return undefined;
  }

  list<T>(node: JsonNode | undefined, place: string, parse: (node: JsonNode, place: Place) => T | undefined): T[] {
    if (node === undefined || node.type === "null") return [];
    if (node.type !== "array") {
      this.problem(place, "an array", kind(node));
      return [];
    }
    const parsed: T[] = [];
    for (const [index, item] of node.items.entries()) {
      const value = parse(item, () => `${place}[${index}]`);
      if (value !== undefined) parsed.push(value);
    }
    return parsed;
  }

  oneOf<T extends string>(node: JsonNode | undefined, place: string, words: readonly T[]): T | undefined {
    if (node === undefined) return undefined;
    const word = node.type === "string" ? words.find((candidate) => candidate === node.value) : undefined;
    if (word !== undefined) return word;
    const expected = words.map((candidate) => `"${candidate}"`).join(" or ");
    if (node.type !== "string") {
      this.problem(place, expected, kind(node));
      return undefined;
    }
    const near = nearest(node.value, words);
    this.problem(place, expected, "another word", near === null ? undefined : `did you mean "${near}"?`);
    return undefined;
  }

  boolean(node: JsonNode | undefined, place: string): boolean | undefined {
    if (node === undefined) return undefined;
    if (node.type === "boolean") return node.value;
    this.problem(place, "true or false", kind(node));
    return undefined;
  }

  /** The members by key; unknown and repeated ones become problems. Of equal keys the first is kept. */
  members<K extends string>(members: readonly JsonMember[], known: readonly K[], place: string): Map<K, JsonNode> {
    const found = new Map<K, JsonNode>();
    for (const { key, at, value } of members) {
      const where = () => [place, this.position(at)].filter((part) => part !== "").join(" at ");
      const name = known.find((candidate) => candidate === key);
      if (name === undefined) {
        // A key far from every known one may be a banned string in the wrong place: it is not repeated here.
        const near = nearest(key, known);
        const got = near === null ? "an unknown key" : `unknown key ${JSON.stringify(key)}`;
        const hint = UNKNOWN_KEY_HINTS[key] ?? (near === null ? undefined : `did you mean "${near}"?`);
        this.problem(where, `one of the keys ${known.join(", ")}`, got, hint);
      } else if (found.has(name)) {
        this.problem(where, `the key "${name}" once`, "it again", "merge the two");
      } else {
        found.set(name, value);
      }
    }
    return found;
  }

  position(at: number): string {
    const { line, column } = this.#positions.of(at);
    return `line ${line} column ${column}`;
  }

  problem(where: string | Place, expected: string, got: string, hint?: string): void {
    const place = typeof where === "string" ? where : where();
    this.problems.push({ file: this.file, place, expected, got, ...(hint === undefined ? {} : { hint }) });
  }
}

/** In the words of problems: `an array`. */
export function kind({ type }: JsonNode): string {
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
