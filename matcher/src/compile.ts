// From banned strings to the tables that the kernel walks. DESIGN.md says why they are what they are.
import { type CompiledAllow, DEFAULT_MAX_ALLOW_BYTES, layOutAllow } from "./allow/index.js";
import { FOLD } from "./fold.js";
import { gramHashA, gramHashB, keyHash } from "./hash.js";
import { ACTION, type Action, KIND_MEMBER, LAYOUT, MODE, NARROW, POLICY, SCOPE, WAY, type Way } from "./layout.js";
import { type Member, type MemberRule, membersOf, numberMembers } from "./members.js";
import { compileQuoted, type Piece, piecesOf } from "./quoted-table.js";
import { type BannedString, MIN_MEMBER_BYTES } from "./types.js";
import { TYPICAL_GRAMS } from "./typical-grams.js";

/** A banned string and what its match leads to. */
export interface CompilableString extends BannedString {
  /** `enforce` when nothing is said. */
  readonly action?: Action;
  /** Which set of patterns may spare it (`compileAllow`'s `sets`, from 1); 0, and when nothing is said: none. */
  readonly allowSet?: number;
  /** Where it counts: a number of {@link SCOPE}; everywhere when nothing is said. */
  readonly scope?: number;
  /** That events and matches give; its place in the list when nothing is said. */
  readonly number?: number;
  /**
   * Which of two lists has it alone; both when nothing is said. One of the candidate's decides nothing: its action is `audit`, and its
   * allow set has no strings of the list in force.
   */
  readonly only?: "in-force" | "candidate";
}

/** One list's tables, ready to be copied into a slot. */
export interface Tables {
  /** `struct filters`: the policy, then the three filters. */
  readonly filters: Uint8Array;
  /** `struct cell`s: the buckets, then the strings. */
  readonly cells: Uint8Array;
  /** `struct allow_table`. */
  readonly allow: Uint8Array;
}

export interface CompileOptions {
  readonly allow?: CompiledAllow;
  /** No pattern spares a process whose line it would have to read further than this, in bytes behind the path. */
  readonly maxAllowBytes?: number;
  /** Told in each event, so that an event's string number is read in the list that it came from. */
  readonly generation?: number;
  /** Longest argument area that is searched, in bytes; 0: no limit. */
  readonly maxScanBytes?: number;
  readonly unreadable?: Way;
  readonly overLong?: Way;
  /** Kills (and would-be kills) of one string in one cgroup that are told whole before most are only counted; 0: all. */
  readonly tellKills?: number;
  readonly tellSpares?: number;
  /** Where what cannot be searched whole may be killed; nowhere for a list that kills nothing. Everywhere when left out. */
  readonly enforce?: { readonly containers: boolean; readonly host: boolean };
  /** Of the narrow scopes, a bit for each that something may kill in; absent: nothing has a narrow scope. */
  readonly narrowKill?: number;
  /** Most work that the kernel's part does for one exec, in its units of about a nanosecond. */
  readonly maxWork?: number;
  /** What is searched is an environment: it has no quoted line, and no path before it. */
  readonly isEnvironment?: boolean;
}

/** A list that cannot be laid out. `index` is the string's; its value is not in the message. */
export class CompileError extends Error {
  override readonly name = "CompileError";
  readonly index: number;
  readonly problem: string;
  constructor(index: number, problem: string) {
    super(`compile string ${index}: ${problem}`);
    this.index = index;
    this.problem = problem;
  }
}

/** Under 5 ms, whatever the line and the list (DESIGN.md, Bounds). */
const DEFAULT_MAX_WORK = 4_000_000;

/** How much more a list with a candidate beside it may cost. */
const CANDIDATE_WORK = 2;

/** Enough to see what a kind of process is; the rest are counted. */
const DEFAULT_TELL_KILLS = 16;
const DEFAULT_TELL_SPARES = 4;

const KEY_A_BYTES = 8;
const KEY_B_BYTES = 5;
const SPACE = 0x20;
/** What the white space bytes are with bit 0x20 set, as the filters see them: NUL and space, then tab to carriage return. */
const BLANKS = [0x20, 0x29, 0x2a, 0x2b, 0x2c, 0x2d];
/** Filter A's bits per gram, at least. Two of them are set, so other text fires by chance at one place in 256 or fewer. */
const BITS_PER_GRAM_A = 32;
/** Filter B's, of which one is set. */
const BITS_PER_GRAM_B = 512;
/** The key filter's, of which one is set. */
const BITS_PER_KEY = 32;
/** Keys tried per string when looking for a rare one, so that long strings cost no more than short ones. */
const MAX_CANDIDATE_KEYS = 32;
/** What a blank in a key costs, in occurrences in typical text: it has six spellings, and six times the grams. */
const BLANK_COST = 16;
/** Buckets hold 8 entries; half full on average, so that few run over into the next. */
const STRINGS_PER_BUCKET = 4;

/**
 * Lay `strings` out. Their position in the array is the number that events and matches give. 100,000 strings take about
 * 190 ms in code that has not run yet: there are no objects per string here, only numbers in arrays.
 *
 * @throws CompileError for an empty or too long string, for rules of several that there is no room for, or when more strings share one
 *   key than a look-up follows.
 */
export function compileTables(list: readonly CompilableString[], options: CompileOptions = {}): Tables {
  for (let index = 0; index < list.length; index++) {
    checkLength(list[index]!.value.length, index);
  }
  const pieces = options.isEnvironment === true ? [] : piecesOf(list);
  const { members, rules } = membersThatFit(list);
  const more = [...pieces.map((piece) => pieceEntry(list, piece)), ...members.map(memberEntry)];
  const strings = more.length === 0 ? list : [...list, ...more];
  const filters = new Uint8Array(LAYOUT.filtersSize);
  const policy = new DataView(filters.buffer, 0, LAYOUT.policy.size);
  const folded = foldAll(strings);
  const keys = new Keys(folded);
  const long = folded.count(KEY_A_BYTES, LAYOUT.maxStringBytes);
  const middle = folded.count(KEY_B_BYTES, KEY_A_BYTES - 1);
  const filterA = new Filter(filters, LAYOUT.filterA, long * 4 * BITS_PER_GRAM_A);
  const filterB = new Filter(filters, LAYOUT.filterB, middle * 2 * BITS_PER_GRAM_B);
  const filterC = filters.subarray(LAYOUT.filterC.offset, LAYOUT.filterC.offset + LAYOUT.filterC.size);
  const filterKeys = new Filter(filters, LAYOUT.filterKeys, folded.size * BITS_PER_KEY);
  let shortLengths = 0;
  let tailBytes = 0;
  for (let i = 0; i < folded.size; i++) {
    const length = folded.lengthOf(i);
    if (length >= KEY_A_BYTES) addLong(folded, i, filterA, keys);
    else if (length >= KEY_B_BYTES) addMiddle(folded, i, filterB, keys);
    else {
      addShort(folded, i, filterC, keys);
      shortLengths |= 1 << length;
    }
    tailBytes = Math.max(tailBytes, reach(folded, i));
    filterKeys.addKey(keys.hashes[i]!);
  }

  const { enforce = { containers: true, host: true } } = options;
  let flags = (enforce.containers ? POLICY.enforce : 0) | (enforce.host ? POLICY.enforceHost : 0);
  if (list.some(({ scope = SCOPE.any }) => scope !== SCOPE.any)) flags |= POLICY.scopes;
  if (options.narrowKill !== undefined) flags |= POLICY.narrow;
  if (long > 0) flags |= POLICY.filterA;
  if (middle > 0) flags |= POLICY.filterB;
  if (shortLengths > 0) flags |= POLICY.filterC;
  const set = (field: Exclude<keyof typeof LAYOUT.policy, "size">, value: number) =>
    policy.setUint32(LAYOUT.policy[field], value, true);
  const { cells, bucketMask, firstRule } = layOutCells(strings, folded, keys, rules);
  set("flags", flags);
  set("maskA", filterA.byteMask);
  set("maskB", filterB.byteMask);
  set("maskKeys", filterKeys.byteMask);
  set("bucketMask", bucketMask);
  set("shortLengths", shortLengths);
  set("tailBytes", options.isEnvironment === true ? 0 : tailBytes);
  set("maxScanBytes", options.maxScanBytes ?? 0);
  set("wayUnreadable", WAY[options.unreadable ?? "kill"]);
  set("wayOverLong", WAY[options.overLong ?? "kill"]);
  set("tellKills", options.tellKills ?? DEFAULT_TELL_KILLS);
  set("tellSpares", options.tellSpares ?? DEFAULT_TELL_SPARES);
  set("rules", rules.length);
  set("firstRule", firstRule);
  const candidateSets = candidateSetsOf(list);
  set("candidateSets", candidateSets);
  set("narrowKill", options.narrowKill ?? 0);
  // What a candidate costs must make no line one that is too long for the list in force.
  set("maxWork", (options.maxWork ?? DEFAULT_MAX_WORK) * (candidateSets === 0 ? 1 : CANDIDATE_WORK));
  set("maxAllowBytes", options.maxAllowBytes ?? DEFAULT_MAX_ALLOW_BYTES);
  set("generation", options.generation ?? 0);
  return {
    filters,
    cells,
    allow: layOutAllow(options.allow ?? NO_PATTERNS, quotedTable(list, pieces, options.allow)),
  };
}

const NO_PATTERNS: CompiledAllow = { table: null, nfa: null, refused: [] };

/** A bit for each allow set whose strings are a candidate list's alone. */
function candidateSetsOf(list: readonly CompilableString[]): number {
  let candidates = 0;
  let others = 0;
  for (let index = 0; index < list.length; index++) {
    const { only, action, allowSet = 0 } = list[index]!;
    if (only !== "candidate") others |= 1 << allowSet;
    else if (action === "audit") candidates |= 1 << allowSet;
    else throw new CompileError(index, "a candidate's string that is not audited");
  }
  if ((candidates & others) !== 0) throw new RangeError("a candidate's strings share an allow set with others");
  return candidates >>> 0;
}

function checkLength(length: number, index: number): void {
  if (length === 0) throw new CompileError(index, "empty string");
  if (length > LAYOUT.maxStringBytes) throw new CompileError(index, `longer than ${LAYOUT.maxStringBytes} bytes`);
}

/** @throws CompileError for the first rule that there is no room for. */
function membersThatFit(list: readonly CompilableString[]) {
  const numbered = numberMembers(list);
  for (const [i, { index, members }] of numbered.rules.entries()) {
    for (const { length } of membersOf(list[index]!)) {
      checkLength(length, index);
      if (length < MIN_MEMBER_BYTES)
        throw new CompileError(index, `one of several shorter than ${MIN_MEMBER_BYTES} bytes`);
    }
    if (i >= LAYOUT.maxRules) throw new CompileError(index, `more than ${LAYOUT.maxRules} rules of several strings`);
    if (Math.max(...members) >= LAYOUT.maxMembers)
      throw new CompileError(index, `more than ${LAYOUT.maxMembers} different strings in rules of several`);
  }
  return numbered;
}

/**
 * What lies in the cells: a string of the list; a piece of one, which says that the quoted line is to be walked over; or a string
 * that rules want beside others.
 */
interface Entry extends CompilableString {
  readonly kind?: "piece" | "member";
}

function memberEntry({ value, mode }: Member, number: number): Entry {
  return { value, mode, number, kind: "member" };
}

function pieceEntry(list: readonly CompilableString[], { index, value }: Piece): Entry {
  const { action = "enforce", allowSet = 0, scope = SCOPE.any, number = index } = list[index]!;
  return { value, mode: "anywhere", action, allowSet, scope, number, kind: "piece" };
}

function quotedTable(list: readonly CompilableString[], pieces: readonly Piece[], allow: CompiledAllow | undefined) {
  if (pieces.length === 0) return null;
  const quoted = pieces.map(({ index }) => {
    const { value, mode, action, allowSet = 0, scope = SCOPE.any } = list[index]!;
    return { value, mode, index, isAudit: action === "audit", allowSet, scope };
  });
  const { table, left } = compileQuoted(quoted, allow);
  if (left !== undefined)
    throw new CompileError(left, "too many strings with an apostrophe for the room beside the allow patterns");
  return table;
}

// ---- the strings, folded ----

/** Distinct strings one behind the other: string `i` is `bytes` from `starts[i]` to `starts[i + 1]`. */
class FoldedStrings {
  readonly bytes: Uint8Array;
  readonly starts: Uint32Array;
  /** Which string of the list each is. */
  readonly indices: Uint32Array;
  size = 0;

  constructor(strings: number, bytes: number) {
    this.bytes = new Uint8Array(bytes);
    this.starts = new Uint32Array(strings + 1);
    this.indices = new Uint32Array(strings);
  }

  lengthOf(i: number): number {
    return this.starts[i + 1]! - this.starts[i]!;
  }

  count(least: number, most: number): number {
    let count = 0;
    for (let i = 0; i < this.size; i++) if (this.lengthOf(i) >= least && this.lengthOf(i) <= most) count++;
    return count;
  }
}

/** Of strings that differ in nothing after folding, mode, action, scope and allow set included, the first stays. */
function foldAll(strings: readonly Entry[]): FoldedStrings {
  let total = 0;
  for (const { value } of strings) total += value.length;
  const folded = new FoldedStrings(strings.length, total);
  const { bytes, starts, indices } = folded;
  // An open hash table of numbers of folded strings, plus one.
  const table = new Uint32Array(powerOfTwo(strings.length * 2 + 1));
  for (let index = 0; index < strings.length; index++) {
    const { value, also } = strings[index]!;
    // Its strings stand behind the list, as members.
    if (also !== undefined) continue;
    const start = starts[folded.size]!;
    let hash = kindOf(strings[index]!);
    for (let i = 0; i < value.length; i++) {
      const byte = FOLD[value[i]!]!;
      bytes[start + i] = byte;
      hash = Math.imul(hash ^ byte, 0x01000193); // FNV-1a's step
    }
    let at = (hash ^ (hash >>> 15)) & (table.length - 1);
    while (table[at] !== 0 && !isSame(strings, folded, table[at]! - 1, index)) at = (at + 1) & (table.length - 1);
    if (table[at] !== 0) continue;
    indices[folded.size] = index;
    folded.size++;
    starts[folded.size] = start + value.length;
    table[at] = folded.size;
  }
  return folded;
}

/** `string_head.kind` and, above it, `string_head.allow_set`, with a narrow scope's number above that. */
function kindOf({ mode, action = "enforce", allowSet = 0, scope = SCOPE.any, kind }: Entry): number {
  const number = ACTION[action] + (kind === "piece" ? ACTION.quotedEnforce : 0);
  const member = kind === "member" ? KIND_MEMBER : 0;
  const narrow = Math.max(0, scope - NARROW.first);
  return MODE[mode] | member | (number << 4) | (Math.min(scope, NARROW.first) << 6) | (allowSet << 8) | (narrow << 13);
}

/** Whether folded string `i` is string `index` of the list, whose folded bytes stand behind the last one. */
function isSame(strings: readonly Entry[], folded: FoldedStrings, i: number, index: number): boolean {
  const { bytes, starts, indices } = folded;
  const one = strings[indices[i]!]!;
  const other = strings[index]!;
  if (one.value.length !== other.value.length || kindOf(one) !== kindOf(other)) return false;
  const from = starts[i]!;
  const start = starts[folded.size]!;
  for (let at = 0; at < one.value.length; at++) if (bytes[from + at] !== bytes[start + at]) return false;
  return true;
}

/** How far past the path's end string `i`, begun in the path, can reach, and the byte behind it; 0 without a blank. */
function reach({ bytes, starts }: FoldedStrings, i: number): number {
  const end = starts[i + 1]!;
  for (let at = starts[i]!; at < end; at++) if (bytes[at] === SPACE) return end - at;
  return 0;
}

// ---- filters ----

/** A filter's part that a list of its size uses. */
class Filter {
  readonly byteMask: number;
  readonly #bits: Uint8Array;

  constructor(filters: Uint8Array, place: { readonly offset: number; readonly size: number }, bits: number) {
    const bytes = Math.min(place.size, Math.max(1024, powerOfTwo(bits / 8)));
    this.#bits = filters.subarray(place.offset, place.offset + place.size);
    this.byteMask = bytes - 8;
  }

  /** Five bytes, each with bit 0x20 set. */
  addA(b0: number, b1: number, b2: number, b3: number, b4: number): void {
    const hash = gramHashA((b0 | (b1 << 8) | (b2 << 16)) & 0xfffff, (b2 >>> 4) | (b3 << 4) | (b4 << 12));
    const word = ((hash >>> 12) * 8) & this.byteMask;
    this.#set(word, (hash >>> 6) & 63);
    this.#set(word, hash & 63);
  }

  /** Four bytes, each with bit 0x20 set. */
  addB(b0: number, b1: number, b2: number, b3: number): void {
    const hash = gramHashB(b0 | (b1 << 8) | (b2 << 16) | (b3 << 24));
    this.#set((hash >>> 13) & this.byteMask, (hash >>> 7) & 63);
  }

  /** A key's hash. */
  addKey(hash: number): void {
    this.#set((hash >>> 3) & this.byteMask, hash & 63);
  }

  #set(word: number, bit: number): void {
    this.#bits[word + (bit >>> 3)]! |= 1 << (bit & 7);
  }
}

function powerOfTwo(atLeast: number): number {
  let power = 1;
  while (power < atLeast) power *= 2;
  return power;
}

/** Any place in a text lies within 4 of a multiple of 4, so one of four consecutive grams does stand on one. */
function addLong(folded: FoldedStrings, i: number, filter: Filter, keys: Keys): void {
  const at = rarestKey(folded, i, KEY_A_BYTES, keys);
  for (let gram = at; gram < at + 4; gram++) {
    eachSpelling(folded.bytes, gram, 5, (b0, b1, b2, b3, b4) => filter.addA(b0, b1, b2, b3, b4));
  }
  keys.add(i, at, KEY_A_BYTES);
}

function addMiddle(folded: FoldedStrings, i: number, filter: Filter, keys: Keys): void {
  const at = rarestKey(folded, i, KEY_B_BYTES, keys);
  for (let gram = at; gram < at + 2; gram++) {
    eachSpelling(folded.bytes, gram, 4, (b0, b1, b2, b3) => filter.addB(b0, b1, b2, b3));
  }
  keys.add(i, at, KEY_B_BYTES);
}

function addShort(folded: FoldedStrings, i: number, filter: Uint8Array, keys: Keys): void {
  const at = folded.starts[i]!;
  const length = folded.lengthOf(i);
  for (const [first, second] of spellings(folded.bytes, at, Math.min(2, length))) {
    const seconds = second === undefined ? Array.from({ length: 256 }, (_, byte) => byte) : [second];
    for (const other of seconds) {
      const pair = first! | (other << 8);
      filter[pair >>> 3]! |= 1 << (pair & 7);
    }
  }
  keys.add(i, at, length);
}

/** Call `add` with the `length` (4 or 5) bytes at `at`, as they may stand in a text. Few have a blank, and those are slow. */
function eachSpelling(
  bytes: Uint8Array,
  at: number,
  length: number,
  add: (b0: number, b1: number, b2: number, b3: number, b4: number) => void,
): void {
  let blanks = 0;
  for (let i = 0; i < length; i++) if (bytes[at + i] === SPACE) blanks++;
  if (blanks > 0) {
    for (const [b0, b1, b2, b3, b4] of spellings(bytes, at, length)) add(b0!, b1!, b2!, b3!, b4 ?? 0);
    return;
  }
  const last = length === 5 ? bytes[at + 4]! | 0x20 : 0;
  add(bytes[at]! | 0x20, bytes[at + 1]! | 0x20, bytes[at + 2]! | 0x20, bytes[at + 3]! | 0x20, last);
}

/** The bytes from `at` as a filter may see them in a text: bit 0x20 set, and a blank in each of its spellings. */
function spellings(bytes: Uint8Array, at: number, length: number): number[][] {
  let all: number[][] = [[]];
  for (let i = at; i < at + length; i++) {
    const byte = bytes[i]!;
    all =
      byte === SPACE
        ? all.flatMap((begun) => BLANKS.map((blank) => [...begun, blank]))
        : all.map((begun) => [...begun, byte | 0x20]);
  }
  return all;
}

/** Sums, up to each place of a string, of what makes a key common. */
const commonness = new Uint32Array(LAYOUT.maxStringBytes + 1);

/**
 * Which key of a string to look for: rare in ordinary command lines, without blanks, and not another string's.
 *
 * @returns Where it stands in `folded.bytes`.
 */
function rarestKey({ bytes, starts }: FoldedStrings, i: number, length: number, keys: Keys): number {
  const start = starts[i]!;
  const end = starts[i + 1]!;
  const candidates = end - start - length + 1;
  const step = Math.ceil(candidates / MAX_CANDIDATE_KEYS);
  const typical = typicalCounts();
  // A key has three places less for four bytes than for one: the blanks of those are added below.
  for (let at = start; at + 4 <= end; at++) {
    const cost = typical[fourHash(bytes, at)]! + (bytes[at] === SPACE ? BLANK_COST : 0);
    commonness[at - start + 1] = commonness[at - start]! + cost;
  }
  let best = start;
  let lowest = Number.POSITIVE_INFINITY;
  for (let at = start; at < start + candidates; at += step) {
    let cost = 4 * keys.sharing(at, length);
    cost += commonness[at - start + length - 3]! - commonness[at - start]!;
    for (let last = at + length - 3; last < at + length; last++) if (bytes[last] === SPACE) cost += BLANK_COST;
    if (cost < lowest) {
      lowest = cost;
      best = at;
    }
  }
  return best;
}

let typical: Uint16Array | undefined;

/**
 * How common four bytes, by their hash, are in honest command lines (a chance neighbour may add to it). Frequencies fall with
 * the rank, nearly as one by it (Zipf's law); from 375 to 1, as much as other costs weigh.
 */
function typicalCounts(): Uint16Array {
  if (typical === undefined) {
    typical = new Uint16Array(1 << 16);
    const grams = new TextEncoder().encode(TYPICAL_GRAMS);
    for (let at = 0; at < grams.length; at += 4) typical[fourHash(grams, at)]! += Math.ceil(3000 / (at / 4 + 8));
  }
  return typical;
}

function fourHash(bytes: Uint8Array, at: number): number {
  return Math.imul(wordAt(bytes, at), 0x9e3779b1) >>> 16;
}

/** Four bytes, little-endian. */
function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

// ---- keys, buckets and the strings themselves ----

/** Which string is found by which key. */
class Keys {
  /** By number of the folded string: its key's hash, and the key's offset in it. */
  readonly hashes: Uint32Array;
  readonly offsets: Uint16Array;
  readonly #folded: FoldedStrings;
  /** How many keys have each hash, modulo the array's length. */
  readonly #sharing: Uint16Array;

  constructor(folded: FoldedStrings) {
    this.#folded = folded;
    this.hashes = new Uint32Array(folded.size);
    this.offsets = new Uint16Array(folded.size);
    this.#sharing = new Uint16Array(powerOfTwo(Math.max(1024, folded.size * 4)));
  }

  sharing(at: number, length: number): number {
    return this.#sharing[hashAt(this.#folded.bytes, at, length) & (this.#sharing.length - 1)]!;
  }

  add(i: number, at: number, length: number): void {
    const hash = hashAt(this.#folded.bytes, at, length);
    this.hashes[i] = hash;
    this.offsets[i] = at - this.#folded.starts[i]!;
    const slot = hash & (this.#sharing.length - 1);
    this.#sharing[slot] = Math.min(0xffff, this.#sharing[slot]! + 1);
  }
}

/** {@link keyHash} of the `length` (1 to 8) folded bytes at `offset`. */
export function hashAt(bytes: Uint8Array, offset: number, length: number): number {
  if (length === 8) return keyHash(wordAt(bytes, offset), wordAt(bytes, offset + 4), 8);
  let low = 0;
  let high = 0;
  for (let i = 0; i < length; i++) {
    if (i < 4) low |= bytes[offset + i]! << (8 * i);
    else high |= bytes[offset + i]! << (8 * (i - 4));
  }
  return keyHash(low, high, length);
}

function layOutCells(strings: readonly Entry[], folded: FoldedStrings, keys: Keys, rules: readonly MemberRule[]) {
  const { size, entries: perCell, entrySize, headSize } = LAYOUT.cell;
  const { bytes, starts, indices } = folded;
  const buckets = powerOfTwo(Math.max(1, folded.size / STRINGS_PER_BUCKET));
  const cellOf = new Uint32Array(folded.size);
  let cellCount = buckets;
  for (let i = 0; i < folded.size; i++) {
    cellOf[i] = cellCount;
    cellCount += Math.ceil((headSize + folded.lengthOf(i)) / size);
  }
  const firstRule = cellCount;
  const cells = new Uint8Array((cellCount + rules.length) * size);
  const view = new DataView(cells.buffer);
  for (const [i, rule] of rules.entries())
    layOutRule(cells.subarray((firstRule + i) * size), strings[rule.index]!, rule);
  for (let i = 0; i < folded.size; i++) {
    const entry = strings[indices[i]!]!;
    const at = cellOf[i]! * size;
    view.setUint32(at, entry.number ?? indices[i]!, true);
    view.setUint16(at + 4, folded.lengthOf(i), true);
    view.setUint16(at + 6, kindOf(entry), true);
    const start = starts[i]!;
    for (let byte = folded.lengthOf(i) - 1; byte >= 0; byte--) cells[at + headSize + byte] = bytes[start + byte]!;
  }
  const used = new Uint8Array(buckets);
  for (let i = 0; i < folded.size; i++) {
    const hash = keys.hashes[i]!;
    let bucket = hash & (buckets - 1);
    for (let step = 0; used[bucket]! === perCell; step++) {
      if (step === LAYOUT.maxChainCells - 2)
        throw new CompileError(
          listIndex(strings[indices[i]!]!, indices[i]!, rules),
          "too many strings share its bytes",
        );
      bucket = (bucket + 1) & (buckets - 1);
    }
    const at = bucket * size + used[bucket]! * entrySize;
    view.setUint16(at, hash >>> 16, true);
    view.setUint16(at + 2, keys.offsets[i]!, true);
    view.setUint32(at + 4, cellOf[i]!, true);
    used[bucket]! += 1;
  }
  return { cells, bucketMask: buckets - 1, firstRule };
}

/** Whose fault an entry's is, by the list. */
function listIndex({ kind, number }: Entry, place: number, rules: readonly MemberRule[]): number {
  if (kind !== "member") return number ?? place;
  return rules.find(({ members }) => members.includes(number!))!.index;
}

/** `struct rule_head`. */
function layOutRule(cell: Uint8Array, rule: CompilableString, { index, members }: MemberRule): void {
  const view = new DataView(cell.buffer, cell.byteOffset, LAYOUT.cell.size);
  view.setUint32(0, rule.number ?? index, true);
  view.setUint16(4, rule.value.length, true);
  view.setUint16(6, kindOf(rule), true);
  for (const member of members) cell[LAYOUT.rule.members + (member >>> 3)]! |= 1 << (member & 7);
  view.setUint32(LAYOUT.rule.told, members[0]!, true);
}
