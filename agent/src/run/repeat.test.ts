import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { repeat } from "./repeat.js";

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!condition()) {
    assert.ok(performance.now() < deadline, "in time");
    await delay(1);
  }
}

const unexpected = (error: unknown): never => {
  throw error;
};

test("the job runs again and again, never twice at a time", async () => {
  let running = 0;
  let runs = 0;
  const repeated = repeat(
    1,
    async () => {
      running++;
      assert.equal(running, 1);
      await delay(5);
      running--;
      runs++;
    },
    unexpected,
  );
  await delay(10);
  assert.equal(runs, 0, "the first time it is asked for");
  await repeated.now();
  await until(() => runs >= 5);
  await repeated.stop();
  const atStop = runs;
  await delay(20);
  assert.equal(runs, atStop);
});

test("a run on demand joins the one under way", async () => {
  let runs = 0;
  const repeated = repeat(
    0,
    async () => {
      runs++;
      await delay(5);
    },
    unexpected,
  );
  await Promise.all([repeated.now(), repeated.now(), repeated.now()]);
  assert.equal(runs, 1);
  await repeated.stop();
});

test("a run that is asked for again begins after the one under way", async () => {
  const begun: string[] = [];
  let state = "old";
  const repeated = repeat(
    0,
    async () => {
      begun.push(state);
      await delay(5);
    },
    unexpected,
  );
  const first = repeated.now();
  state = "new";
  await repeated.again();
  await first;
  assert.deepEqual(begun, ["old", "new"]);
  await repeated.stop();
});

test("with no interval the job runs on demand alone", async () => {
  let runs = 0;
  const repeated = repeat(0, async () => void runs++, unexpected);
  await delay(10);
  assert.equal(runs, 0);
  await repeated.now();
  await delay(10);
  assert.equal(runs, 1);
  await repeated.stop();
});

test("a run that fails is told, and the next one comes", async () => {
  const errors: unknown[] = [];
  let runs = 0;
  const repeated = repeat(
    1,
    async () => {
      runs++;
      throw new Error("fault");
    },
    (error) => errors.push(error),
  );
  await assert.rejects(repeated.now(), /fault/);
  await until(() => runs >= 3);
  await repeated.stop();
  assert.ok(errors.length >= 2);
});

test("a run on demand that fails rejects", async () => {
  const repeated = repeat(0, () => Promise.reject(new Error("fault")), unexpected);
  await assert.rejects(repeated.now(), /fault/);
  await repeated.stop();
});

test("stop waits for the run under way, and tells it to end", async () => {
  let ended = false;
  const repeated = repeat(
    0,
    async (isStopped) => {
      while (!isStopped()) await delay(1);
      ended = true;
    },
    unexpected,
  );
  void repeated.now();
  await repeated.stop();
  assert.equal(ended, true);
  await repeated.now();
});
