import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import fc from "fast-check";
import { quoteArgument, quoteLine, SHELL_SAFE } from "./shell-quote.js";

const rows: readonly [argument: string, quoted: string][] = [
  ["", "''"],
  ["/usr/bin/python3", "/usr/bin/python3"],
  ["a_@%+=:,./-9Z", "a_@%+=:,./-9Z"],
  ["two words", "'two words'"],
  ["it's", `'it'"'"'s'`],
  ["'", `''"'"''`],
  ["a\nb\tc", "'a\nb\tc'"],
  ["$HOME", "'$HOME'"],
  ["~", "'~'"],
  ["caf\u00c3\u00a9", "'caf\u00c3\u00a9'"],
  ["\u00ff", "'\u00ff'"],
];

for (const [argument, quoted] of rows) {
  test(`${JSON.stringify(argument)} is quoted as ${JSON.stringify(quoted)}`, () => {
    assert.equal(text(quoteArgument(bytes(argument))), quoted);
  });
}

test("arguments are joined by one space, and none give no bytes", () => {
  assert.equal(text(quoteLine(["sh", "-c", "sleep 1", ""].map(bytes))), "sh -c 'sleep 1' ''");
  assert.equal(quoteLine([]).length, 0);
});

test("letters, digits and ten signs are safe", () => {
  const safe = [...SHELL_SAFE.keys()].filter((byte) => SHELL_SAFE[byte] === 1);
  const expected = "%+,-./0123456789:=@ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";
  assert.equal(String.fromCharCode(...safe), expected);
});

const python = spawnSync("python3", ["--version"]).status === 0;

test("any bytes are quoted and joined as Python's shlex.join does", {
  skip: !python && "python3 is not installed",
}, () => {
  const argument = fc.array(fc.oneof(fc.constantFrom(0x27, 0x20, 0x61, 0x0a), fc.integer({ min: 1, max: 255 })), {
    maxLength: 12,
  });
  const lines = fc
    .sample(fc.array(argument, { maxLength: 5 }), 2000)
    .map((line) => line.map((a) => Uint8Array.from(a)));
  const script = "import json, shlex, sys\njson.dump([shlex.join(line) for line in json.load(sys.stdin)], sys.stdout)";
  const run = spawnSync("python3", ["-c", script], { input: JSON.stringify(lines.map((line) => line.map(text))) });
  assert.equal(run.status, 0, run.stderr.toString());
  assert.deepEqual(
    lines.map((line) => text(quoteLine(line))),
    JSON.parse(run.stdout.toString()),
  );
});

/** Latin-1 both ways: one character for each byte. */
function bytes(latin1: string): Uint8Array {
  return Uint8Array.from(Buffer.from(latin1, "latin1"));
}

function text(latin1: Uint8Array): string {
  return Buffer.from(latin1).toString("latin1");
}
