import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { LineWriter } from "./line-writer.js";
import type { Importance, LogLine } from "./log.js";
import type { Sink } from "./sink.js";

const line = (text: string, importance: Importance = 1): LogLine => ({ text: `${text}\n`, importance });

/** Takes `room` bytes in pieces of at most `piece`; then blocks until more room is given, or throws `failure`. */
class FakeSink implements Sink {
  text = "";
  room: number;
  failure: string | null = null;
  #piece: number;
  #again: (() => void) | undefined;

  constructor(room = Number.POSITIVE_INFINITY, piece = Number.POSITIVE_INFINITY) {
    this.room = room;
    this.#piece = piece;
  }

  write(bytes: Uint8Array): number {
    if (this.failure !== null) throw Object.assign(new Error(), { code: this.failure });
    const taken = Math.min(bytes.length, this.room, this.#piece);
    this.text += Buffer.from(bytes.subarray(0, taken)).toString();
    this.room -= taken;
    return taken;
  }

  whenWritable(again: () => void): void {
    this.#again = again;
  }

  give(room: number): void {
    this.room += room;
    this.#again?.();
  }

  close(): void {}
}

test("lines of all importances are written in their order, whole, through partial writes", async () => {
  const sink = new FakeSink(Number.POSITIVE_INFINITY, 3);
  const writer = new LineWriter({ sink });
  for (let i = 0; i < 50; i++) writer.write(line(`line ${i}`, (i % 4) as Importance));
  assert.equal(await writer.flush(1000), true);
  assert.equal(sink.text, Array.from({ length: 50 }, (_, i) => `line ${i}\n`).join(""));
});

test("nothing is written before the turn of the event loop ends", async () => {
  const sink = new FakeSink();
  const writer = new LineWriter({ sink });
  writer.write(line("a"));
  assert.equal(sink.text, "");
  await new Promise(setImmediate);
  assert.equal(sink.text, "a\n");
});

test("a full queue drops the oldest of the least important, and counts them", async () => {
  const sink = new FakeSink(0);
  const writer = new LineWriter({ sink, maxQueuedBytes: 40 });
  for (const [text, importance] of [
    ["spare0", 1],
    ["debug0", 0],
    ["kill00", 3],
    ["spare1", 1],
    ["would0", 2],
  ] as const) {
    writer.write(line(text, importance));
  }
  for (const text of ["kill01", "kill02", "kill03"]) writer.write(line(text, 3));
  assert.deepEqual(writer.dropped, { 0: 1, 1: 2, 2: 0, 3: 0 });
  writer.write(line("debug1", 0));
  writer.write(line("spare2", 1));
  assert.deepEqual(writer.dropped, { 0: 2, 1: 3, 2: 0, 3: 0 });
  sink.room = Number.POSITIVE_INFINITY;
  await writer.flush(1000);
  assert.equal(sink.text, "kill00\nwould0\nkill01\nkill02\nkill03\n");
});

test("among kills the oldest go when there is nothing else, and memory stays bounded", async () => {
  const sink = new FakeSink(0);
  const writer = new LineWriter({ sink, maxQueuedBytes: 700 });
  for (let i = 0; i < 1000; i++) writer.write(line(String(100000 + i), 3));
  assert.equal(writer.dropped[3], 900);
  sink.room = Number.POSITIVE_INFINITY;
  await writer.flush(1000);
  assert.ok(sink.text.startsWith("100900\n") && sink.text.endsWith("100999\n"));
});

test("a line that has begun is never dropped", async () => {
  const sink = new FakeSink(3);
  const writer = new LineWriter({ sink, maxQueuedBytes: 16 });
  writer.write(line("abcdef", 0));
  await new Promise(setImmediate);
  for (const text of ["kill000", "kill001", "kill002"]) writer.write(line(text, 3));
  sink.give(1000);
  await writer.flush(1000);
  assert.equal(sink.text, "abcdef\nkill001\nkill002\n");
});

test("a line longer than the queue is dropped alone", async () => {
  const sink = new FakeSink();
  const writer = new LineWriter({ sink, maxQueuedBytes: 10 });
  writer.write(line("short"));
  writer.write(line("much too long", 3));
  await writer.flush(1000);
  assert.equal(sink.text, "short\n");
  assert.equal(writer.dropped[3], 1);
});

test("flush gives up at its deadline, and says so", async () => {
  const writer = new LineWriter({ sink: new FakeSink(2) });
  writer.write(line("abc"));
  const start = performance.now();
  assert.equal(await writer.flush(50), false);
  assert.ok(performance.now() - start < 1000);
});

test("a reader that is gone costs counted lines and nothing else", async () => {
  const sink = new FakeSink();
  const writer = new LineWriter({ sink });
  sink.failure = "EPIPE";
  writer.write(line("a", 3));
  writer.write(line("b", 0));
  assert.equal(await writer.flush(1000), true);
  assert.deepEqual(writer.dropped, { 0: 1, 1: 0, 2: 0, 3: 1 });
  sink.failure = null;
  writer.write(line("c"));
  await writer.flush(1000);
  assert.equal(sink.text, "c\n");
});

test("a line torn by a full disk does not swallow the next", async () => {
  const sink = new FakeSink(4);
  const writer = new LineWriter({ sink });
  writer.write(line("torn line", 3));
  await new Promise(setImmediate);
  sink.failure = "ENOSPC";
  sink.give(1000);
  sink.failure = null;
  writer.write(line("next"));
  await writer.flush(1000);
  assert.equal(sink.text, "torn\nnext\n");
  assert.equal(writer.dropped[3], 1);
});

/** A program that logs to its standard output and says on standard error what became of it. */
const PROGRAM = `
  import { LineWriter } from ${JSON.stringify(new URL("./line-writer.js", import.meta.url).href)};
  const writer = new LineWriter({ maxQueuedBytes: 1_000_000 });
  let ticks = 0;
  const ticking = setInterval(() => ticks++, 5);
  for (let i = 0; i < 20_000; i++) writer.write({ text: "line ".repeat(20) + i + "\\n", importance: 3 });
  setTimeout(async () => {
    clearInterval(ticking);
    const flushed = await writer.flush(200);
    process.stderr.write(JSON.stringify({ ticks, flushed, dropped: writer.dropped[3] }));
    writer.close();
    process.exit(0);
  }, 500);
`;

for (const kind of ["pipe", "socket"] as const) {
  test(`a ${kind} whose reader has halted neither blocks the event loop nor the exit`, async () => {
    // Node gives children sockets for pipes; a shell gives a true pipe.
    const node = [process.execPath, "--input-type=module", "-e", PROGRAM] as const;
    const child =
      kind === "socket"
        ? spawn(node[0], node.slice(1), { stdio: ["ignore", "pipe", "pipe"] })
        : spawn("/bin/sh", ["-c", '{ "$@"; } | sleep 3', "sh", ...node], { stdio: ["ignore", "ignore", "pipe"] });
    child.stdout?.pause();
    const said = await text(child.stderr!);
    const { ticks, flushed, dropped } = JSON.parse(said);
    assert.ok(ticks > 20, `${ticks} ticks`);
    assert.equal(flushed, false);
    assert.ok(dropped > 0 && dropped < 20_000, `${dropped} dropped`);
    child.stdout?.resume();
    await once(child, "close");
  });
}

test("a file gets every line", async () => {
  const child = spawn(
    "/bin/sh",
    [
      "-c",
      'f=$(mktemp) && "$@" > "$f" 2>/dev/null; wc -l < "$f"; rm "$f"',
      "sh",
      process.execPath,
      "--input-type=module",
      "-e",
      PROGRAM.replace("1_000_000", "10_000_000"),
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  assert.equal((await text(child.stdout)).trim(), "20000");
});

async function text(stream: NodeJS.ReadableStream): Promise<string> {
  let all = "";
  for await (const chunk of stream) all += chunk;
  return all;
}
