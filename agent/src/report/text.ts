// Bytes and strings of any origin to JSON that no terminal, pager or log collector can stumble over.
import { isUtf8 } from "node:buffer";

/** Text for people, and whether it tells every byte. */
export interface Decoded {
  readonly text: string;
  /** False when bytes that are not UTF-8 became U+FFFD: the exact bytes must then be told beside the text. */
  readonly exact: boolean;
}

/** Bytes as UTF-8. */
export function decode(bytes: Uint8Array): Decoded {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
  return { text, exact: isUtf8(bytes) };
}

/**
 * `value` as JSON on one line, in printable characters alone. Everything of Unicode's categories C (controls, ESC, DEL, C1,
 * bidirectional and other invisible formats, surrogates, private use, unassigned) and the separators U+2028 and U+2029 are
 * written `\uXXXX`, which any JSON reader turns back.
 */
export function toJson(value: unknown): string {
  return JSON.stringify(value).replace(UNPRINTABLE, escapeUnits);
}

/** `text` cut to at most `max` UTF-16 units, never inside a surrogate pair. */
export function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  return text.slice(0, /[\ud800-\udbff]/.test(text[max - 1] ?? "") ? max - 1 : max);
}

const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu;

function escapeUnits(char: string): string {
  let escaped = "";
  for (let i = 0; i < char.length; i++) escaped += `\\u${char.charCodeAt(i).toString(16).padStart(4, "0")}`;
  return escaped;
}
