import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ListError } from "../../../errors.js";
import type { Candidate } from "../../../generator/types.js";
import { checkList } from "./check-list.js";

const entry = (value: string, mode = "word") => ({
  value,
  mode: mode as Candidate["mode"],
  source: "a test",
  rule: "a-rule",
});
const good = entry("donate-level");

const REFUSED: readonly (readonly [name: string, list: readonly Candidate[], message: RegExp])[] = [
  ["an empty list", [], /^check encrypted-02: it is empty$/],
  ["an empty string", [good, entry("")], /^check encrypted-02\[1\]: it is blank$/],
  ["a blank", [good, entry("     ")], /^check encrypted-02\[1\]: it is blank$/],
  ["a blank at the end", [entry("minername ")], /^check encrypted-02\[0\]: it begins or ends with a blank$/],
  [
    "four bytes",
    [good, good, entry("xmrg")].slice(1),
    /^check encrypted-02\[1\]: 4 bytes are too short, 5 are the least$/,
  ],
  [
    "more than 512 bytes",
    [entry("é".repeat(257))],
    /^check encrypted-02\[0\]: 514 bytes are too long, 512 are the most$/,
  ],
  ["ciphertext", [good, entry("ENC[AES256_GCM,data:x]")], /^check encrypted-02\[1\]: it was never decrypted/],
  ["a NUL", [entry("mi\0ner")], /holds a NUL/],
  [
    "the same string twice",
    [good, entry("Donate-LEVEL")],
    /^check encrypted-02\[1\]: it is the same as encrypted-02\[0\]$/,
  ],
  ["a mode that is none", [entry("minername", "sometimes")], /mode is unknown/],
  ["what is no string", [entry(5 as unknown as string)], /it is not a string/],
  ["what kills sh", [good, entry("/bin/sh")], /^check encrypted-02\[1\]: it would kill «\/bin\/sh -c/],
  ["what kills python", [entry("python")], /^check encrypted-02\[0\]: it would kill «python»$/],
  ["what kills python by a piece of it", [entry("ython", "anywhere")], /it would kill «python»/],
  ["what kills jupyter", [entry("Jupyter")], /it would kill «.*jupyter/],
];

describe("a list", () => {
  for (const [name, list, message] of REFUSED) {
    test(`with ${name} is refused`, () => {
      assert.throws(
        () => checkList("encrypted-02", list),
        (error) => error instanceof ListError && message.test(error.message),
      );
    });
  }

  test("of strings that kill nothing needed is taken", () => {
    checkList("encrypted-02", [good, entry("ython"), entry("supportxmr.com"), entry("c3ryyxr1bstz", "anywhere")]);
  });
});
