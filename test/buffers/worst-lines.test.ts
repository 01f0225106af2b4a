// The worst lines that a search of half an hour found (test/bench/worst-lines.ts) end at the bound of work, whatever they cost before.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { compileTables } from "@cryptnono/matcher";
import { KernelMatcher } from "../lib/kernel-matcher.js";
import { fillWith, WORST_LINE_BYTES, worstLists } from "../lib/worst-lines.js";

const kernel = new KernelMatcher();
after(() => kernel.close());

/** As in matcher/src/layout.ts: what one exec may cost, and what a step that begins within it may cost beyond. */
const MAX_WORK = 4_000_000;
const ONE_STEP = 20_000;

const ROWS: readonly (readonly [list: string, piece: string])[] = [
  ["6,100 strings", "2a67726561722740306d7d232c566472617279762d6b3961695c6676636055737469706c34683870"],
  ["100,000 strings", "6c6f6f63"],
  ["two words, of 5 and 8 bytes", "5135655b29722740306d7d232c4542305f7a4b452a586d696e656d696e65727870742e3233613870"],
  ["of all lengths, with two of 3", "63617061"],
  ["a hundred that begin alike", "717171712271717171712c71"],
];

const lists = worstLists();
const area = new Uint8Array(WORST_LINE_BYTES);
for (const [list, piece] of ROWS) {
  test(`${list}, ${piece}`, (t) => {
    kernel.install(compileTables(lists[list]!));
    fillWith(area, Buffer.from(piece, "hex"));
    const { work, elapsedNs } = kernel.judge(Buffer.from("/bin/x\0"), area);
    assert.ok(work <= MAX_WORK + ONE_STEP, `${work} units`);
    t.diagnostic(`${work} units, ${(elapsedNs / 1e6).toFixed(1)} ms`);
  });
}
