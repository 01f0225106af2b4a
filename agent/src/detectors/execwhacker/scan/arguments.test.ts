import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { splitArguments } from "./arguments.js";

const split = (area: string): string[] =>
  splitArguments(Buffer.from(area, "latin1")).map((argument) => Buffer.from(argument).toString("latin1"));

const ROWS: readonly (readonly [name: string, area: string, args: readonly string[]])[] = [
  ["as the kernel writes it", "sh\0-c\0x\0", ["sh", "-c", "x"]],
  ["one argument", "sh\0", ["sh"]],
  ["no argument at all", "", []],
  ["an empty argv[0]", "\0", [""]],
  ["empty arguments within and at the end", "sh\0\0x\0\0\0", ["sh", "", "x", "", ""]],
  ["rewritten without a NUL", "nginx: worker process", ["nginx: worker process"]],
  ["rewritten over the last NUL", "sh\0x", ["sh", "x"]],
  ["rewritten and padded", `nginx: worker process${"\0".repeat(66)}`, ["nginx: worker process"]],
  ["all wiped", "\0".repeat(100), []],
  ["the most empty arguments that count", `sh${"\0".repeat(65)}`, ["sh", ...Array<string>(64).fill("")]],
];

for (const [name, area, args] of ROWS) {
  test(`an area with ${name} is split right`, () => assert.deepEqual(split(area), args));
}

test("what the kernel writes for any arguments is split into them", () => {
  const argument = fc.string({ unit: fc.constantFrom("a", " ", "\xff", "\n"), maxLength: 5 });
  fc.assert(
    fc.property(fc.array(argument, { maxLength: 60 }), (args) => {
      assert.deepEqual(split(args.map((text) => `${text}\0`).join("")), args);
    }),
  );
});

test("two million empty arguments cost few views, and joined again are the same bytes", () => {
  const area = Buffer.from(`x\0${"\0".repeat(2_000_000)}end\0`);
  const args = splitArguments(area);
  assert.ok(args.length <= 16_384);
  const joined = Buffer.concat(args.flatMap((argument) => [argument, Buffer.from("\0")]));
  assert.equal(Buffer.compare(joined, area), 0);
});
