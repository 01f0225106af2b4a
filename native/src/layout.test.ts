// The tables' layout, twice written: by the matcher, which fills them, and by the C compiler.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ACTION, LAYOUT, MODE, POLICY, WAY } from "@cryptnono/matcher";
import { layout } from "./index.js";

const { policy, filters, entry, string_head, allow_table, constants } = layout();

/** `maskA` to `mask_a`. */
function snake(name: string): string {
  return name.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);
}

function constantsOf(prefix: string): Record<string, number> {
  const named = Object.entries(constants).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(named.map(([name, value]) => [name.slice(prefix.length), value]));
}

function upper(numbers: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(numbers).map(([name, value]) => [snake(name).replaceAll("-", "_").toUpperCase(), value]),
  );
}

test("the policy's fields lie where the kernel reads them, and none is missing", () => {
  const written = Object.fromEntries(Object.entries(LAYOUT.policy).map(([name, offset]) => [snake(name), offset]));
  assert.deepEqual(written, { ...policy });
});

test("the filters lie where the kernel reads them", () => {
  assert.equal(LAYOUT.filterA.offset, filters["a"]);
  assert.equal(LAYOUT.filterB.offset, filters["b"]);
  assert.equal(LAYOUT.filterC.offset, filters["c"]);
  assert.equal(LAYOUT.filtersSize, filters["size"]);
  assert.equal(LAYOUT.filterA.size, constants["FILTER_A_BYTES"]);
  assert.equal(LAYOUT.filterB.size, constants["FILTER_B_BYTES"]);
  assert.equal(LAYOUT.filterC.size, constants["FILTER_C_BYTES"]);
});

test("a cell holds eight entries, or a string's head and first bytes", () => {
  assert.equal(LAYOUT.cell.size, constants["CELL_BYTES"]);
  assert.equal(LAYOUT.cell.entries, constants["ENTRIES_PER_CELL"]);
  assert.equal(LAYOUT.cell.entrySize, entry["size"]);
  assert.deepEqual({ ...entry }, { tag: 0, offset: 2, string_cell: 4, size: 8 });
  assert.deepEqual({ ...string_head }, { id: 0, length: 4, mode: 6, action: 7, bytes: 8, size: 64 });
  assert.equal(LAYOUT.cell.headSize, string_head["bytes"]);
});

test("the allow table lies where the kernel walks it", () => {
  assert.equal(LAYOUT.allow.classOf, allow_table["class_of"]);
  assert.equal(LAYOUT.allow.accepts, allow_table["accepts"]);
  assert.equal(LAYOUT.allow.next, allow_table["next"]);
  assert.equal(LAYOUT.allowSize, allow_table["size"]);
  assert.equal(LAYOUT.allow.maxStates, constants["ALLOW_MAX_STATES"]);
  assert.equal(LAYOUT.allow.nextEntries, constants["ALLOW_NEXT_ENTRIES"]);
});

test("limits and numbered words are the same on both sides", () => {
  assert.equal(LAYOUT.maxStringBytes, constants["MAX_STRING_BYTES"]);
  assert.equal(LAYOUT.maxChainCells, constants["MAX_CHAIN_CELLS"]);
  assert.deepEqual(upper(POLICY), constantsOf("POLICY_"));
  assert.deepEqual(upper(MODE), constantsOf("MODE_"));
  assert.deepEqual(upper(ACTION), constantsOf("ACTION_"));
  assert.deepEqual(upper(WAY), constantsOf("WAY_"));
});
