import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { rounds } from "../test/rounds.js";
import { Budget } from "./budget.js";
import { determinize } from "./determinize.js";
import { columns, DEAD, type Dfa, NO_PATTERN } from "./dfa.js";
import { minimize } from "./minimize.js";
import { buildNfa } from "./nfa.js";
import { parsePattern } from "./parse-pattern.js";
import { line, pattern } from "./test-texts.js";
import { unite } from "./unite.js";

const LIMITS = { maxStates: 10_000, maxTableBytes: Infinity };

test("the minimal automaton accepts what the given one does, and no two of its states or classes are alike", () => {
  fc.assert(
    fc.property(pattern, pattern, fc.array(line, { minLength: 8, maxLength: 8 }), (a, b, lines) => {
      const united = unite(automaton(a, 0), automaton(b, 1), LIMITS, new Budget(1e7));
      assert.ok(united !== undefined);
      const small = minimize(united);
      for (const text of lines) assert.equal(accepts(small, text), accepts(united, text));
      assert.equal(small.accepts[DEAD], NO_PATTERN);
      assert.equal(countBlocks(small), small.stateCount);
      assert.equal(countColumns(small), columns(small) - 1);
    }),
    { numRuns: rounds(200) },
  );
});

test("the patterns abc and xbc share no state but the dead one, as each names itself", () => {
  const united = unite(automaton("abc", 0), automaton("xbc", 1), LIMITS, new Budget(1e6));
  assert.ok(united !== undefined);
  assert.equal(minimize(united).stateCount, 8);
});

test("alternatives of one pattern share what follows them", () => {
  assert.equal(minimize(automaton("(abc|xbc)d", 0)).stateCount, 6);
});

function automaton(source: string, index: number): Dfa {
  const dfa = determinize(buildNfa(parsePattern(source, index)), index, 10_000, new Budget(1e7));
  assert.ok(dfa !== undefined);
  return dfa;
}

function accepts(dfa: Dfa, text: Uint8Array): number {
  const cell = (state: number, column: number) => dfa.next[state * columns(dfa) + column]!;
  const last = text.reduce((state, byte) => cell(state, dfa.classes.classOf[byte]!), dfa.starts[0]!);
  return dfa.accepts[cell(last, columns(dfa) - 1)]!;
}

/** Blocks of equivalent states by Moore's rounds: split by what each column leads to until nothing changes. */
function countBlocks(dfa: Dfa): number {
  let blocks = Array.from(dfa.accepts, String);
  for (let count = 0; ; ) {
    const rows = blocks.map((own, state) => {
      const row = dfa.next.subarray(state * columns(dfa), (state + 1) * columns(dfa));
      return [own, ...Array.from(row, (to) => blocks[to])].join(";");
    });
    const numbers = new Map([...new Set(rows)].map((row, number) => [row, String(number)]));
    if (numbers.size === count) return count;
    count = numbers.size;
    blocks = rows.map((row) => numbers.get(row)!);
  }
}

/** Different columns, without that of the end. */
function countColumns(dfa: Dfa): number {
  const width = columns(dfa);
  const names = Array.from({ length: width - 1 }, (_, column) =>
    dfa.next.filter((_, index) => index % width === column).join(),
  );
  return new Set(names).size;
}
