// The last look at a list before it is encrypted: what would make a node unusable, or could never match, is refused.
import { lintStrings, MAX_STRING_BYTES } from "@cryptnono/matcher";
import { ListError } from "../../../errors.js";
import { stringsOf, textOf } from "../../../generator/several.js";
import { isCiphertext } from "../../../generator/sieve.js";
import { banned, bytes, MIN_STRING_BYTES } from "../../../generator/string-index.js";
import type { Candidate } from "../../../generator/types.js";

/**
 * @param name - The list's name in messages, for example `encrypted-02`.
 * @throws ListError naming the first string that is wrong as `name[index]`, never by its value.
 */
export function checkList(name: string, list: readonly Candidate[]): void {
  if (list.length === 0) refuse(name, "it is empty", undefined);
  const seen = new Map<string, number>();
  for (const [index, candidate] of list.entries()) {
    const place = `${name}[${index}]`;
    const { rule, mode } = candidate;
    for (const value of stringsOf(candidate)) checkString(place, value, rule);
    if (!["word", "anywhere", "exact-argument"].includes(mode)) refuse(place, "its mode is unknown", rule);
    const text = textOf(candidate).toLowerCase();
    const earlier = seen.get(text);
    if (earlier !== undefined) refuse(place, `it is the same as ${name}[${earlier}]`, rule);
    seen.set(text, index);
  }
  for (const { level, index, problem, example } of lintStrings(list.map(banned))) {
    if (level !== "error") continue;
    refuse(`${name}[${index}]`, example === undefined ? problem : `it would kill «${example}»`, list[index]!.rule);
  }
}

function checkString(place: string, value: string, rule: string | undefined): void {
  if (typeof value !== "string") refuse(place, "it is not a string", rule);
  if (value.trim() === "") refuse(place, "it is blank", rule);
  if (value !== value.trim()) refuse(place, "it begins or ends with a blank", rule);
  if (isCiphertext(value)) refuse(place, "it was never decrypted: it begins with ENC[", rule);
  if (value.includes("\0")) refuse(place, "it holds a NUL, which no argument can", rule);
  const length = bytes(value).length;
  if (length < MIN_STRING_BYTES)
    refuse(place, `${length} bytes are too short, ${MIN_STRING_BYTES} are the least`, rule);
  if (length > MAX_STRING_BYTES) refuse(place, `${length} bytes are too long, ${MAX_STRING_BYTES} are the most`, rule);
}

function refuse(place: string, cause: string, rule: string | undefined): never {
  throw new ListError(`check ${place}: ${cause}`, {
    hint:
      rule === undefined
        ? "see the generator"
        : `the generator's rule ${rule} made it; --show-strings with --summary lists all`,
  });
}
