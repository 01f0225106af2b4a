import assert from "node:assert/strict";
import { test } from "node:test";
import { inWorker, WorkerError } from "./in-worker.js";

const ANSWER = new URL("./answer.js", import.meta.url).href;

/** A worker that runs `body` with `answer`, `workerData` and `parentPort` at hand. */
const worker = (body: string): URL =>
  new URL(
    `data:text/javascript,${encodeURIComponent(
      `import { parentPort, workerData } from "node:worker_threads"; import { answer } from "${ANSWER}"; ${body}`,
    )}`,
  );

const LIMITS = { maxHeapMiB: 64, deadlineMs: 60_000 };
const ask = <T>(body: string, request?: unknown, limits = LIMITS) =>
  inWorker<T>("do it", worker(body), request, limits);

async function failure(body: string, limits = LIMITS): Promise<WorkerError> {
  try {
    await ask(body, undefined, limits);
  } catch (error) {
    assert.ok(error instanceof WorkerError, String(error));
    return error;
  }
  assert.fail("it did not fail");
}

test("a worker's answer comes back", async () => {
  assert.deepEqual(await ask("answer(() => ({ doubled: workerData.number * 2 }))", { number: 21 }), { doubled: 42 });
});

test("arrays of numbers are handed over, those of a pool copied", async () => {
  const { own, part } = await ask<{ own: Uint32Array; part: Uint8Array }>(
    "answer(() => ({ own: Uint32Array.from([1, 2]), part: new Uint8Array([0, 7, 0]).subarray(1, 2) }))",
  );
  assert.deepEqual([[...own], [...part]], [[1, 2], [7]]);
});

test("an error comes with its name, its words and its hint", async () => {
  const { name, message, hint } = await failure(
    'answer(() => { throw Object.assign(new Error("it broke"), { name: "ConfigError", hint: "mend it" }); })',
  );
  assert.deepEqual([name, message, hint], ["ConfigError", "it broke", "mend it"]);
});

test("the end of a worker's memory is an error, and this process goes on", async () => {
  const { message, hint } = await failure("const all = []; for (;;) all.push(all.map((x) => ({ x })), { all });");
  assert.equal(message, "do it: more than 64 MiB");
  assert.ok(hint);
});

test("a worker without an end is ended", async () => {
  assert.equal((await failure("for (;;);", { ...LIMITS, deadlineMs: 200 })).message, "do it: more than 0.2 s");
});

test("a worker that ends without an answer is an error", async () => {
  assert.equal((await failure("process.exit(3)")).message, "do it: the thread ended with 3");
});

test("an exception outside of the work is an error", async () => {
  await assert.rejects(ask('throw new TypeError("a fault")'), /a fault/);
});
