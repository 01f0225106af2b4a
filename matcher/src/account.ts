// Why a command line is judged as it is: every string that stands in it, where, and whether it counts; every pattern that was
// asked, and how far the line went with it. The verdict is judge.ts's; this is for people, and takes a hundred times as long.

import {
  type CompiledAllow,
  compileAllow,
  DEFAULT_MAX_ALLOW_BYTES,
  followLine,
  matchArguments,
  type Progress,
  walkPattern,
} from "./allow/index.js";
import { joinArguments } from "./bytes.js";
import type { CompilableString } from "./compile.js";
import { counts } from "./counts.js";
import { fold, WORD } from "./fold.js";
import { type Judge, type Judgement, judgeLine } from "./judge.js";
import { memberStrings } from "./members.js";
import { isPlainPath } from "./plain-path.js";
import { ALL_SCOPES, isInScope, type Scopes } from "./scope.js";
import { quoteLine } from "./shell-quote.js";
import type { BannedString, CommandLine } from "./types.js";

/** A list that is ready to judge by, with its patterns' texts. */
export interface AccountableList extends Judge {
  readonly strings: readonly CompilableString[];
  readonly sources: readonly string[];
  /** As they were given to `compileAllow`. */
  readonly sets: readonly (readonly number[])[];
}

/** A place where a string stands. */
export interface Occurrence {
  /**
   * Which text it stands in: the path and the arguments behind `argv[0]`; `argv[0]` and those, where it stands there alone; or
   * the quoted line.
   */
  readonly text: "path" | "argv0" | "quoted";
  /** In bytes, in that text. */
  readonly offset: number;
  /** The argument that it begins in, 0 for the path or `argv[0]`, and where in it; absent for the quoted line. */
  readonly argument?: { readonly index: number; readonly offset: number };
  /** Of a rule of several strings: which of them, from 0. */
  readonly member?: number;
  readonly counts: boolean;
  /** Why it does not: the byte beside it that makes it a part of something longer; null: it is more than one argument. */
  readonly beside?: Beside | null;
}

export interface Beside {
  readonly side: "before" | "after";
  readonly byte: number;
}

export interface StringAccount {
  /** In the list. */
  readonly index: number;
  readonly occurrences: readonly Occurrence[];
  /** Of a rule of several strings: all of them do. */
  readonly counts: boolean;
  /** It counts in other places alone. */
  readonly isOutOfScope: boolean;
  /** Of a rule of several strings: those that have no occurrence that counts, from 0. */
  readonly missing?: readonly number[];
  /** A pattern of its set that matches; -1 for none. */
  readonly sparedBy: number;
}

export interface PatternAccount {
  /** In the list. */
  readonly pattern: number;
  readonly matches: boolean;
  /** By the name that it goes furthest with. null: it is too large to be followed. */
  readonly progress: (Progress & { readonly name: number }) | null;
}

export interface Account {
  readonly judgement: Judgement;
  /** Those that stand in it, by index. */
  readonly strings: readonly StringAccount[];
  /** Those that could spare a string that counts, by index. */
  readonly patterns: readonly PatternAccount[];
  /** By the names that were given: no pattern sees a line whose path is not plain. */
  readonly isPlain: readonly boolean[];
}

/** @returns a function whose arguments are as `judgeLine`'s. */
export function accountsOf(
  list: AccountableList,
): (line: CommandLine, names: readonly (readonly Uint8Array[])[], scopes?: Scopes) => Account {
  const members = list.strings.map((string) =>
    memberStrings(string).map((member) => ({ ...member, text: latin1(fold(member.value)) })),
  );
  const inQuotes = new Set(list.quoted);
  const maxBytes = list.maxAllowBytes ?? DEFAULT_MAX_ALLOW_BYTES;
  const alone = new Map<number, CompiledAllow>();

  return (line, names, scopes = ALL_SCOPES) => {
    const isPlain = names.map(([path]) => path !== undefined && isPlainPath(path));
    const plain = names.filter((_, i) => isPlain[i]);
    const strings = occurrencesIn(members, line, quotedUnder(names, isPlain), list, inQuotes).map(
      ([index, occurrences]) => {
        const missing = [...members[index]!.keys()].filter(
          (member) => !occurrences.some((one) => one.counts && (one.member ?? 0) === member),
        );
        const isCounted = missing.length === 0;
        const isOutOfScope = !isInScope(list.strings[index]!.scope, scopes);
        return {
          index,
          occurrences,
          counts: isCounted,
          ...(members[index]!.length > 1 ? { missing } : {}),
          isOutOfScope,
          sparedBy: isCounted && !isOutOfScope ? sparedBy(index, plain) : -1,
        };
      },
    );
    const asked = new Set(
      strings.flatMap(({ index, counts: isCounted, isOutOfScope }) =>
        isCounted && !isOutOfScope ? (list.sets[setOf(index) - 1] ?? []) : [],
      ),
    );
    return {
      judgement: judgeLine(list, line, names, undefined, scopes),
      strings,
      patterns: [...asked].sort((a, b) => a - b).map((pattern) => account(pattern, names, isPlain)),
      isPlain,
    };
  };

  function setOf(index: number): number {
    return list.strings[index]!.allowSet ?? 0;
  }

  function sparedBy(index: number, names: readonly (readonly Uint8Array[])[]): number {
    if (setOf(index) === 0) return -1;
    for (const name of names) {
      const pattern = matchArguments(list.allow, name, setOf(index), maxBytes);
      if (pattern >= 0) return pattern;
    }
    return -1;
  }

  function account(
    pattern: number,
    names: readonly (readonly Uint8Array[])[],
    isPlain: readonly boolean[],
  ): PatternAccount {
    const source = list.sources[pattern]!;
    const compiled = alone.get(pattern) ?? compileAllow([source]);
    alone.set(pattern, compiled);
    const walk = walkPattern(source);
    let matches = false;
    let best: (Progress & { readonly name: number }) | null = null;
    for (const [name, args] of names.entries()) {
      if (!isPlain[name]) continue;
      const isMatch = matchArguments(compiled, args, 1, maxBytes) >= 0;
      const progress = walk && { ...followLine(walk, quoteLine(args)), name };
      if (
        (isMatch && !matches) ||
        (progress !== null && (best === null || (isMatch === matches && progress.bytes > best.bytes)))
      )
        best = progress;
      matches ||= isMatch;
    }
    return { pattern, matches, progress: best };
  }
}

/** As judge.ts: under the first name, and under the others where that one does not say which file runs. */
function quotedUnder(names: readonly (readonly Uint8Array[])[], isPlain: readonly boolean[]) {
  return names.filter((_, i) => i === 0 || (isPlain[0] === false && isPlain[i]));
}

function occurrencesIn(
  members: readonly (readonly MemberText[])[],
  { path, args }: CommandLine,
  shown: readonly (readonly Uint8Array[])[],
  { strings }: AccountableList,
  inQuotes: ReadonlySet<number>,
): [index: number, Occurrence[]][] {
  const rest = args.slice(1);
  const byPath = textOf("path", [path, ...rest]);
  const byArgv0 = args.length > 0 ? textOf("argv0", args) : null;
  const quoted = shown.map((name) => textOf("quoted", [quoteLine(name)]));
  const behindArgv0 = (args[0]?.length ?? 0) + 1;
  const found: [number, Occurrence[]][] = [];
  for (const [index, string] of strings.entries()) {
    const isQuoted = inQuotes.has(index);
    const own = members[index]!.flatMap((member, i) => {
      const places = [
        ...placesOf(byPath, member),
        // Behind argv[0] both texts are the same.
        ...(byArgv0 === null ? [] : placesOf(byArgv0, member).filter(({ offset }) => offset < behindArgv0)),
        ...(isQuoted ? quoted.flatMap((text) => placesOf(text, member)).filter((place) => place.counts) : []),
      ];
      return string.also === undefined ? places : places.map((place) => ({ ...place, member: i }));
    });
    if (own.length > 0) found.push([index, own]);
  }
  return found;
}

/** A string, or one of a rule's, and its folded text. */
interface MemberText extends BannedString {
  readonly text: string;
}

interface Text {
  readonly name: Occurrence["text"];
  readonly bytes: Uint8Array;
  readonly folded: string;
}

function textOf(name: Text["name"], args: readonly Uint8Array[]): Text {
  const bytes = joinArguments(args);
  return { name, bytes, folded: latin1(fold(bytes)) };
}

function placesOf({ name, bytes, folded }: Text, string: MemberText): Occurrence[] {
  const places: Occurrence[] = [];
  for (let at = folded.indexOf(string.text); at >= 0; at = folded.indexOf(string.text, at + 1)) {
    places.push({
      text: name,
      offset: at,
      ...(name === "quoted" ? {} : { argument: argumentAt(bytes, at) }),
      ...(counts(bytes, at, string) ? { counts: true } : { counts: false, beside: besides(bytes, at, string) }),
    });
  }
  return places;
}

function argumentAt(text: Uint8Array, at: number): { readonly index: number; readonly offset: number } {
  let index = 0;
  let start = 0;
  for (let nul = text.indexOf(0); nul >= 0 && nul < at; nul = text.indexOf(0, start)) {
    index += 1;
    start = nul + 1;
  }
  return { index, offset: at - start };
}

const EQUALS = 0x3d;

function besides(text: Uint8Array, at: number, { value, mode }: BannedString): Beside | null {
  const before = text[at - 1] ?? 0;
  const after = text[at + value.length] ?? 0;
  const isInTheWay = (byte: number) => (mode === "word" ? WORD[byte] === 1 : byte !== 0);
  const isBeforeValue = mode === "exact-value" && before === EQUALS;
  if (isInTheWay(before) && !isBeforeValue) return { side: "before", byte: before };
  return isInTheWay(after) ? { side: "after", byte: after } : null;
}

/** Native search on text of one character a byte is as quick as there is without tables. */
function latin1(bytes: Uint8Array): string {
  let text = "";
  // In pieces: a call takes no more arguments than the stack has room for.
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return text;
}
