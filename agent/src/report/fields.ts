// The fields of one log line, each text of foreign origin bounded, and what had to be cut.
import { cut, decode, toJson } from "./text.js";

/** The fields of one line in their order, with what had to be cut from them. */
export class Fields {
  readonly #fields: Record<string, unknown> = {};
  readonly #truncated: Record<string, unknown> = {};
  /** How often the limits are halved. */
  readonly shrink: number;
  readonly #maxFieldChars: number;
  readonly #maxLabelsChars: number;

  constructor(shrink = 0) {
    this.shrink = shrink;
    this.#maxFieldChars = MAX_FIELD_CHARS >> shrink;
    this.#maxLabelsChars = MAX_LABELS_CHARS >> shrink;
  }

  set(key: string, value: string | number): void {
    this.#fields[key] = value;
  }

  /** Text of foreign origin, cut to a field's length. */
  text(key: string, text: string): void {
    const max = this.#maxFieldChars;
    this.#fields[key] = cut(text, max);
    if (text.length > max) this.truncated(key, { total_chars: text.length, shown_chars: max });
  }

  /** A list or an object, whose size the caller bounds. */
  value(key: string, value: readonly unknown[] | Readonly<Record<string, unknown>> | boolean): void {
    this.#fields[key] = value;
  }

  /** Byte strings as a list of texts, as many as fit. */
  list(key: string, items: readonly Uint8Array[]): void {
    const max = MAX_LABELS_CHARS >> this.shrink;
    const shown: string[] = [];
    let isExact = true;
    let left = max;
    for (const item of items) {
      if (left <= 0) break;
      const { text, exact } = decode(item.subarray(0, left));
      shown.push(text);
      isExact &&= exact && item.length <= left;
      left -= item.length + 1;
    }
    this.#fields[key] = shown;
    if (shown.length < items.length || !isExact) this.truncated(key, { total: items.length, shown: shown.length });
  }

  /**
   * Bytes as text; when they are not UTF-8, `<key>_base64` has the exact ones. `cmdline` comes cut already, and `matched` is
   * a banned string's length.
   */
  bytes(key: string, bytes: Uint8Array): void {
    const max = key === "cmdline" || key === "matched" ? bytes.length : this.#maxFieldChars;
    const shown = bytes.subarray(0, max);
    const { text, exact } = decode(shown);
    this.#fields[key] = text;
    if (!exact) this.#fields[`${key}_base64`] = Buffer.from(shown).toString("base64");
    if (bytes.length > max) this.truncated(key, { total_bytes: bytes.length, shown_bytes: max });
  }

  /** Labels or variables as far as they fit: an image may bring any number of any length. */
  words(field: string, words: Readonly<Record<string, string>>): void {
    const shown: Record<string, string> = {};
    const total = Object.keys(words).length;
    let chars = 0;
    let count = 0;
    for (const [key, value] of Object.entries(words)) {
      chars += key.length + value.length;
      if (chars > this.#maxLabelsChars) continue;
      // A label may be called `__proto__`.
      Object.defineProperty(shown, key, { value, enumerable: true });
      count++;
    }
    this.#fields[field] = shown;
    if (count < total) this.truncated(field, { total, shown: count });
  }

  /** An object of its own, with what had to be cut from it. */
  nested(key: string, fill: (fields: Fields) => void): void {
    const fields = new Fields(this.shrink);
    fill(fields);
    this.#fields[key] = fields.#whole();
  }

  truncated(key: string, what: unknown): void {
    this.#truncated[key] = what;
  }

  line(): string {
    return `${toJson(this.#whole())}\n`;
  }

  #whole(): Readonly<Record<string, unknown>> {
    const isCut = Object.keys(this.#truncated).length > 0;
    return isCut ? { ...this.#fields, truncated: this.#truncated } : this.#fields;
  }
}

/** For every other text of foreign origin: `argv[0]` may have 128 KiB, an image's label any length. */
const MAX_FIELD_CHARS = 1024;
const MAX_LABELS_CHARS = 4096;
