// Walking an allow table: over a whole line, and over arguments as the kernel does it. `walkAllowArguments` is the
// reference for the kernel's code.
import { SHELL_SAFE } from "../shell-quote.js";
import type { AllowTable } from "./table.js";

const APOSTROPHE = 0x27;
const SPACE = 0x20;

/**
 * Match a quoted line, in any case.
 *
 * @returns The index of a pattern that matches, the lowest of those that match the shortest beginning; -1 for none.
 */
export function walkAllow(table: AllowTable, subject: Uint8Array): number {
  let state = table.start;
  for (const byte of subject) state = cell(table, state, table.classOf[byte]!);
  return verdict(table, cell(table, state, table.endColumn));
}

/**
 * Match arguments as if they were quoted and joined: the same answer as `walkAllow` on `quoteLine(args)`, without that line.
 *
 * Whether an argument is quoted is known at its end only, and the quote stands at its start. So two states are kept while
 * it is read, one for each case, and one of them is dropped at its end. Each byte is one step of each.
 */
export function walkAllowArguments(table: AllowTable, args: readonly Uint8Array[]): number {
  let line = table.start;
  for (const [i, argument] of args.entries()) {
    if (i > 0) line = cell(table, line, table.classOf[SPACE]!);
    let bare = line;
    let quoted = cell(table, line, table.classOf[APOSTROPHE]!);
    let needsQuotes = argument.length === 0;
    for (const byte of argument) {
      bare = cell(table, bare, table.classOf[byte]!);
      quoted = cell(table, quoted, byte === APOSTROPHE ? table.quoteColumn : table.classOf[byte]!);
      if (SHELL_SAFE[byte] === 0) needsQuotes = true;
    }
    line = needsQuotes ? cell(table, quoted, table.classOf[APOSTROPHE]!) : bare;
  }
  return verdict(table, cell(table, line, table.endColumn));
}

function cell({ next, strideLog2 }: AllowTable, state: number, column: number): number {
  return next[(state << strideLog2) | column]!;
}

function verdict({ firstAccept, accepts }: AllowTable, state: number): number {
  return state >= firstAccept ? accepts[state - firstAccept]! : -1;
}
