import assert from "node:assert/strict";
import { test } from "node:test";
import { coalesce } from "./coalesce.js";

/** A job whose runs end when they are told to. */
function controlled() {
  const ends: (() => void)[] = [];
  const job = () => new Promise<void>((resolve) => ends.push(resolve));
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
  return { ends, job, turn };
}

test("three hundred wishes during one run are one more run", async () => {
  const { ends, job, turn } = controlled();
  const { wish, settled } = coalesce(job);
  for (let i = 0; i < 300; i++) wish();
  await turn();
  assert.equal(ends.length, 1);
  for (let i = 0; i < 300; i++) wish();
  ends[0]!();
  await turn();
  await turn();
  assert.equal(ends.length, 2);
  ends[1]!();
  await settled();
  assert.equal(ends.length, 2);
});

test("a wish after the end runs again, and settled waits for the last run", async () => {
  const { ends, job, turn } = controlled();
  const { wish, settled } = coalesce(job);
  await settled();
  wish();
  await turn();
  ends[0]!();
  await settled();
  wish();
  await turn();
  assert.equal(ends.length, 2);
  let isSettled = false;
  const settling = settled().then(() => {
    isSettled = true;
  });
  await turn();
  assert.equal(isSettled, false);
  ends[1]!();
  await settling;
});
