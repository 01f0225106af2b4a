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
