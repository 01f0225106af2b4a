// The kernel's walk over the same tables, in TypeScript: for the scan, for the deployer, and to hold the tables against the
// oracle without a kernel. bpf/execwhacker/search.bpf.h does this in windows; here a text is searched in one piece, if it is not
// too long to be held.
import { joinArguments } from "./bytes.js";
import { hashAt, type Tables } from "./compile.js";
import { counts } from "./counts.js";
import { FOLD } from "./fold.js";
import { gramHashA, gramHashB } from "./hash.js";
import { ACTION, type Action, KIND_MEMBER, LAYOUT, MODE, NARROW, POLICY } from "./layout.js";
import { ALL_SCOPES, isInScope, type Scopes } from "./scope.js";
import type { CommandLine, MatchMode } from "./types.js";

/** What the search found. Which of several strings of one action and allow set is named, is not said. */
export interface Finds {
  /** By allow set: a string that stands, by its number in the list. */
  readonly enforce: ReadonlyMap<number, number>;
  readonly audit: ReadonlyMap<number, number>;
  /** A string that stands and does not count in this place; -1 for none. */
  readonly outOfScope: number;
  /** A string that occurs as part of longer words; -1 for none. */
  readonly substring: number;
}

interface Finding extends Finds {
  readonly enforce: Map<number, number>;
  readonly audit: Map<number, number>;
  outOfScope: number;
  substring: number;
  /** Strings that are audited, whatever their action is. */
  readonly demoted: ReadonlySet<number>;
  readonly has: (index: number) => boolean;
}

const ACTIONS: readonly Action[] = ["enforce", "audit"];
const MODES = Object.keys(MODE) as MatchMode[];

/** Which ends of a line's arguments are none, as the line goes on there. */
export interface Cut {
  readonly start: boolean;
  readonly end: boolean;
  /** Of rules of several strings, those that earlier pieces of the line had, by number; those of this one are added. */
  readonly members?: Set<number>;
}

const NONE: ReadonlySet<number> = new Set();
const EACH = () => true;
const WHOLE: Cut = { start: false, end: false };
/** What two pieces of a line share: the longest string, and a byte on either side of it. */
export const OVERLAP_BYTES = LAYOUT.maxStringBytes + 2;

/**
 * Search `line` in `tables`.
 *
 * @param cut - For a piece of a longer line. An occurrence that touches a cut is left to the piece beside, as its neighbour is
 *   unknown: it is whole there if the two share {@link OVERLAP_BYTES}.
 * @param scopes - Those that hold where the process is.
 * @param demoted - Strings that are audited, whatever their action is.
 * @param has - Whether a string is of the list that is asked about, by its number: the tables may hold those of a candidate too.
 */
export function walkTables(
  tables: Tables,
  line: CommandLine,
  cut: Cut = WHOLE,
  scopes = ALL_SCOPES,
  demoted: ReadonlySet<number> = NONE,
  has: (index: number) => boolean = EACH,
): Finds {
  const found: Finding = { enforce: new Map(), audit: new Map(), outOfScope: -1, substring: -1, demoted, has };
  const members = cut.members ?? new Set();
  const byPath = { ...cut, start: false, members };
  walkText(tables, joinArguments([line.path, ...line.args.slice(1)]), found, byPath, scopes);
  if (line.args.length > 0) walkText(tables, joinArguments(line.args), found, { ...cut, members }, scopes);
  if (members.size > 0) findRules(tables, found, members, scopes);
  return found;
}

/** Rules of several strings of which all were found. */
function findRules({ filters, cells }: Tables, found: Finding, members: ReadonlySet<number>, scopes: Scopes): void {
  const policy = new DataView(filters.buffer, filters.byteOffset, LAYOUT.policy.size);
  const first = policy.getUint32(LAYOUT.policy.firstRule, true);
  const bits = new Uint8Array(LAYOUT.maxMembers / 8);
  for (const member of members) bits[member >>> 3]! |= 1 << (member & 7);
  for (let rule = 0; rule < policy.getUint32(LAYOUT.policy.rules, true); rule++) {
    const cell = cells.subarray((first + rule) * LAYOUT.cell.size, (first + rule + 1) * LAYOUT.cell.size);
    if (bits.some((there, i) => (cell[LAYOUT.rule.members + i]! & ~there) !== 0)) continue;
    const index = new DataView(cell.buffer, cell.byteOffset).getUint32(0, true);
    addStanding(found, cell[6]!, cell[7]!, index, scopes);
  }
}

/**
 * @param kind - `string_head.kind`
 * @param setAndScope - `string_head.allow_set`
 */
function addStanding(found: Finding, kind: number, setAndScope: number, index: number, scopes: Scopes): void {
  const scope = kind >> 6;
  const allowSet = setAndScope & (LAYOUT.maxAllowSets - 1);
  if (!found.has(index)) return;
  if (!isInScope(scope < NARROW.first ? scope : scope + (setAndScope >> 5), scopes)) {
    if (found.outOfScope < 0) found.outOfScope = index;
    return;
  }
  const bySet = found[found.demoted.has(index) ? "audit" : ACTIONS[(kind >> 4) & 3]!];
  if (!bySet.has(allowSet)) bySet.set(allowSet, index);
}

function walkText(tables: Tables, text: Uint8Array, found: Finding, cut: Required<Cut>, scopes: Scopes): void {
  const policy = new DataView(tables.filters.buffer, tables.filters.byteOffset, LAYOUT.policy.size);
  const cells = new DataView(tables.cells.buffer, tables.cells.byteOffset, tables.cells.byteLength);
  const field = (name: Exclude<keyof typeof LAYOUT.policy, "size">) => policy.getUint32(LAYOUT.policy[name], true);
  const bucketMask = field("bucketMask");
  const flags = field("flags");
  // Keys and grams may be loaded past the end, where the kernel's buffer holds NULs.
  const folded = new Uint8Array(text.length + 8);
  const lowered = new Uint8Array(text.length + 8).fill(0x20);
  for (let i = 0; i < text.length; i++) {
    folded[i] = FOLD[text[i]!]!;
    lowered[i] = text[i]! | 0x20;
  }
  const keys = filterAt(LAYOUT.filterKeys.offset, field("maskKeys"));

  if (flags & POLICY.filterA) {
    const { isSet, byteMask } = filterAt(LAYOUT.filterA.offset, field("maskA"));
    for (let at = 0; at < text.length; at += 4) {
      const low = (lowered[at]! | (lowered[at + 1]! << 8) | (lowered[at + 2]! << 16)) & 0xfffff;
      const hash = gramHashA(low, (lowered[at + 2]! >>> 4) | (lowered[at + 3]! << 4) | (lowered[at + 4]! << 12));
      const word = ((hash >>> 12) * 8) & byteMask;
      if (isSet(word, (hash >>> 6) & 63) && isSet(word, hash & 63)) for (let i = 0; i < 4; i++) tryKey(at - i, 8);
    }
  }
  if (flags & POLICY.filterB) {
    const { isSet, byteMask } = filterAt(LAYOUT.filterB.offset, field("maskB"));
    for (let at = 0; at < text.length; at += 2) {
      const hash = gramHashB(
        lowered[at]! | (lowered[at + 1]! << 8) | (lowered[at + 2]! << 16) | (lowered[at + 3]! << 24),
      );
      if (isSet((hash >>> 13) & byteMask, (hash >>> 7) & 63)) for (let i = 0; i < 2; i++) tryKey(at - i, 5);
    }
  }
  if (flags & POLICY.filterC) {
    const filter = tables.filters.subarray(LAYOUT.filterC.offset, LAYOUT.filterC.offset + LAYOUT.filterC.size);
    for (let at = 0; at < text.length; at++) {
      const pair = lowered[at]! | (lowered[at + 1]! << 8);
      if (((filter[pair >>> 3]! >>> (pair & 7)) & 1) === 0) continue;
      for (let length = 1; length <= 4; length++) {
        if ((field("shortLengths") >>> length) & 1) tryKey(at, length);
      }
    }
  }

  function filterAt(offset: number, mask: number) {
    const isSet = (word: number, bit: number) => (tables.filters[offset + word + (bit >>> 3)]! >>> (bit & 7)) & 1;
    return { isSet, byteMask: mask & ~7 };
  }

  function tryKey(start: number, length: number): void {
    if (start < 0 || start + length > text.length) return;
    const hash = hashAt(folded, start, length);
    if (!keys.isSet((hash >>> 3) & keys.byteMask, hash & 63)) return;
    const { size, entries, entrySize } = LAYOUT.cell;
    for (let turn = 0; turn < LAYOUT.maxChainCells; turn++) {
      const bucket = ((hash + turn) & bucketMask) * size;
      for (let i = 0; i < entries; i++) {
        const entry = bucket + i * entrySize;
        const cell = cells.getUint32(entry + 4, true);
        if (cell === 0) return;
        if (cells.getUint16(entry, true) === hash >>> 16)
          tryString(cell * size, start - cells.getUint16(entry + 2, true));
      }
    }
  }

  function tryString(cell: number, at: number): void {
    const index = cells.getUint32(cell, true);
    const length = cells.getUint16(cell + 4, true);
    if (at < (cut.start ? 1 : 0) || at + length > text.length - (cut.end ? 1 : 0)) return;
    const bytes = cell + LAYOUT.cell.headSize;
    for (let i = 0; i < length; i++) if (cells.getUint8(bytes + i) !== folded[at + i]) return;
    const kind = cells.getUint8(cell + 6);
    const isMember = (kind & KIND_MEMBER) !== 0;
    // A piece says nothing by itself: the quoted line is searched whole.
    if (((kind >> 4) & 3) >= ACTION.quotedEnforce) return;
    const mode = MODES[kind & 3]!;
    if (counts(text, at, { value: text.subarray(at, at + length), mode })) {
      if (isMember) cut.members.add(index);
      else addStanding(found, kind, cells.getUint8(cell + 7), index, scopes);
    } else if (found.substring < 0 && !isMember && found.has(index)) found.substring = index;
  }
}
