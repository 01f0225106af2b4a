// Which variable of an environment something stands in. A name is told if it looks like one, and no more of the environment than that.
import { type BannedString, counts, fold } from "@cryptnono/matcher";
import { environmentMode } from "./tables.js";

const NUL = 0;
const EQUALS = 0x3d;
/** MAX_VARIABLE_BYTES of bpf/execwhacker/execwhacker.h */
const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/;

/** @returns null for what no shell would take for a name. */
export function variableName(bytes: Uint8Array): string | null {
  const name = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
  return NAME.test(name) ? name : null;
}

/**
 * The name of the variable that has `offset` in its value.
 *
 * @param isCut - The environment begins before `text`.
 */
export function variableAt(text: Uint8Array, offset: number, isCut = false): string | null {
  if (offset < 0) return null;
  const before = text.subarray(0, offset).lastIndexOf(NUL);
  if (before < 0 && isCut) return null;
  const equals = text.subarray(before + 1, offset).indexOf(EQUALS);
  return equals < 0 ? null : variableName(text.subarray(before + 1, before + 1 + equals));
}

/** Where a string stands: a place that counts, else any; -1 for none. */
export function placeOfString(text: Uint8Array, { value, mode }: BannedString): number {
  const folded = Buffer.from(fold(text).buffer);
  const wanted = fold(value);
  let any = -1;
  for (let at = folded.indexOf(wanted); at >= 0; at = folded.indexOf(wanted, at + 1)) {
    if (counts(text, at, { value, mode: environmentMode(mode) })) return at;
    if (any < 0) any = at;
  }
  return any;
}
