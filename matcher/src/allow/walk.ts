// Walking an allow table: over a whole line, and over arguments as the kernel does it. `walkAllowArguments` is the
// reference for the kernel's code.
import { SHELL_SAFE } from "../shell-quote.js";
import { DEAD } from "./dfa.js";
import type { AllowTable } from "./table.js";

const APOSTROPHE = 0x27;
const SPACE = 0x20;

/** No pattern spares a process whose line it would have to read further than this behind the path, unless told otherwise. */
export const DEFAULT_MAX_ALLOW_BYTES = 262_144;

/**
 * Match a quoted line, in any case.
 *
 * @param set - The allow set whose patterns are asked.
 * @returns The index of a pattern that matches, the lowest of those that match the shortest beginning; -1 for none.
 */
export function walkAllow(table: AllowTable, subject: Uint8Array, set = 1): number {
  let state = table.starts[set]!;
  for (const byte of subject) state = cell(table, state, table.classOf[byte]!);
  return verdict(table, cell(table, state, table.endColumn));
}

/**
 * Match arguments as if they were quoted and joined: the same answer as `walkAllow` on `quoteLine(args)`, without that line.
 *
 * Whether an argument is quoted is known at its end only, and the quote stands at its start. So two states are kept while
 * it is read, one for each case, and one of them is dropped at its end. Each byte is one step of each.
 *
 * @param args - The path, then the arguments that count.
 * @param maxBytes - Nothing is accepted that is not so after this many bytes behind the path, where each argument has one
 *   more in front.
 */
export function walkAllowArguments(
  table: AllowTable,
  args: readonly Uint8Array[],
  set = 1,
  maxBytes = DEFAULT_MAX_ALLOW_BYTES,
): number {
  let line = table.starts[set]!;
  let bare = line;
  let quoted = line;
  let left = maxBytes;
  for (const [i, argument] of args.entries()) {
    if (i > 0) {
      if (left-- === 0) return verdictOfBoth(table, bare, quoted);
      line = cell(table, line, table.classOf[SPACE]!);
    }
    bare = line;
    quoted = cell(table, line, table.classOf[APOSTROPHE]!);
    let needsQuotes = argument.length === 0;
    for (const byte of argument) {
      if (isDecided(table, quoted) && (needsQuotes || bare === quoted)) return verdict(table, quoted);
      if (i > 0 && left-- === 0) return verdictOfBoth(table, bare, quoted);
      quoted = cell(table, quoted, byte === APOSTROPHE ? table.quoteColumn : table.classOf[byte]!);
      if (SHELL_SAFE[byte] === 0) needsQuotes = true;
      bare = needsQuotes ? DEAD : cell(table, bare, table.classOf[byte]!);
    }
    line = needsQuotes ? cell(table, quoted, table.classOf[APOSTROPHE]!) : bare;
  }
  return verdict(table, cell(table, line, table.endColumn));
}

/** Where a line is not read further: a match if it is one whether the argument turns out to be quoted or not. */
function verdictOfBoth(table: AllowTable, bare: number, quoted: number): number {
  return Math.min(bare, quoted) >= table.firstAccept ? verdict(table, bare) : -1;
}

/** A dead state stays dead, and an accepting one goes on accepting. */
function isDecided({ firstAccept }: AllowTable, state: number): boolean {
  return state === DEAD || state >= firstAccept;
}

function cell({ next, strideLog2 }: AllowTable, state: number, column: number): number {
  return next[(state << strideLog2) | column]!;
}

function verdict({ firstAccept, accepts }: AllowTable, state: number): number {
  return state >= firstAccept ? accepts[state - firstAccept]! : -1;
}
