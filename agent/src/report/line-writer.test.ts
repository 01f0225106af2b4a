import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { LineWriter } from "./line-writer.js";
import type { LineKind, LogLine } from "./log.js";
import type { Sink } from "./sink.js";

const line = (text: string, kind: LineKind = "spare"): LogLine => ({ text: `${text}\n`, kind });
/** What a line of seven bytes takes of the queue. */
const LINE = 7 + 256;

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

test("lines of all kinds are written in their order, whole, through partial writes", async () => {
  const sink = new FakeSink(Number.POSITIVE_INFINITY, 3);
  const writer = new LineWriter({ sink });
  const kinds: readonly LineKind[] = ["debug", "kill", "spare", "summary", "notice"];
  for (let i = 0; i < 50; i++) writer.write(line(`line ${i}`, kinds[i % kinds.length]));
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

/** How many of the given kinds were dropped, without zeros. */
const dropped = (writer: LineWriter) =>
  Object.fromEntries(Object.entries(writer.dropped).filter(([, count]) => count > 0));

test("a full queue drops the oldest of the least important, and counts them", async () => {
  const sink = new FakeSink(0);
  const writer = new LineWriter({ sink, maxQueuedBytes: 5 * LINE });
  for (const [text, kind] of [
    ["spare0", "spare"],
    ["debug0", "debug"],
    ["kill00", "kill"],
    ["spare1", "spare"],
    ["would0", "would-kill"],
  ] as const) {
    writer.write(line(text, kind));
  }
  for (const text of ["kill01", "kill02", "kill03"]) writer.write(line(text, "kill"));
  assert.deepEqual(dropped(writer), { debug: 1, spare: 2 });
  writer.write(line("debug1", "debug"));
  writer.write(line("spare2", "spare"));
  assert.deepEqual(dropped(writer), { debug: 2, spare: 3 });
  sink.room = Number.POSITIVE_INFINITY;
  await writer.flush(1000);
  assert.equal(sink.text, "kill00\nwould0\nkill01\nkill02\nkill03\n");
});

test("among kills the oldest go when there is nothing else, and memory stays bounded", async () => {
  const sink = new FakeSink(0);
  const writer = new LineWriter({ sink, maxQueuedBytes: 100 * LINE });
  for (let i = 0; i < 1000; i++) writer.write(line(String(100000 + i), "kill"));
  assert.equal(writer.dropped.kill, 900);
  sink.room = Number.POSITIVE_INFINITY;
  await writer.flush(1000);
  assert.ok(sink.text.startsWith("100900\n") && sink.text.endsWith("100999\n"));
});

test("a flood of one group drops its own lines, and lines keep their order", async () => {
  const sink = new FakeSink(0);
  const writer = new LineWriter({ sink, maxQueuedBytes: 20 * LINE });
  for (let i = 0; i < 1000; i++) {
    writer.write({ ...line(`f${10000 + i}`, "kill"), group: "flood" });
    if (i % 200 === 100) writer.write({ ...line(`o${10000 + i}`, "kill"), group: `other ${i % 3}` });
  }
  sink.room = Number.POSITIVE_INFINITY;
  await writer.flush(1000);
  const lines = sink.text.split("\n").slice(0, -1);
  assert.deepEqual(
    lines,
    lines.toSorted((a, b) => Number(a.slice(1)) - Number(b.slice(1))),
  );
  assert.deepEqual(
    lines.filter((text) => text.startsWith("o")),
    ["o10100", "o10300", "o10500", "o10700", "o10900"],
  );
  assert.equal(lines.length, 20);
  assert.equal(writer.dropped.kill, 1005 - 20);
});

test("a summary outlives the kills that it may count", async () => {
  const sink = new FakeSink(0);
  const writer = new LineWriter({ sink, maxQueuedBytes: 3 * LINE });
  writer.write(line("sum000", "summary"));
  for (let i = 0; i < 10; i++) writer.write(line(`kill0${i}`, "kill"));
  sink.room = Number.POSITIVE_INFINITY;
  await writer.flush(1000);
  assert.equal(sink.text, "sum000\nkill08\nkill09\n");
});

test("what is dropped while a reader has halted leaves nothing behind", async () => {
  const sink = new FakeSink(0);
  const writer = new LineWriter({ sink, maxQueuedBytes: 10 * LINE });
  const kept = { ...line("kept00", "kill"), group: "other" };
  writer.write(kept);
  const collect = garbageCollector();
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 100_000; i++) writer.write({ ...line("flood0", "kill"), group: "flood" });
  collect();
  const grown = process.memoryUsage().heapUsed - before;
  assert.ok(grown < 4 * 2 ** 20, `${grown} bytes`);
  sink.room = Number.POSITIVE_INFINITY;
  await writer.flush(1000);
  assert.ok(sink.text.startsWith("kept00\n"));
});

function garbageCollector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}

test("half of the room left is roomy", () => {
  const writer = new LineWriter({ sink: new FakeSink(0), maxQueuedBytes: 4 * LINE });
  assert.equal(writer.isRoomy, true);
  writer.write(line("kill00", "kill"));
  assert.equal(writer.isRoomy, true);
  writer.write(line("kill01", "kill"));
  assert.equal(writer.isRoomy, false);
});

test("a line that has begun is never dropped", async () => {
  const sink = new FakeSink(3);
  const writer = new LineWriter({ sink, maxQueuedBytes: 2 * (LINE + 1) });
  writer.write(line("abcdef", "debug"));
  await new Promise(setImmediate);
  for (const text of ["kill000", "kill001", "kill002"]) writer.write(line(text, "kill"));
  sink.give(1000);
  await writer.flush(1000);
  assert.equal(sink.text, "abcdef\nkill001\nkill002\n");
});

test("a line longer than the queue is dropped alone", async () => {
  const sink = new FakeSink();
  const writer = new LineWriter({ sink, maxQueuedBytes: LINE });
  writer.write(line("short"));
  writer.write(line("much too long", "kill"));
  await writer.flush(1000);
  assert.equal(sink.text, "short\n");
  assert.equal(writer.dropped.kill, 1);
});

test("flush waits for what the sink has taken and not yet passed on", async () => {
  const sink = new FakeSink();
  let isBusy = true;
  Object.defineProperty(sink, "isBusy", { get: () => isBusy });
  const writer = new LineWriter({ sink });
  writer.write(line("a"));
  assert.equal(await writer.flush(20), false);
  const flushed = writer.flush(10_000);
  isBusy = false;
  sink.give(0);
  assert.equal(await flushed, true);
});

test("flush gives up at its deadline, and says so", async () => {
  const writer = new LineWriter({ sink: new FakeSink(2) });
  writer.write(line("abc"));
  assert.equal(await writer.flush(50), false);
});

test("a reader that is gone costs counted lines and nothing else", async () => {
  const sink = new FakeSink();
  const writer = new LineWriter({ sink });
  sink.failure = "EPIPE";
  writer.write(line("a", "kill"));
  writer.write(line("b", "debug"));
  assert.equal(await writer.flush(1000), true);
  assert.deepEqual(dropped(writer), { kill: 1, debug: 1 });
  sink.failure = null;
  writer.write(line("c"));
  await writer.flush(1000);
  assert.equal(sink.text, "c\n");
});

test("a line torn by a full disk does not swallow the next", async () => {
  const sink = new FakeSink(4);
  const writer = new LineWriter({ sink });
  writer.write(line("torn line", "kill"));
  await new Promise(setImmediate);
  sink.failure = "ENOSPC";
  sink.give(1000);
  sink.failure = null;
  writer.write(line("next"));
  await writer.flush(1000);
  assert.equal(sink.text, "torn\nnext\n");
  assert.equal(writer.dropped.kill, 1);
});

/** A program that logs to its standard output and says on standard error what became of it. */
const PROGRAM = `
  import { LineWriter } from ${JSON.stringify(new URL("./line-writer.js", import.meta.url).href)};
  const writer = new LineWriter({ maxQueuedBytes: 4_000_000 });
  let ticks = 0;
  const ticking = setInterval(() => ticks++, 5);
  for (let i = 0; i < 20_000; i++) writer.write({ text: "line ".repeat(20) + i + "\\n", kind: "kill" });
  setTimeout(async () => {
    clearInterval(ticking);
    const flushed = await writer.flush(200);
    process.stderr.write(JSON.stringify({ ticks, flushed, dropped: writer.dropped.kill }));
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
      PROGRAM.replace("4_000_000", "10_000_000"),
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
