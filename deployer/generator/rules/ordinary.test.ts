import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { benignLines } from "../benign-lines.js";
import type { Candidate } from "../types.js";
import { dictionary, isOrdinary, isSilent, telling, told } from "./ordinary.js";

describe("ordinary names", () => {
  const words = dictionary(benignLines());
  const NAMES: readonly (readonly [name: string, ordinary: boolean])[] = [
    ["rainforest", true],
    ["Rainforest2", true],
    ["ghostrider", true],
    ["minotaur", true],
    ["yescrypt", true],
    ["yescryptr32", true],
    ["deepminer", true],
    ["textminer", true],
    ["nanopool", false],
    ["kawpow", false],
    ["cryptonight", false],
    ["yespower", false],
    ["rain-forest", false],
    ["qzxjkw", false],
  ];
  for (const [name, ordinary] of NAMES) {
    test(`${name} is ${ordinary ? "" : "not "}made of words of the dictionary`, () => {
      assert.equal(isOrdinary(name, words), ordinary);
    });
  }

  test("a name of one word without a word of mining is silent", () => {
    assert.deepEqual(["madeup", "hoo_cpu", "two-words", "someminer", "coinmaker"].map(isSilent), [
      true,
      true,
      false,
      false,
      false,
    ]);
  });

  test("an ordinary name stands before a miner's option alone, and has no string where its rule has other contexts", () => {
    const candidates = ["rainforest", "kawpowminer"].map(
      (value): Candidate => ({ value, mode: "word", source: "a test", rule: "miner" }),
    );
    const made = told(candidates, (name) => isOrdinary(name, words));
    assert.ok(made.length > 2);
    for (const { value, rule } of made) {
      if (rule === "miner") assert.equal(value, "kawpowminer");
      else assert.match(value, /^rainforest --[a-z-]+$/);
    }
    assert.deepEqual(
      telling(candidates, words).map(({ value }) => value),
      ["kawpowminer"],
    );
  });
});
