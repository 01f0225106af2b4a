// The programs' reading of what honest programs say first, beside all names of pools that are known.
import assert from "node:assert/strict";
import { test } from "node:test";
import { honestPayloads, poolNames } from "../lib/honest-payloads.js";
import { NameLooker, nameTables } from "../lib/name-looker.js";

test("100,000 honest first payloads and 4,700 names of pools: nothing is found", () => {
  const looker = new NameLooker();
  try {
    const pools = poolNames();
    assert.ok(pools.length > 4700);
    looker.install(nameTables(pools));
    const found: string[] = [];
    for (const payload of honestPayloads(100_000)) {
      const { found: as, name } = looker.look(payload);
      if (as !== null) found.push(`${as} ${name}`);
    }
    assert.deepEqual(found, []);
  } finally {
    looker.close();
  }
});
