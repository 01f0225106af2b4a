import assert from "node:assert/strict";
import { test } from "node:test";
import { Command } from "commander";
import { MOST_TIMER_SECONDS, type NumberRange, numberFlag, numberIn } from "./flags.js";

const SECONDS: NumberRange = { least: 1, most: MOST_TIMER_SECONDS, zero: "never" };
const BYTES: NumberRange = { least: 4096, most: 2 ** 30, powerOfTwo: true };

for (const [range, text, number] of [
  [SECONDS, "0", 0],
  [SECONDS, "1", 1],
  [SECONDS, "0600", 600],
  [SECONDS, "2147483", 2_147_483],
  [BYTES, "4096", 4096],
  [BYTES, "1073741824", 2 ** 30],
] as const) {
  test(`${text} is taken as ${number}`, () => assert.equal(numberIn(range)(text), number));
}

const REFUSED: readonly (readonly [NumberRange, readonly string[], RegExp])[] = [
  [
    SECONDS,
    ["2147484", "4294967296", "999999999999999", "9".repeat(400), "-1", "+1", "1.5", "1e3", "0x10", "", " 1", "١"],
    /must be 0 \(never\), or a whole number from 1 to 2147483\.$/,
  ],
  [
    BYTES,
    ["0", "2048", "4095", "4097", "2147483648", "4294967296", "4503599627370496"],
    /a power of two from 4096 to 1073741824/,
  ],
];
for (const [range, texts, message] of REFUSED) {
  for (const text of texts) {
    const shown = text.length > 20 ? `${text.length} digits` : JSON.stringify(text);
    test(`${shown} is refused with the range`, () => assert.throws(() => numberIn(range)(text), { message }));
  }
}

test("the help states the range", () => {
  const help = new Command().addOption(numberFlag("--every <seconds>", "how often", SECONDS, 600)).helpInformation();
  assert.match(
    help.replace(/\s+/g, " "),
    /how often; 0: never; else a whole number from 1 to 2147483 \(default: 600\)/,
  );
});

test("the longest time fits a timer", () => assert.ok(MOST_TIMER_SECONDS * 1000 <= 2 ** 31 - 1));
