// From banned strings to the tables that the kernel walks. DESIGN.md says why they are what they are.
import type { AllowTable } from "./allow/index.js";
import { FOLD } from "./fold.js";
import { gramHash, keyHash } from "./hash.js";
import { ACTION, type Action, LAYOUT, MODE, POLICY, WAY, type Way } from "./layout.js";
import type { BannedString } from "./types.js";
import { TYPICAL_GRAMS } from "./typical-grams.js";

/** A banned string and what its match leads to; `enforce` when nothing is said. `defer`: user space looks further. */
export interface CompilableString extends BannedString {
  readonly action?: Action;
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
  readonly allow?: AllowTable | null;
  /** Patterns exist that only user space can judge. */
  readonly allowDeferred?: boolean;
  /** Told in each event, so that an event's string number is read in the list that it came from. */
  readonly generation?: number;
  /** Longest argument area that is searched, in bytes; 0: no limit. */
  readonly maxScanBytes?: number;
  readonly unreadable?: Way;
  readonly overLong?: Way;
  /** Instead of `hold` while no agent is there. */
  readonly away?: Exclude<Way, "hold">;
}

/** A list that cannot be laid out. `index` is the string's; its value is not in the message. */
export class CompileError extends Error {
  override readonly name = "CompileError";
  readonly index: number;
  constructor(index: number, cause: string) {
    super(`compile string ${index}: ${cause}`);
    this.index = index;
  }
}

const KEY_A_BYTES = 8;
const KEY_B_BYTES = 5;
const SPACE = 0x20;
/** What the white space bytes are with bit 0x20 set, as the filters see them: NUL and space, then tab to carriage return. */
const BLANKS = [0x20, 0x29, 0x2a, 0x2b, 0x2c, 0x2d];
/** Filter bits per gram, at least. Two of them are set, so other text fires by chance at one place in 256 or fewer. */
const BITS_PER_GRAM = 32;
/** Keys tried per string when looking for a rare one, so that long strings cost no more than short ones. */
const MAX_CANDIDATE_KEYS = 32;
/** Buckets hold 8 entries; half full on average, so that few run over into the next. */
const STRINGS_PER_BUCKET = 4;

/**
 * Lay `strings` out. Their position in the array is the number that events and matches give.
 *
 * @throws CompileError for an empty or too long string, or when more strings share one key than a look-up follows.
 */
export function compileTables(strings: readonly CompilableString[], options: CompileOptions = {}): Tables {
  for (const [index, { value }] of strings.entries()) {
    if (value.length === 0) throw new CompileError(index, "empty string");
    if (value.length > LAYOUT.maxStringBytes)
      throw new CompileError(index, `longer than ${LAYOUT.maxStringBytes} bytes`);
  }
  const filters = new Uint8Array(LAYOUT.filtersSize);
  const policy = new DataView(filters.buffer, 0, LAYOUT.policy.size);
  const keys = new Keys(strings.length);
  const folded = foldAll(strings);
  const long = folded.filter(({ bytes }) => bytes.length >= KEY_A_BYTES);
  const middle = folded.filter(({ bytes }) => bytes.length >= KEY_B_BYTES && bytes.length < KEY_A_BYTES);
  const short = folded.filter(({ bytes }) => bytes.length < KEY_B_BYTES);

  const filterA = new Filter(filters, LAYOUT.filterA, long.length * 4);
  const filterB = new Filter(filters, LAYOUT.filterB, middle.length * 2);
  const filterC = filters.subarray(LAYOUT.filterC.offset, LAYOUT.filterC.offset + LAYOUT.filterC.size);
  for (const string of long) addLong(string, filterA, keys);
  for (const string of middle) addMiddle(string, filterB, keys);
  for (const string of short) addShort(string, filterC, keys);

  let flags = 0;
  if (long.length > 0) flags |= POLICY.filterA;
  if (middle.length > 0) flags |= POLICY.filterB;
  if (short.length > 0) flags |= POLICY.filterC;
  if (options.allow) flags |= POLICY.allow;
  if (options.allowDeferred) flags |= POLICY.allowDeferred;
  const set = (field: Exclude<keyof typeof LAYOUT.policy, "size">, value: number) =>
    policy.setUint32(LAYOUT.policy[field], value, true);
  const { cells, bucketMask } = layOutCells(strings, folded, keys);
  set("flags", flags);
  set("maskA", filterA.byteMask);
  set("maskB", filterB.byteMask);
  set("bucketMask", bucketMask);
  set(
    "shortLengths",
    short.reduce((lengths, { bytes }) => lengths | (1 << bytes.length), 0),
  );
  set("tailBytes", Math.max(0, ...reaches(folded)));
  set("maxScanBytes", options.maxScanBytes ?? 0);
  set("wayUnreadable", WAY[options.unreadable ?? "hold"]);
  set("wayOverLong", WAY[options.overLong ?? "hold"]);
  set("wayAway", WAY[options.away ?? "kill"]);
  set("allowStart", options.allow?.start ?? 0);
  set("allowFirstAccept", options.allow?.firstAccept ?? 1);
  set("allowStrideLog2", options.allow?.strideLog2 ?? 0);
  set("allowEndClass", options.allow?.endColumn ?? 0);
  set("allowQuoteClass", options.allow?.quoteColumn ?? 0);
  set("generation", options.generation ?? 0);
  return { filters, cells, allow: layOutAllow(options.allow ?? null) };
}

interface Folded {
  readonly index: number;
  readonly bytes: Uint8Array;
}

/** The distinct strings, folded; of two that differ in nothing the first stays. */
function foldAll(strings: readonly CompilableString[]): Folded[] {
  const seen = new Set<string>();
  const folded: Folded[] = [];
  for (const [index, { value, mode, action }] of strings.entries()) {
    const bytes = new Uint8Array(value.length);
    let text = `${mode}/${action ?? "enforce"}/`;
    for (let i = 0; i < value.length; i++) {
      const byte = FOLD[value[i]!]!;
      bytes[i] = byte;
      text += String.fromCharCode(byte);
    }
    if (seen.has(text)) continue;
    seen.add(text);
    folded.push({ index, bytes });
  }
  return folded;
}

/** How far past the path's end a string that begins in the path can reach, and the byte behind it. */
function* reaches(folded: readonly Folded[]): Generator<number> {
  for (const { bytes } of folded) {
    const blank = bytes.indexOf(SPACE);
    if (blank >= 0) yield bytes.length - blank;
  }
}

// ---- filters ----

class Filter {
  readonly byteMask: number;
  readonly #bits: Uint8Array;
  readonly #wordMask: number;

  constructor(filters: Uint8Array, place: { readonly offset: number; readonly size: number }, grams: number) {
    const bytes = Math.min(place.size, Math.max(1024, powerOfTwo((grams * BITS_PER_GRAM) / 8)));
    this.#bits = filters.subarray(place.offset, place.offset + place.size);
    this.#wordMask = bytes / 8 - 1;
    this.byteMask = bytes - 8;
  }

  /** @param low, high - As {@link gramHash} takes them. */
  add(low: number, high: number): void {
    const hash = gramHash(low, high);
    const word = (Math.floor(hash / 4096) & this.#wordMask) * 8;
    for (const bit of [(hash >>> 6) & 63, hash & 63]) this.#bits[word + (bit >>> 3)]! |= 1 << (bit & 7);
  }
}

function powerOfTwo(atLeast: number): number {
  let power = 1;
  while (power < atLeast) power *= 2;
  return power;
}

/** Any place in a text lies within 4 of a multiple of 4, so one of four consecutive grams does stand on one. */
function addLong({ index, bytes }: Folded, filter: Filter, keys: Keys): void {
  const offset = rarestKey(bytes, KEY_A_BYTES, keys);
  for (let i = offset; i < offset + 4; i++) {
    for (const [b0, b1, b2, b3, b4] of spellings(bytes, i, 5)) {
      filter.add((b0! | (b1! << 8) | (b2! << 16)) & 0xfffff, (b2! >>> 4) | (b3! << 4) | (b4! << 12));
    }
  }
  keys.add(index, bytes, offset, KEY_A_BYTES);
}

function addMiddle({ index, bytes }: Folded, filter: Filter, keys: Keys): void {
  const offset = rarestKey(bytes, KEY_B_BYTES, keys);
  for (let i = offset; i < offset + 2; i++) {
    for (const [b0, b1, b2, b3] of spellings(bytes, i, 4)) {
      filter.add((b0! | (b1! << 8) | (b2! << 16)) & 0xfffff, (b2! >>> 4) | (b3! << 4));
    }
  }
  keys.add(index, bytes, offset, KEY_B_BYTES);
}

function addShort({ index, bytes }: Folded, filter: Uint8Array, keys: Keys): void {
  for (const [first, second] of spellings(bytes, 0, Math.min(2, bytes.length))) {
    const seconds = second === undefined ? Array.from({ length: 256 }, (_, byte) => byte) : [second];
    for (const other of seconds) {
      const pair = first! | (other << 8);
      filter[pair >>> 3]! |= 1 << (pair & 7);
    }
  }
  keys.add(index, bytes, 0, bytes.length);
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

/** Which key of a string to look for: rare in ordinary command lines, without blanks, and not another string's. */
function rarestKey(bytes: Uint8Array, length: number, keys: Keys): number {
  const candidates = bytes.length - length + 1;
  const step = Math.max(1, Math.ceil(candidates / MAX_CANDIDATE_KEYS));
  let best = 0;
  let lowest = Number.POSITIVE_INFINITY;
  for (let offset = 0; offset < candidates; offset += step) {
    let cost = 4 * keys.sharing(bytes, offset, length);
    for (let i = offset; i < offset + length; i++) {
      if (bytes[i] === SPACE) cost += 16;
      if (i + 4 <= offset + length) cost += typicalCount(bytes, i);
    }
    if (cost < lowest) {
      lowest = cost;
      best = offset;
    }
  }
  return best;
}

let typical: Uint16Array | undefined;

/** How often the four bytes from `at` stand in honest command lines (a hash of them: a chance neighbour may add to it). */
function typicalCount(bytes: Uint8Array, at: number): number {
  typical ??= typicalCounts();
  return typical[fourHash(bytes, at)]!;
}

/** Frequencies fall with the rank, nearly as one by it (Zipf's law); from 375 to 1, as much as other costs weigh. */
function typicalCounts(): Uint16Array {
  const counts = new Uint16Array(1 << 16);
  const grams = new TextEncoder().encode(TYPICAL_GRAMS);
  for (let at = 0; at < grams.length; at += 4) counts[fourHash(grams, at)]! += Math.ceil(3000 / (at / 4 + 8));
  return counts;
}

function fourHash(bytes: Uint8Array, at: number): number {
  const four = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
  return Math.imul(four, 0x9e3779b1) >>> 16;
}

// ---- keys, buckets and the strings themselves ----

/** Which string is found by which key. */
class Keys {
  readonly strings: number[] = [];
  readonly hashes: number[] = [];
  readonly offsets: number[] = [];
  /** How many keys have each hash, modulo the array's length. */
  readonly #sharing: Uint16Array;

  constructor(strings: number) {
    this.#sharing = new Uint16Array(powerOfTwo(Math.max(1024, strings * 4)));
  }

  sharing(bytes: Uint8Array, offset: number, length: number): number {
    return this.#sharing[hashAt(bytes, offset, length) & (this.#sharing.length - 1)]!;
  }

  add(string: number, bytes: Uint8Array, offset: number, length: number): void {
    const hash = hashAt(bytes, offset, length);
    this.strings.push(string);
    this.hashes.push(hash);
    this.offsets.push(offset);
    const slot = hash & (this.#sharing.length - 1);
    this.#sharing[slot] = Math.min(0xffff, this.#sharing[slot]! + 1);
  }
}

/** {@link keyHash} of the `length` (1 to 8) folded bytes at `offset`. */
export function hashAt(bytes: Uint8Array, offset: number, length: number): number {
  let low = 0;
  let high = 0;
  for (let i = 0; i < length; i++) {
    if (i < 4) low |= bytes[offset + i]! << (8 * i);
    else high |= bytes[offset + i]! << (8 * (i - 4));
  }
  return keyHash(low, high, length);
}

function layOutCells(strings: readonly CompilableString[], folded: readonly Folded[], keys: Keys) {
  const { size, entries: perCell, entrySize, headSize } = LAYOUT.cell;
  const buckets = powerOfTwo(Math.max(1, folded.length / STRINGS_PER_BUCKET));
  const cellOf = new Uint32Array(strings.length);
  let cellCount = buckets;
  for (const { index, bytes } of folded) {
    cellOf[index] = cellCount;
    cellCount += Math.ceil((headSize + bytes.length) / size);
  }
  const cells = new Uint8Array(cellCount * size);
  const view = new DataView(cells.buffer);
  for (const { index, bytes } of folded) {
    const { mode, action } = strings[index]!;
    const at = cellOf[index]! * size;
    view.setUint32(at, index, true);
    view.setUint16(at + 4, bytes.length, true);
    view.setUint8(at + 6, MODE[mode]);
    view.setUint8(at + 7, ACTION[action ?? "enforce"]);
    cells.set(bytes, at + headSize);
  }
  const used = new Uint8Array(buckets);
  for (const [i, string] of keys.strings.entries()) {
    const hash = keys.hashes[i]!;
    let bucket = hash & (buckets - 1);
    for (let step = 0; used[bucket]! === perCell; step++) {
      if (step === LAYOUT.maxChainCells - 2) throw new CompileError(string, "too many strings share its bytes");
      bucket = (bucket + 1) & (buckets - 1);
    }
    const at = bucket * size + used[bucket]! * entrySize;
    view.setUint16(at, hash >>> 16, true);
    view.setUint16(at + 2, keys.offsets[i]!, true);
    view.setUint32(at + 4, cellOf[string]!, true);
    used[bucket]! += 1;
  }
  return { cells, bucketMask: buckets - 1 };
}

function layOutAllow(table: AllowTable | null): Uint8Array {
  const { classOf, accepts, next } = LAYOUT.allow;
  const bytes = new Uint8Array(LAYOUT.allowSize);
  if (table === null) return bytes;
  bytes.set(table.classOf, classOf);
  new Uint16Array(bytes.buffer, accepts, LAYOUT.allow.maxStates).set(table.accepts);
  new Uint16Array(bytes.buffer, next, LAYOUT.allow.nextEntries).set(table.next);
  return bytes;
}
