import assert from "node:assert/strict";
import { test } from "node:test";
import { listNumber } from "./list-number.js";

function numberOf(settings: readonly unknown[], files: Readonly<Record<string, string>>): number {
  const number = listNumber(settings);
  for (const [file, text] of Object.entries(files)) number.add(file, Buffer.from(text));
  return number.get();
}

test("the same list has the same number, and any other one another", () => {
  const numbers = [
    numberOf(["enforce", false], { a: "12", b: "3" }),
    numberOf(["audit", false], { a: "12", b: "3" }),
    numberOf(["enforce", true], { a: "12", b: "3" }),
    numberOf(["enforce", false], { a: "1", b: "23" }),
    numberOf(["enforce", false], { b: "3", a: "12" }),
    numberOf(["enforce", false], { a: "12", c: "3" }),
    numberOf(["enforce", false], { a: "12" }),
    numberOf(["enforce", false], {}),
  ];
  assert.equal(new Set(numbers).size, numbers.length);
  assert.equal(numberOf(["enforce", false], { a: "12", b: "3" }), numbers[0]);
  assert.ok(numbers.every((number) => Number.isInteger(number) && number > 0 && number < 2 ** 32));
});
