import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { facts, hosts, parseRows } from "./facts.js";

const good = "binary\txmrig\tdistinctive\ta source";

describe("a row of facts", () => {
  const WRONG: readonly (readonly [name: string, row: string, column: number])[] = [
    ["a misspelt kind", good.replace("binary", "binry"), 1],
    ["no value", good.replace("xmrig", ""), 2],
    ["a misspelt rarity", good.replace("distinctive", "Distinctive"), 3],
    ["no source", good.replace(/\t[^\t]*$/, ""), 4],
    ["spaces for tabs", good.replaceAll("\t", " "), 1],
    ["a column more", `${good}\tmore`, 5],
  ];
  for (const [name, row, column] of WRONG) {
    test(`with ${name} is an error with its place, not a string that is missing`, () => {
      assert.throws(
        () => parseRows("facts/mining.tsv", `# kinds\n${good}\n${row}\n`),
        new RegExp(`read deployer/facts/mining\\.tsv:3: column ${column} is wrong`),
      );
    });
  }

  test("that is right is read, as all in the repository are", () => {
    assert.deepEqual(parseRows("facts/mining.tsv", `${good}\n`), [good.split("\t")]);
    assert.ok(facts("binary").length > 100 && hosts().length > 1000);
  });
});
