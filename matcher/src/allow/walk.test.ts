import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { quoteLine } from "../shell-quote.js";
import { rounds } from "../test/rounds.js";
import { compileAllow } from "./compile-allow.js";
import { matchArguments, matchLine } from "./match.js";
import { asBits, bytes, commandLine, pattern } from "./test-texts.js";

for (const [name, compile] of [
  ["table", compileAllow],
  ["bits", asBits],
] as const) {
  test(`${name}: walking arguments gives what walking their quoted line gives`, () => {
    fc.assert(
      fc.property(
        fc.array(pattern, { minLength: 1, maxLength: 3 }),
        fc.array(commandLine, { minLength: 6, maxLength: 6 }),
        (sources, lines) => {
          const allow = compile(sources);
          const singles = sources.map((source) => compile([source]));
          for (const args of lines) {
            const subject = quoteLine(args);
            const found = matchArguments(allow, args);
            if (name === "table") assert.equal(found, matchLine(allow, subject));
            else assert.ok(found < 0 ? matchLine(allow, subject) < 0 : matchLine(singles[found]!, subject) === 0);
          }
        },
      ),
      { numRuns: rounds(300) },
    );
  });
}

const rows: readonly [name: string, pattern: string, args: readonly string[], spared: boolean][] = [
  ["an argument that needs no quotes", "sh -c ls$", ["sh", "-c", "ls"], true],
  ["an argument found at its end to need quotes", "sh -c 'ls -l \\*'$", ["sh", "-c", "ls -l *"], true],
  ["the same argument without its quotes", "sh -c ls -l", ["sh", "-c", "ls -l"], false],
  ["a pattern that accepts before the argument turns out to be quoted", "sh -c l", ["sh", "-c", "ls -l"], false],
  ["a pattern that accepts before the argument turns out to be bare", "sh -c 'l", ["sh", "-c", "ls"], false],
  ["an apostrophe in an argument", `echo 'it'"'"'s'$`, ["echo", "it's"], true],
  ["an argument of apostrophes", `echo ''"'"''"'"''$`, ["echo", "''"], true],
  ["a match that ends inside an escaped apostrophe", `echo 'it'"'`, ["echo", "it's"], true],
  ["an empty argument", "echo '' b$", ["echo", "", "b"], true],
  ["an empty last argument", "echo ''$", ["echo", ""], true],
  ["an empty path", "'' b$", ["", "b"], true],
  ["capitals in the arguments", "echo 'big letters'$", ["ECHO", "Big Letters"], true],
  ["capitals in the pattern", "ECHO 'BIG LETTERS'$", ["echo", "big letters"], true],
];

for (const [name, source, args, spared] of rows) {
  test(`${name} ${spared ? "is spared" : "is not spared"} by ${source}`, () => {
    for (const compile of [compileAllow, asBits]) {
      assert.equal(matchArguments(compile([source]), args.map(bytes)), spared ? 0 : -1);
    }
  });
}

test("no arguments are an empty line", () => {
  for (const compile of [compileAllow, asBits]) assert.equal(matchArguments(compile(["\\Z", "."]), []), 0);
});
