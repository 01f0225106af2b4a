// Compiled patterns, asked about a line: the table first, then the bits.
import type { CompiledAllow } from "./compile-allow.js";
import { DEFAULT_MAX_ALLOW_BYTES, walkAllow, walkAllowArguments } from "./walk.js";
import { walkNfa, walkNfaArguments } from "./walk-nfa.js";

/**
 * Match a quoted line, in any case.
 *
 * @param set - The allow set whose patterns are asked.
 * @returns The index of a pattern that matches; -1 for none.
 */
export function matchLine({ table, nfa }: CompiledAllow, subject: Uint8Array, set = 1): number {
  const found = table === null ? -1 : walkAllow(table, subject, set);
  return found < 0 && nfa !== null ? walkNfa(nfa, subject, set) : found;
}

/** The same for arguments that are not quoted yet; `args` and `maxBytes` as for `walkAllowArguments`. */
export function matchArguments(
  { table, nfa }: CompiledAllow,
  args: readonly Uint8Array[],
  set = 1,
  maxBytes = DEFAULT_MAX_ALLOW_BYTES,
): number {
  const found = table === null ? -1 : walkAllowArguments(table, args, set, maxBytes);
  return found < 0 && nfa !== null ? walkNfaArguments(nfa, args, set, maxBytes) : found;
}
