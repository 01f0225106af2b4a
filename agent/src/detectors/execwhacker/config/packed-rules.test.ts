import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Rules, RulesInForce } from "../types.js";
import { packRules, unpackRules } from "./packed-rules.js";

const rule = fc.record(
  {
    value: fc.uint8Array({ minLength: 1, maxLength: 20 }),
    mode: fc.constantFrom("word", "anywhere", "exact-argument"),
    list: fc.constantFrom("a", "b", "a list"),
    index: fc.nat(),
    action: fc.constantFrom("enforce", "audit"),
    allowSet: fc.nat(31),
    scope: fc.constantFrom(1, 2),
    environment: fc.constant(true),
    note: fc.string(),
    also: fc.array(fc.uint8Array({ minLength: 5, maxLength: 20 }), { minLength: 1, maxLength: 3 }),
  },
  { requiredKeys: ["value", "mode", "list", "index", "action", "allowSet"] },
);

test("rules that are packed, sent and unpacked are the same", () => {
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 20 }), (strings) => {
      const rules = { strings, allow: [{ source: "p", list: "a", index: 0 }], allowSets: [[0]] } as Rules;
      const unpacked = unpackRules(structuredClone(packRules(rules)));
      const plain = ({ strings, ...rest }: RulesInForce) => ({
        ...rest,
        strings: Array.from({ length: strings.length }, (_, i) => strings.at(i)!).map((one) => ({
          ...one,
          value: [...one.value],
        })),
      });
      assert.deepEqual(plain(unpacked), plain(rules));
      for (const beyond of [-1, strings.length, 0xffffffff]) assert.equal(unpacked.strings.at(beyond), undefined);
    }),
  );
});
