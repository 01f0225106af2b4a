import assert from "node:assert/strict";
import { test } from "node:test";
import { someSighting } from "../fixtures/sightings.js";
import { isChosen, sinceOf } from "./choose.js";
import { compactLine } from "./compact-line.js";

const PLAIN = { isColoured: false, showStrings: false, columns: null };

test("a process is one line, with its string masked", () => {
  assert.equal(
    compactLine(someSighting(), PLAIN),
    "11-25 10:00:00  killed      hub/jupyter-ada  list-01[17]  /usr/bin/sh -c 'echo zz•••zz'",
  );
  assert.match(compactLine(someSighting(), { ...PLAIN, showStrings: true }), /zz-banned-zz/);
});

test("nothing in a line is obeyed by a terminal, and one line stays one", () => {
  const hostile = "\u001b]0;x\u0007\r\n\u202e\u009b31m";
  const line = compactLine(someSighting({ cmdline: hostile, pod: hostile, rule: hostile, matched: null }), PLAIN);
  assert.ok(!/[\p{C}]/u.test(line));
});

test("colour changes no text, and a narrow terminal cuts it", () => {
  const coloured = compactLine(someSighting(), { ...PLAIN, isColoured: true });
  assert.equal(coloured.replaceAll(/\u001b\[[\d;]*m/g, ""), compactLine(someSighting(), PLAIN));
  assert.equal([...compactLine(someSighting(), { ...PLAIN, columns: 40 })].length, 40);
});

test("filters and times choose", () => {
  const all = { since: null, action: [], namespace: [], pod: [], detector: [] };
  assert.ok(isChosen(someSighting(), all));
  assert.ok(!isChosen(someSighting(), { ...all, action: ["spared"] }));
  assert.ok(isChosen(someSighting(), { ...all, namespace: ["x", "hub"] }));
  assert.ok(!isChosen(someSighting({ pod: null }), { ...all, pod: ["jupyter-ada"] }));
  assert.ok(!isChosen(someSighting(), { ...all, since: sinceOf("2026-11-25T10:00:01", 0) }));
  assert.equal(sinceOf("2h", 7_200_000), 0);
  for (const text of ["yesterday", "", "1w", "2026"]) assert.throws(() => sinceOf(text, 0), /expected a time/);
});
