// Lists of banned strings and command lines that are hard on a matcher, from a seed, at a rate of many thousands a second.
import {
  type CommandLine,
  type CompilableString,
  joinArguments,
  type MatchMode,
  MIN_MEMBER_BYTES,
} from "@cryptnono/matcher";

/** Uniform numbers from a seed (mulberry32): the same seed gives the same list and lines. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 to `below - 1`. */
  below(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  }

  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  /** True once in `times`. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  pick<T>(from: ArrayLike<T>): T {
    return from[this.below(from.length)]!;
  }
}

/** Bytes read at a time and what two reads share (`WINDOW_BYTES`, `OVERLAP_BYTES`): strings are planted at their edges. */
export interface Windows {
  readonly window: number;
  readonly overlap: number;
}

/** Few letters, so that strings and lines meet; those that folding and word boundaries treat specially; any byte. */
const ALPHABETS = [
  "ab",
  "abAB",
  "ab_1-",
  "abAB1_-. \t\n'",
  "ab \t\v\f\r\n",
  "a\x80\xc3\xe9\xff",
  "xyzXYZ019._/-:@ ",
  String.fromCharCode(...Array.from({ length: 255 }, (_, i) => i + 1)),
];
/** Least and most bytes of a list's strings: each of the three filters alone, across their borders, and the extremes. */
const LENGTHS = [
  [1, 4],
  [1, 2],
  [4, 5],
  [5, 7],
  [7, 8],
  [8, 12],
  [8, 30],
  [1, 20],
  [30, 80],
  [500, 512],
  [1, 512],
] as const;
const MODES: readonly (readonly MatchMode[])[] = [
  ["word"],
  ["anywhere"],
  ["exact-argument"],
  ["word", "word", "anywhere", "exact-argument"],
];
const ACTIONS = [["enforce"], ["audit"], ["enforce", "audit"], ["enforce", "audit", "audit", "audit"]] as const;
/** What a blank of a string may stand for in a line. */
const BLANKS = [0x20, 0x20, 0x09, 0x0a, 0x0b, 0x0d, 0x00, 0x00, 0x00];
const NUL = 0;
const MAX_PATH = 4095;

/** A list and the alphabet that lines for it are made of. */
export interface HostileList {
  readonly strings: readonly CompilableString[];
  readonly alphabet: Uint8Array;
}

/** @param size - How many strings; some may be equal. */
export function hostileList(random: Random, size: number): HostileList {
  const alphabet = Uint8Array.from(random.pick(ALPHABETS), (c) => c.charCodeAt(0));
  const [least, most] = random.pick(LENGTHS);
  const modes = random.pick(MODES);
  const actions = random.pick(ACTIONS);
  const strings: CompilableString[] = [];
  while (strings.length < size) {
    const value = letters(random, alphabet, random.between(least, most));
    const last = strings.at(-1);
    // Strings within strings, and strings with a common beginning.
    if (last !== undefined && random.oneIn(6)) value.set(last.value.subarray(0, value.length));
    strings.push({ value, mode: random.pick(modes), action: random.pick(actions) });
  }
  return { strings, alphabet };
}

/**
 * Rules of several strings out of those of `list`, some of which stand by themselves beside them. Lines for the list that was given hold
 * what the rules want.
 */
export function hostileRules(random: Random, { strings, alphabet }: HostileList): HostileList {
  const long = strings.filter(({ value }) => value.length >= MIN_MEMBER_BYTES);
  if (long.length < 2) return { strings, alphabet };
  const alone = strings.filter(() => random.oneIn(6));
  const rules = Array.from({ length: random.between(1, Math.min(12, long.length * 2)) }, (): CompilableString => {
    const { mode, action = "enforce" } = random.pick(long);
    const [first, ...also] = Array.from({ length: random.pick([2, 2, 2, 3, 4]) }, () => random.pick(long).value);
    return { value: first!, also, mode, action };
  });
  return { strings: [...alone, ...rules], alphabet };
}

/** A line of up to a few hundred bytes; one in 40 has a path of up to 4095. */
export function hostileLine(random: Random, { strings, alphabet }: HostileList): CommandLine {
  const path = random.oneIn(40)
    ? pieces(random, strings, alphabet, random.between(3000, MAX_PATH))
    : piece(random, strings, alphabet);
  const args = Array.from({ length: random.pick([0, 1, 1, 2, 2, 3, 4, 8]) }, () => piece(random, strings, alphabet));
  let area = joinArguments(args);
  // Over the borders of arguments: the string's blanks become NULs.
  if (area.length > 0 && random.oneIn(3))
    area = insert(area, random.below(area.length), planted(random, strings, true));
  return spanPath(random, strings, path, area);
}

/** A line of `bytes` or so, with strings planted around the places where one window ends or another begins. */
export function longLine(
  random: Random,
  { strings, alphabet }: HostileList,
  bytes: number,
  windows: Windows,
): CommandLine {
  const path = pieces(random, strings, alphabet, random.pick([1, 20, 300, 3600, 3590, MAX_PATH]));
  const area = random.oneIn(2) ? letters(random, Buffer.from("qQ.\0"), bytes) : new Uint8Array(bytes).fill(0x71);
  // argv[0] may be longer than a window.
  if (random.oneIn(2)) area[random.below(Math.min(bytes, 100))] = NUL;
  for (let count = random.pick([0, 1, 1, 2, 6]); count > 0; count--) {
    const value = planted(random, strings, random.oneIn(2));
    const step = windows.window - windows.overlap;
    const turn = random.below(Math.floor(bytes / step) + 1);
    const edge = random.pick([0, step, windows.window]) + turn * step;
    const at = random.oneIn(8) ? bytes - value.length : edge - value.length + random.between(-3, value.length + 3);
    if (at >= 0 && at + value.length <= bytes) area.set(value, at);
  }
  return spanPath(random, strings, path, area);
}

/** The argument area of `args`: each ended by a NUL. */
export function argumentArea(args: readonly Uint8Array[]): Uint8Array {
  return joinArguments(args.length === 0 ? [] : [...args, new Uint8Array(0)]);
}

export function withNul(path: Uint8Array): Uint8Array {
  return Buffer.concat([path, Uint8Array.of(NUL)]);
}

/** One time in eight a string that begins in the path and ends in the arguments behind `argv[0]`. */
function spanPath(
  random: Random,
  strings: readonly CompilableString[],
  path: Uint8Array,
  area: Uint8Array,
): CommandLine {
  const args = splitArea(area);
  const { value } = random.pick(strings);
  const blank = value.findIndex((byte) => byte === 0x20 || (byte >= 9 && byte <= 13));
  if (blank < 0 || args.length < 2 || !random.oneIn(8)) return { path, args };
  const front = value.subarray(0, blank);
  const back = value.subarray(blank + 1);
  return {
    path: Buffer.concat([path.subarray(0, MAX_PATH - front.length), front]),
    args: [args[0]!, ...splitArea(Buffer.concat([back, joinArguments(args.slice(1))]))],
  };
}

function piece(random: Random, strings: readonly CompilableString[], alphabet: Uint8Array): Uint8Array {
  switch (random.below(8)) {
    case 0:
      return new Uint8Array(0);
    case 1:
    case 2:
      return letters(random, alphabet, random.between(1, 24));
    case 3:
      return planted(random, strings, false);
    case 4: {
      const value = planted(random, strings, false);
      return value.subarray(random.below(2), value.length - random.below(2));
    }
    default:
      return Buffer.concat([
        letters(random, alphabet, random.below(4)),
        planted(random, strings, false),
        letters(random, alphabet, random.below(4)),
      ]);
  }
}

function pieces(random: Random, strings: readonly CompilableString[], alphabet: Uint8Array, most: number): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let bytes = 0; bytes < most; bytes += parts.at(-1)!.length) {
    parts.push(random.oneIn(20) ? piece(random, strings, alphabet) : letters(random, Buffer.from("q/"), 40));
  }
  return Buffer.concat(parts).subarray(0, most);
}

/** A string in any case, its blanks in any of their spellings. */
function planted(random: Random, strings: readonly CompilableString[], spans: boolean): Uint8Array {
  const upper = random.below(3);
  return random.pick(strings).value.map((byte) => {
    if (byte === 0x20 || (byte >= 9 && byte <= 13)) {
      const blank = random.pick(BLANKS);
      return blank === NUL && !spans ? 0x20 : blank;
    }
    const isSmall = byte >= 0x61 && byte <= 0x7a;
    return isSmall && (upper === 0 || (upper === 1 && random.oneIn(2))) ? byte - 0x20 : byte;
  });
}

function letters(random: Random, alphabet: Uint8Array, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = random.pick(alphabet);
  return bytes;
}

function insert(area: Uint8Array, at: number, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([area.subarray(0, at), bytes, area.subarray(at)]);
}

function splitArea(area: Uint8Array): Uint8Array[] {
  if (area.length === 0) return [];
  const args: Uint8Array[] = [];
  let from = 0;
  for (let nul = area.indexOf(NUL); nul >= 0; nul = area.indexOf(NUL, from)) {
    args.push(area.subarray(from, nul));
    from = nul + 1;
  }
  args.push(area.subarray(from));
  return args;
}
