import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { UsageError } from "../errors.js";
import { createFormatter, LineWriter, serveHealth } from "../report/index.js";
import { type AskedSelfTestParts, createAskedSelfTest } from "./asked-self-test.js";
import type { AskedSelfTest } from "./detector.js";
import { askSelfTest } from "./self-test-command.js";

const formatter = createFormatter();

function parts(test: () => Promise<AskedSelfTest>, isRead = true): AskedSelfTestParts & { readonly written: string[] } {
  const written: string[] = [];
  const sink = {
    write(bytes: Uint8Array) {
      if (!isRead) throw new Error("EPIPE");
      written.push(Buffer.from(bytes).toString());
      return bytes.length;
    },
    whenWritable() {},
    close() {},
  };
  return {
    detector: "some",
    test,
    isAttached: () => true,
    writer: new LineWriter({ sink }),
    line: (result, latencyUs) => formatter.notice("info", "Self-test asked for", { result, latency_us: latencyUs }),
    written,
  };
}

const killed = async (): Promise<AskedSelfTest> => ({ result: "killed", latencyUs: 84.5 });

async function command(made: AskedSelfTestParts, detector?: string) {
  const endpoint = await serveHealth(0, () => ({ ok: true, reason: "" }), "127.0.0.1", createAskedSelfTest(made));
  let text = "";
  try {
    const status = await askSelfTest(detector, { healthPort: endpoint.port, json: false }, (part) => {
      text += part;
    });
    return { status, text };
  } finally {
    await endpoint.close();
  }
}

test("a child that was killed, with its event and its line, is status 0", async () => {
  const made = parts(killed);
  const { status, text } = await command(made, "some");
  assert.equal(text, "some: the child was killed in 85 µs; the kernel's event came; the log line went out\n");
  assert.equal(status, 0);
  assert.match(made.written.join(""), /"result":"killed".*"event":"Self-test asked for"/);
});

for (const [title, made, said] of [
  [
    "a child that lived",
    parts(async () => ({ result: "survived", latencyUs: null })),
    /the child SURVIVED; the log line went out/,
  ],
  [
    "an event that never came",
    parts(async () => ({ result: "killed", latencyUs: null })),
    /was killed; the kernel's event has not come/,
  ],
  ["a log that nobody reads", parts(killed, false), /the log line has not gone out/],
  ["an agent that is not attached", { ...parts(killed), isAttached: () => false }, /not attached: it guards nothing\n/],
  ["a detector without a self-test", { ...parts(killed), test: undefined }, /it has no self-test\n/],
] as const) {
  test(`${title} is status 3`, async () => {
    const { status, text } = await command(made);
    assert.match(text, said);
    assert.equal(status, 3);
  });
}

test("another detector's port, and a port where nobody listens, are errors that say so", async () => {
  await assert.rejects(
    command(parts(killed), "other"),
    (error) => error instanceof UsageError && /some answers/.test(error.message),
  );
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  await assert.rejects(askSelfTest(undefined, { healthPort: port, json: false }), /ECONNREFUSED/);
});

test("who asks while one is made, or a moment after, gets the same one", async () => {
  let made = 0;
  let nowMs = 0;
  const ask = createAskedSelfTest({
    ...parts(async () => {
      made += 1;
      return killed();
    }),
    nowMs: () => nowMs,
  });
  await Promise.all([ask(), ask(), ask()]);
  nowMs = 999;
  await ask();
  assert.equal(made, 1);
  nowMs = 1000;
  await ask();
  assert.equal(made, 2);
});
