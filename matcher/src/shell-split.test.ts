import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { quoteLine } from "./shell-quote.js";
import { OpenQuoteError, type ShellAct, shellSplit } from "./shell-split.js";
import { rounds } from "./test/rounds.js";
import { seedOfRun } from "./test/seed.js";

/** Latin-1 both ways: one character for each byte. */
const bytes = (latin1: string): Uint8Array => Uint8Array.from(Buffer.from(latin1, "latin1"));
const text = (latin1: Uint8Array): string => Buffer.from(latin1).toString("latin1");
const words = (line: string, open?: "plain" | "error") => shellSplit(bytes(line), open).words.map(text);

// What bash makes of them; where dash differs, it has no $'...'.
const ROWS: readonly (readonly [line: string, words: readonly string[]])[] = [
  ["", []],
  [" \t\n ", []],
  ["ls -la", ["ls", "-la"]],
  ["  ls \t -la \n", ["ls", "-la"]],
  ["sh -c 'sleep 1 && echo a'", ["sh", "-c", "sleep 1 && echo a"]],
  ['a"b c"d', ["ab cd"]],
  ["a'b'\"c\" ''", ["abc", ""]],
  ['"a\\X" "a\\"b" "\\$\\`\\\\"', ["a\\X", 'a"b', "$`\\"]],
  ["a\\ b \\X \\\\", ["a b", "X", "\\"]],
  ["a\\\nb \\\n c \\\n", ["ab", "c"]],
  ['"a\\\nb"', ["ab"]],
  ["'a\\\nb'", ["a\\\nb"]],
  ["'a\\'b", ["a\\b"]],
  ["x\\", ["x\\"]],
  ["$'a\\nb\\x41\\101\\'\\e\\cA'", ["a\nbAA'\x1b\x01"]],
  ["$'\\u00e9\\U1f600'", ["\u00c3\u00a9\u00f0\u009f\u0098\u0080"]],
  ["$'\\q\\xz\\u'", ["\\q\\xz\\u"]],
  ["$'a\\0b'c $'' $'\\400'", ["ac", "", ""]],
  ["\"$'a'\"", ["$'a'"]],
  ['$"a b"', ["a b"]],
  ["a # b 'c", ["a"]],
  ["a#b \\# '#'", ["a#b", "#", "#"]],
  ["# a\nb", ["b"]],
  ["$ $. a$", ["$", "$.", "a$"]],
  ["caf\u00c3\u00a9\u00ff", ["caf\u00c3\u00a9\u00ff"]],
  ["a\rb", ["a\rb"]],
];
for (const [line, expected] of ROWS) {
  test(`${JSON.stringify(line)} has ${expected.length} words`, () => assert.deepEqual(words(line), expected));
}

for (const [line, acts] of [
  ["a b 'c|d' \"e>f\"", []],
  ["a | b; c\n", ["operator"]],
  ["a $x `b`", ["expansion"]],
  ['"$x"', ["expansion"]],
  ["'$x' \"\\$x\" \\$x", []],
  ["ls *.c ~", ["expansion"]],
  ["a\nb", ["line break"]],
  ["a\n\n", []],
] as const satisfies [string, ShellAct[]][]) {
  test(`${JSON.stringify(line)}: what a shell would do more is told`, () =>
    assert.deepEqual(shellSplit(bytes(line)).acts, acts));
}

for (const [line, offset, plain] of [
  ["echo it's", 7, ["echo", "it's"]],
  ['say "open', 4, ["say", '"open']],
  ["a $'b c", 3, ["a", "$'b", "c"]],
  ["\"a 'b' \\\"", 0, ['"a', "b", '"']],
] as const) {
  test(`${JSON.stringify(line)} has an open quote, which is an error or a character`, () => {
    assert.throws(
      () => words(line),
      (error) => error instanceof OpenQuoteError && error.offset === offset,
    );
    assert.deepEqual(words(line, "plain"), plain);
  });
}

test("what was quoted is split into the same words", () => {
  const word = fc.array(fc.integer({ min: 1, max: 255 }), { maxLength: 10 }).map((w) => Uint8Array.from(w));
  fc.assert(
    fc.property(fc.array(word), (line) => {
      assert.deepEqual(shellSplit(quoteLine(line)).words.map(text), line.map(text));
    }),
  );
});

const CASES = rounds(1000);
for (const [shell, dialect] of [
  ["bash", ["$'", '$"']],
  ["dash", []],
] as const) {
  const isThere = spawnSync(shell, ["-c", ":"]).status === 0;
  test(`${CASES} random and hostile lines are split as ${shell} splits them`, {
    skip: !isThere && `${shell} is not installed`,
  }, () => {
    const part = fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom("'", '"', "\\", "\n", " ", "\t", "\\\n", "#", "$", "x", "'", '"') },
      { weight: 2, arbitrary: fc.constantFrom(...dialect, "\\x4", "\\u12", "\\U0010ffff", "\\c", "\\77", "\\0", "a") },
      {
        weight: 1,
        arbitrary: fc.constantFrom("!", "=", "%", "^", "]", "}", ",", ".", "@", ":", "-", "\r", "\x0b", "\x7f"),
      },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)) },
    );
    const lines = fc
      .sample(
        fc.array(part, { maxLength: 14 }).map((parts) => parts.join("")),
        { numRuns: 8 * CASES, seed: seedOfRun() },
      )
      .filter((line) => isComparable(line, dialect.length > 0))
      .slice(0, CASES);
    assert.equal(lines.length, CASES);
    const folder = mkdtempSync(join(tmpdir(), "shell-split-"));
    try {
      for (let from = 0; from < lines.length; from += 500) {
        const some = lines.slice(from, from + 500);
        const [ours, theirs] = [some.map((line) => words(line)), shellWords(shell, folder, some)];
        for (const [i, line] of some.entries()) assert.deepEqual(ours[i], theirs[i], JSON.stringify(line));
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

/** Lines that are words alone: nothing that a shell would expand or act on, no quote left open. */
function isComparable(line: string, hasDollarQuotes: boolean): boolean {
  // A last backslash would quote what the script has behind the line, and a first line break end its command.
  if (/(^|[^\\])(\\\\)*\\$/.test(line)) return false;
  if (/^([ \t]|\\\n)*(#[^\n]*)?\n/.test(line)) return false;
  // bash's own marks (CTLESC, CTLNUL) behind a backslash in $'...': it takes the one that it puts before them for the character.
  if (hasDollarQuotes && /\\c?[\x01\x7f]/.test(line)) return false;
  if (!hasDollarQuotes && /\$(\\\n)*['"]/.test(line)) return false;
  try {
    return shellSplit(bytes(line)).acts.length === 0;
  } catch (error) {
    assert.ok(error instanceof OpenQuoteError);
    return false;
  }
}

/** What a shell hands to a program, for each line. */
function shellWords(shell: string, folder: string, lines: readonly string[]): string[][] {
  const script = join(folder, "script");
  // Words end with NUL, which no word has, lines with an empty group of their own.
  const commands = lines.map((line) => `set -- ${line}\nfor w do printf '<%s\\0' "$w"; done; printf '>\\0'\n`);
  writeFileSync(script, bytes(`set -f\n${commands.join("")}`));
  const { stdout, stderr, status } = spawnSync(shell, [script], {
    env: { LC_ALL: "C.UTF-8", PATH: process.env["PATH"] },
    maxBuffer: 1 << 26,
  });
  assert.equal(`${stderr}`, "");
  assert.equal(status, 0);
  const split: string[][] = [[]];
  for (const item of stdout.toString("latin1").split("\0").slice(0, -1)) {
    if (item === ">") split.push([]);
    else split.at(-1)!.push(item.slice(1));
  }
  return split.slice(0, -1);
}
