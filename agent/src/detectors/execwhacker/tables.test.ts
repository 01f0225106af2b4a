// The tables' layout, twice written: by the matcher, which fills them, and by the C compiler.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ACTION, DFA_KIND, KIND_MEMBER, LAYOUT, MODE, NARROW, NFA_WORK, POLICY, SCOPE, WAY } from "@cryptnono/matcher";
import { constant, Sensor, structLayout } from "@cryptnono/native";
import { charsOf, formatsOf } from "./wallets/coins.js";
import { COIN_NAMES, MAX_WALLET_RULES, WALLET_LAYOUT } from "./wallets/index.js";

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
  string_scope: "SCOPE_",
  narrow_limits: "NARROW_",
  way: "WAY_",
  dfa_kind: "DFA_",
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

test("a rule's cell begins as a string's, and has a bit for each string that there may be", () => {
  const { offsets, sizes, size } = struct("rule_head");
  assert.equal(size, LAYOUT.cell.size);
  const { id, length, kind, allow_set, members, told } = offsets;
  assert.deepEqual({ id, length, kind, allow_set }, { id: 0, length: 4, kind: 6, allow_set: 7 });
  assert.deepEqual({ members, told }, LAYOUT.rule);
  assert.equal(LAYOUT.maxMembers, sizes["members"]! * 8);
  assert.equal(LAYOUT.maxMembers, number("MAX_MEMBERS"));
  assert.equal(LAYOUT.maxRules, number("MAX_RULES"));
  assert.equal(KIND_MEMBER, number("KIND_MEMBER"));
});

test("the allow table lies where the kernel walks it", () => {
  const { offsets, sizes, size } = struct("allow_table");
  const { most, ...fields } = LAYOUT.allow;
  assert.deepEqual(fields, { ...offsets, size });
  assert.equal(most.names, sizes["names"]! / 4);
  assert.equal(most.cells, sizes["next"]! / 2);
  assert.equal(LAYOUT.maxAllowSets, number("MAX_ALLOW_SETS"));
  const dfa = struct("dfa");
  const written = Object.fromEntries(Object.entries(LAYOUT.dfa).map(([name, value]) => [snake(name), value]));
  assert.deepEqual(written, { ...dfa.offsets, size: dfa.size });
  assert.deepEqual(upper(DFA_KIND), numbersOf("dfa_kind"));
});

test("the NFA lies where the kernel walks it", () => {
  const { offsets, sizes, size } = struct("nfa");
  const { most, ...fields } = LAYOUT.nfa;
  const written = Object.fromEntries(Object.entries(fields).map(([name, value]) => [snake(name), value]));
  assert.deepEqual(written, { ...offsets, size });
  assert.equal(most.blocks, sizes["block"]! / struct("nfa_block").size);
  assert.equal(most.edges, sizes["edge"]! / struct("nfa_edge").size);
  assert.equal(most.words, sizes["shift"]! / 8);
  assert.equal(most.classes, sizes["row"]! / struct("nfa_row").size / most.words);
  assert.deepEqual(Object.values(struct("nfa_block").offsets), [0, 4, 8, 12, 16, 20]);
  assert.deepEqual(Object.values(struct("nfa_edge").offsets), [0, 8, 16, 20]);
  assert.equal(most.blockWords, number("NFA_BLOCK_WORDS"));
  assert.equal(most.blockEdges, number("NFA_BLOCK_EDGES"));
  assert.deepEqual(NFA_WORK, {
    byte: number("WORK_NFA_BYTE"),
    word: number("WORK_NFA_WORD"),
    edge: number("WORK_NFA_EDGE"),
  });
});

test("the wallets' table lies where the kernel reads it", () => {
  const { kinds, kind, maxKinds, maxChars, leastRun, encoding, ...fields } = WALLET_LAYOUT;
  const table = struct("wallet_table");
  const written = Object.fromEntries(Object.entries(fields).map(([name, offset]) => [snake(name), offset]));
  assert.deepEqual({ ...written, kinds }, { ...table.offsets, size: table.size });
  const { offsets, size } = struct("wallet_kind");
  const { reserved: _, ...declared } = offsets;
  assert.deepEqual(Object.fromEntries(Object.entries(kind).map(([name, offset]) => [snake(name), offset])), {
    ...declared,
    size,
  });
  assert.equal(maxKinds, number("MAX_WALLET_KINDS"));
  assert.equal(maxChars, number("MAX_WALLET_CHARS"));
  assert.equal(leastRun, number("LEAST_WALLET_CHARS"));
  assert.deepEqual(upper(encoding), {
    CRYPTONOTE: number("WALLET_CRYPTONOTE"),
    BASE58CHECK: number("WALLET_BASE58CHECK"),
    SEGWIT: number("WALLET_SEGWIT"),
    BECH32: number("WALLET_BECH32"),
  });
  // Whichever coins the rules are of, they fit, and no run is shorter than the kernel's stride.
  const most = Math.max(...COIN_NAMES.map((coin) => formatsOf(coin).length));
  assert.ok(MAX_WALLET_RULES * most <= maxKinds);
  for (const format of COIN_NAMES.flatMap(formatsOf)) {
    const { least, most: longest } = charsOf(format);
    assert.ok(least >= leastRun && longest <= maxChars, JSON.stringify(format));
  }
});

test("limits and numbered words are the same on both sides", () => {
  assert.equal(LAYOUT.maxStringBytes, number("MAX_STRING_BYTES"));
  assert.equal(LAYOUT.maxChainCells, number("MAX_CHAIN_CELLS"));
  assert.deepEqual(upper(POLICY), numbersOf("policy_flags"));
  assert.deepEqual(upper(MODE), numbersOf("string_mode"));
  assert.deepEqual(upper(ACTION), numbersOf("string_action"));
  assert.deepEqual(upper(SCOPE), numbersOf("string_scope"));
  assert.deepEqual(upper(NARROW), numbersOf("narrow_limits"));
  assert.deepEqual(upper(WAY), numbersOf("way"));
});
