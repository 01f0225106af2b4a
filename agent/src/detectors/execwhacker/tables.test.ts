// The tables' layout, twice written: by the matcher, which fills them, and by the C compiler.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ACTION, LAYOUT, MODE, POLICY, WAY } from "@cryptnono/matcher";
import { constant, Sensor, structLayout } from "@cryptnono/native";

const border = Sensor.open({
  object: readFileSync(new URL("../../../../../build/bpf/execwhacker.bpf.o", import.meta.url)),
}).layout();
const struct = (name: string) => structLayout(border, name);
const number = (name: string) => constant(border, name);

/** `maskA` to `mask_a`. */
function snake(name: string): string {
  return name.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);
}

/** Without their common beginning. */
function numbersOf(name: string): Record<string, number> {
  const entries = Object.entries(border.enums[name] ?? {});
  const prefix = PREFIXES[name]!;
  return Object.fromEntries(entries.map(([key, value]) => [key.slice(prefix.length), value]));
}

const PREFIXES: Readonly<Record<string, string>> = {
  policy_flags: "POLICY_",
  string_mode: "MODE_",
  string_action: "ACTION_",
  way: "WAY_",
};

function upper(numbers: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(numbers).map(([name, value]) => [snake(name).replaceAll("-", "_").toUpperCase(), value]),
  );
}

test("the policy's fields lie where the kernel reads them, and none is missing", () => {
  const written = Object.fromEntries(Object.entries(LAYOUT.policy).map(([name, offset]) => [snake(name), offset]));
  const { offsets, size } = struct("policy");
  const { reserved: _, ...declared } = offsets;
  assert.deepEqual(written, { ...declared, size });
});

test("the filters lie where the kernel reads them", () => {
  const { offsets, sizes, size } = struct("filters");
  for (const [name, place] of [
    ["a", LAYOUT.filterA],
    ["b", LAYOUT.filterB],
    ["c", LAYOUT.filterC],
    ["keys", LAYOUT.filterKeys],
  ] as const) {
    assert.deepEqual(place, { offset: offsets[name], size: sizes[name] }, name);
  }
  assert.equal(LAYOUT.filtersSize, size);
});

test("a cell holds eight entries, or a string's head and first bytes", () => {
  const [cell, entry, head] = [struct("cell"), struct("entry"), struct("string_head")];
  assert.equal(LAYOUT.cell.size, cell.size);
  assert.equal(LAYOUT.cell.entrySize, entry.size);
  assert.equal(LAYOUT.cell.entries, cell.sizes["entries"]! / entry.size);
  assert.deepEqual({ ...entry.offsets }, { tag: 0, offset: 2, string_cell: 4 });
  assert.deepEqual({ ...head.offsets }, { id: 0, length: 4, kind: 6, allow_set: 7, bytes: 8 });
  assert.equal(head.size, cell.size);
  assert.equal(LAYOUT.cell.headSize, head.offsets["bytes"]);
});

test("the allow table lies where the kernel walks it", () => {
  const { offsets, sizes, size } = struct("allow_table");
  const { maxStates: _, nextEntries: __, unsafe, ...fields } = LAYOUT.allow;
  const written = Object.fromEntries(Object.entries(fields).map(([name, offset]) => [snake(name), offset]));
  assert.deepEqual({ ...written, size: LAYOUT.allowSize }, { ...offsets, size });
  assert.equal(LAYOUT.maxAllowSets, number("MAX_ALLOW_SETS"));
  assert.equal(unsafe, number("ALLOW_UNSAFE"));
  // Numbers of two bytes.
  assert.equal(LAYOUT.allow.maxStates, sizes["accepts"]! / 2);
  assert.equal(LAYOUT.allow.nextEntries, sizes["next"]! / 2);
});

test("limits and numbered words are the same on both sides", () => {
  assert.equal(LAYOUT.maxStringBytes, number("MAX_STRING_BYTES"));
  assert.equal(LAYOUT.maxChainCells, number("MAX_CHAIN_CELLS"));
  assert.deepEqual(upper(POLICY), numbersOf("policy_flags"));
  assert.deepEqual(upper(MODE), numbersOf("string_mode"));
  assert.deepEqual(upper(ACTION), numbersOf("string_action"));
  assert.deepEqual(upper(WAY), numbersOf("way"));
});
