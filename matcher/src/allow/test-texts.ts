// Random patterns and lines for this folder's tests, dense in what patterns can tell apart.
import fc from "fast-check";
import { type CompiledAllow, compileAllow, DEFAULT_ALLOW_LIMITS } from "./compile-allow.js";

const atom = fc.constantFrom(
  ...[
    "a",
    "b",
    "A",
    "B",
    "_",
    "1",
    " ",
    "'",
    '"',
    "\\n",
    ".",
    "\\w",
    "\\W",
    "\\s",
    "\\S",
    "\\d",
    "[ab]",
    "[^a]",
    "[^']",
  ],
  ...["[A-Z]", "[^A-Z_]", "[]a]", "[\\n-]", "\\x80", "\u00e9", "[\u00e0-\u00ff]", "[^\u00e9]", "-", "{", "\\."],
);
const place = fc.constantFrom("^", "$", "\\b", "\\B", "\\A", "\\Z");
const repeat = fc.constantFrom("*", "+", "?", "*?", "+?", "{0}", "{2}", "{1,2}", "{,2}", "{2,}", "{0,3}?");
const opening = fc.constantFrom("(", "(?:", "(?i:", "(?s:", "(?-i:");

const { body } = fc.letrec<{ body: string }>((tie) => ({
  body: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    atom,
    place,
    fc.tuple(atom, repeat).map(([a, r]) => a + r),
    fc.tuple(tie("body"), tie("body")).map(([a, b]) => a + b),
    fc.tuple(tie("body"), tie("body")).map(([a, b]) => `(?:${a}|${b})`),
    fc.tuple(opening, tie("body"), repeat).map(([o, a, r]) => `${o}${a})${r}`),
  ),
}));

/** Patterns that are valid here and for Python. With the flag m, `$` is in none of them that has no flag m. */
export const pattern: fc.Arbitrary<string> = fc
  .tuple(fc.constantFrom("", "", "", "(?s)", "(?m)"), body)
  .map(([f, b]) => f + b);

/** Patterns of ASCII alone, which mean the same to Python on bytes. */
export const asciiPattern: fc.Arbitrary<string> = pattern.filter(
  (text) => /^[ -~]*$/.test(text) && !text.includes("\\x80"),
);

const byte = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...Buffer.from("aabbAB_1 '\"\n\n.-{")) },
  { weight: 1, arbitrary: fc.constantFrom(0x00, 0x80, 0xc3, 0xa9, 0xe9, 0xff) },
);
/** Any line, quoted or not; never empty, as no command line is. */
export const line: fc.Arbitrary<Uint8Array> = fc
  .array(byte, { minLength: 1, maxLength: 10 })
  .map((b) => Uint8Array.from(b));

/** The arguments of a process. */
export const commandLine: fc.Arbitrary<Uint8Array[]> = fc.array(
  fc
    .array(
      byte.filter((b) => b !== 0),
      { maxLength: 5 },
    )
    .map((b) => Uint8Array.from(b)),
  { minLength: 1, maxLength: 4 },
);

/** Latin-1: one byte for each character. */
export function bytes(latin1: string): Uint8Array {
  return Uint8Array.from(Buffer.from(latin1, "latin1"));
}

/** Compiled without a table: each pattern is walked as bits. */
export function asBits(sources: readonly string[], sets = [[...sources.keys()]]): CompiledAllow {
  const allow = compileAllow(sources, sets, { ...DEFAULT_ALLOW_LIMITS, maxStates: 0 });
  if (allow.table !== null) throw new Error("a table in spite of its limit");
  return allow;
}
