// What may be wrong with banned strings, by their own looks and beside each other.
import type { CompilableString } from "../compile.js";
import { fold, WORD } from "../fold.js";
import { SCOPE } from "../layout.js";
import { Matcher } from "../matcher.js";
import { memberStrings } from "../members.js";
import { search } from "../oracle.js";
import { quotedPiece } from "../quoted.js";
import { shellSplit } from "../shell-split.js";
import type { BannedString } from "../types.js";
import { ESSENTIAL_COMMANDS } from "./essential-commands.js";
import type { Finding, FindingLevel } from "./finding.js";

export const STRING_CODES = [
  "kills-essential",
  "too-short",
  "contained",
  "member-contained",
  "pattern-syntax",
  "quotes",
  "blanks",
  "case",
] as const;
type Code = (typeof STRING_CODES)[number];

/** Shorter ones stand in honest lines by chance, in bytes. */
const LEAST_WORD_BYTES = 5;
const LEAST_ANYWHERE_BYTES = 8;

/** In the order of the strings. */
export function lintStrings(strings: readonly CompilableString[]): Finding[] {
  const text = new TextDecoder("utf-8", { fatal: false });
  const findings = [...essential(strings), ...contained(strings)];
  for (const [index, string] of strings.entries()) {
    const seen = new Set<string>();
    for (const member of memberStrings(string)) {
      for (const [level, code, problem, hint] of looks(member, text.decode(member.value), string.also !== undefined)) {
        if (seen.has(`${code} ${problem}`)) continue;
        seen.add(`${code} ${problem}`);
        findings.push({ level, code, index, problem, ...(hint === undefined ? {} : { hint }) });
      }
    }
    findings.push(...containedMembers(string, index));
  }
  return findings.sort((a, b) => a.index - b.index);
}

type Look = readonly [level: FindingLevel, code: Code, problem: string, hint?: string];

/** @param isOfSeveral - Beside others a string may be as ordinary as it likes. */
function* looks(string: BannedString, text: string, isOfSeveral: boolean): Generator<Look> {
  const { value, mode } = string;
  const least = mode === "anywhere" ? LEAST_ANYWHERE_BYTES : LEAST_WORD_BYTES;
  if (value.length < least && mode !== "exact-argument" && !isOfSeveral) {
    const problem = `${value.length} bytes with mode ${mode} stand in many lines by chance: ${least} are the least that tell something`;
    yield [value.length < 3 ? "error" : "warning", "too-short", problem, "ban a longer piece of what it stands in"];
  }
  if (/\\[bBdDsSwW.]|\.[*+](?!$)|\.\*|\[[a-z0-9]-[a-z0-9]|\(\?/i.test(text)) {
    yield [
      "warning",
      "pattern-syntax",
      "it looks like a regular expression",
      "strings are plain text: write what stands in the line",
    ];
  } else if (/^\*|\*$/.test(text)) {
    yield [
      "warning",
      "pattern-syntax",
      "it looks like a glob",
      "strings are plain text, found anywhere in the line: leave * out",
    ];
  } else if (/^\^|\$$/.test(text)) {
    yield [
      "warning",
      "pattern-syntax",
      "^ and $ stand for themselves",
      "for a whole argument there is the mode exact-argument",
    ];
  } else if (/\\([ntr0]|x[0-9a-f]{2}|u[0-9a-f]{4})/i.test(text)) {
    yield [
      "warning",
      "pattern-syntax",
      "a backslash stands for itself here",
      "in JSON an escape has one backslash: \\n, not \\\\n",
    ];
  }
  const [first, last] = [text[0], text.at(-1)];
  if (text.length > 2 && first === last && (first === '"' || first === "'" || first === "`")) {
    yield [
      "warning",
      "quotes",
      `it begins and ends with ${first}`,
      "a shell's quotes are on no command line: leave them out",
    ];
  } else if (/\\["']/.test(text)) {
    yield ["warning", "quotes", "a backslash before a quote stands for itself", "write the quote alone"];
  } else if (text.includes("'") && isOfSeveral) {
    yield [
      "warning",
      "quotes",
      "its apostrophes are looked for in the arguments alone, not in the quotes that the log shows",
      "a rule of several strings is not looked for in the quoted line",
    ];
  } else if (text.includes("'") && mode !== "exact-argument" && quotedPiece(string) === null) {
    yield [
      "warning",
      "quotes",
      "its apostrophes are looked for in the arguments alone, not in the quotes that the log shows",
      "quotes are found around a piece of four visible bytes or more",
    ];
  }
  if (/^\s|\s$/.test(text)) {
    yield [
      "warning",
      "blanks",
      "it begins or ends with a blank, which the line's first and last argument have not",
      "leave it out",
    ];
  }
  if (/\S\s{2,}\S/.test(text)) {
    yield ["warning", "blanks", "two blanks in a row match no single one", "ban the telling word by itself"];
  }
  if (mode === "exact-argument" && /\s/.test(text.trim())) {
    yield [
      "warning",
      "blanks",
      "with a blank in it, it is no whole argument unless that was quoted",
      "use the mode word",
    ];
  }
  if (text !== text.normalize("NFC")) {
    yield [
      "warning",
      "case",
      "its letters are composed of several characters",
      "most programs write one character for é: ban that form too",
    ];
  } else if (
    /[^\p{ASCII}]/u.test(text) &&
    text.replace(/[A-Z]/g, "").toLowerCase() !== text.replace(/[A-Z]/g, "").toUpperCase() &&
    /\p{Cased}/u.test(text.replace(/\p{ASCII}/gu, ""))
  ) {
    yield ["info", "case", "letters beyond ASCII are matched in this case alone"];
  }
}

/** No list may kill these. */
function essential(strings: readonly CompilableString[]): Finding[] {
  const found = new Map<number, Finding>();
  const encoder = new TextEncoder();
  const matcher = new Matcher(strings);
  for (const command of ESSENTIAL_COMMANDS) {
    const { words } = shellSplit(encoder.encode(command), "plain");
    const line = { path: words[0] ?? new Uint8Array(), args: words };
    if (matcher.match(line).kind !== "banned") continue;
    for (const [index, string] of strings.entries()) {
      if (found.has(index) || search([string], line).kind !== "banned") continue;
      const problem = "it kills a command that no machine does without";
      const level = string.action === "audit" ? "warning" : "error";
      found.set(index, { level, code: "kills-essential", index, problem, example: command });
    }
  }
  return [...found.values()];
}

/** Of a rule's strings one that stands wherever another of them does says nothing. */
function containedMembers(rule: CompilableString, index: number): Finding[] {
  const members = memberStrings(rule);
  const needless = members.some((inner, i) =>
    members.some((outer, j) => i !== j && (covering(inner, outer) || (i > j && isEqual(inner, outer)))),
  );
  if (!needless) return [];
  const problem = "one of its strings stands wherever another of them does";
  return [{ level: "warning", code: "member-contained", index, problem, hint: "leave the shorter one out" }];
}

function isEqual(a: BannedString, b: BannedString): boolean {
  return latin1(fold(a.value)) === latin1(fold(b.value));
}

/** Whether `inner`, a shorter string, counts wherever `outer` does. */
function covering(inner: BannedString, outer: BannedString): boolean {
  const [part, whole] = [latin1(fold(inner.value)), latin1(fold(outer.value))];
  if (part === whole) return false;
  for (let at = whole.indexOf(part); at >= 0; at = whole.indexOf(part, at + 1))
    if (countsWithin(inner, outer, whole, at, at + part.length)) return true;
  return false;
}

/** Whether `inner` counts at this place in `outer`, whatever stands beside that. @param text - `outer`'s, folded. */
function countsWithin(inner: BannedString, outer: BannedString, text: string, at: number, end: number): boolean {
  if (inner.mode === "anywhere") return true;
  if (inner.mode === "exact-argument") return outer.mode === "exact-argument" && at === 0 && end === text.length;
  // Beyond its own ends a word has no word byte, a string with the mode anywhere may have any.
  const edge = outer.mode === "anywhere" ? 1 : 0;
  const before = at === 0 ? edge : WORD[text.charCodeAt(at - 1)]!;
  const after = end === text.length ? edge : WORD[text.charCodeAt(end)]!;
  return before === 0 && after === 0;
}

/** A string is found wherever another one that it holds is found too: by itself it changes nothing. */
function contained(strings: readonly CompilableString[]): Finding[] {
  const texts = strings.map(({ value }) => latin1(fold(value)));
  const byStart = new Map<string, number[]>();
  for (const [index, text] of texts.entries()) {
    // A rule of several makes no other string needless.
    if (strings[index]!.also !== undefined) continue;
    const start = text.slice(0, MAX_START);
    byStart.set(start, [...(byStart.get(start) ?? []), index]);
  }
  const lengths = [...new Set([...byStart.keys()].map(({ length }) => length))];
  return strings.flatMap((_, index): Finding[] => {
    const other = coverOf(index);
    if (other === undefined) return [];
    const problem = "it stands in no line that another string does not decide";
    return [{ level: "info", code: "contained", index, problem, other }];
  });

  function coverOf(index: number): number | undefined {
    for (const member of memberStrings(strings[index]!)) {
      const cover = coverOfText(index, latin1(fold(member.value)));
      if (cover !== undefined) return cover;
    }
    return undefined;
  }

  function coverOfText(index: number, text: string): number | undefined {
    for (let at = 0; at < text.length; at++) {
      for (const length of lengths) {
        for (const other of byStart.get(text.slice(at, at + length)) ?? []) {
          if (other !== index && text.startsWith(texts[other]!, at) && covers(other, index, text, at)) return other;
        }
      }
    }
    return undefined;
  }

  function covers(other: number, index: number, text: string, at: number): boolean {
    const [inner, outer] = [strings[other]!, strings[index]!];
    const end = at + texts[other]!.length;
    if (inner.action === "audit" && outer.action !== "audit") return false;
    if ((inner.scope ?? SCOPE.any) !== SCOPE.any && inner.scope !== outer.scope) return false;
    if ((inner.allowSet ?? 0) !== 0 && inner.allowSet !== outer.allowSet) return false;
    // What stands in the quoted line alone is compared with nothing.
    if (text.includes("'") || inner.value.includes(APOSTROPHE)) return false;
    if (outer.also === undefined && texts[other] === text && isSameUse(inner, outer) && other > index) return false;
    return countsWithin(inner, outer, text, at, end);
  }
}

const MAX_START = 4;
const APOSTROPHE = 0x27;

/** Two that cover each other: the later one is said to be covered. */
function isSameUse(a: CompilableString, b: CompilableString): boolean {
  return a.mode === b.mode && (a.action ?? "enforce") === (b.action ?? "enforce") && a.allowSet === b.allowSet;
}

function latin1(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
