import assert from "node:assert/strict";
import { test } from "node:test";
import { Judged, type JudgedState } from "./judged.js";

const state: JudgedState = { startTicks: 1, generation: 1, bytes: 10, hash: 5n, exe: "/bin/x", environment: 0n };

test("a verdict holds for as long as all that it depends on is the same", () => {
  const judged = new Judged<string>();
  judged.set(7, state, "no-match");
  assert.equal(judged.get(7, { ...state }), "no-match");
  assert.equal(judged.get(8, state), null);
  const others: readonly Partial<JudgedState>[] = [
    { startTicks: 2 },
    { generation: 2 },
    { bytes: 11 },
    { hash: 6n },
    { exe: "" },
    { environment: 1n },
  ];
  for (const other of others) assert.equal(judged.get(7, { ...state, ...other }), null, Object.keys(other)[0]);
});

test("the longest unseen is forgotten when it is full, and what is gone when that is told", () => {
  const judged = new Judged<string>(2);
  for (const pid of [1, 2]) judged.set(pid, state, "no-match");
  judged.get(1, state);
  judged.set(3, state, "no-match");
  assert.deepEqual(
    [1, 2, 3].map((pid) => judged.get(pid, state)),
    ["no-match", null, "no-match"],
  );
  judged.keep(new Set([3]));
  assert.deepEqual(
    [1, 3].map((pid) => judged.get(pid, state)),
    [null, "no-match"],
  );
});
