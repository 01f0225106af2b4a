import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { rounds } from "@cryptnono/matcher/test/rounds";
import fc from "fast-check";
import { ACTIONS, KILLS, type Sighting } from "../types.js";
import { followFile } from "./file.js";
import { LineSplitter } from "./lines.js";
import { parseLine } from "./parse.js";
import { LogReader } from "./reader.js";
import { userOfPod } from "./user.js";
import { walletIn } from "./wallet.js";

const SOURCE = { name: "log", node: "node-1" };
const KILL = {
  pid: 23933,
  cmdline: "/usr/bin/sh -c 'echo zz-banned-zz'",
  matched: "zz-banned-zz",
  source: "execwhacker.bpf",
  container_type: "cri",
  labels: {
    "io.kubernetes.pod.name": "jupyter-ada",
    "io.kubernetes.pod.namespace": "hub",
    "io.kubernetes.container.name": "notebook",
  },
  image: "quay.io/hub/image:1",
  action: "killed",
  event: "Killed process",
  level: "info",
  timestamp: "2026-11-25T10:00:00.000001Z",
  rule: "list-01[17]",
  start_time: "2026-11-25T09:59:59.9Z",
  envs: { BINDER_REF_URL: "https://example.org/repository", BINDER_CLIENT_IP: "192.0.2.7" },
};

function collected() {
  const sightings: Sighting[] = [];
  const events: string[] = [];
  const counts = { lines: 0, foreign: 0, overlong: 0 };
  const intake = {
    sighting: (one: Sighting) => void sightings.push(one),
    notice: ({ event }: { event: string }) => void events.push(event),
  };
  return { sightings, events, counts, reader: new LogReader(SOURCE, intake, counts) };
}

test("a kill's line becomes who, where and why", () => {
  const parsed = parseLine(JSON.stringify(KILL), SOURCE);
  assert.equal(parsed.kind, "sighting");
  const { line: _, ...sighting } = (parsed as { sighting: Sighting }).sighting;
  assert.deepEqual(sighting, {
    at: Date.parse("2026-11-25T10:00:00Z"),
    node: "node-1",
    pid: 23933,
    startTime: "2026-11-25T09:59:59.9Z",
    action: "killed",
    count: 1,
    detector: "execwhacker",
    cmdline: KILL.cmdline,
    matched: "zz-banned-zz",
    rule: "list-01[17]",
    namespace: "hub",
    pod: "jupyter-ada",
    container: "notebook",
    containerId: null,
    image: "quay.io/hub/image:1",
    user: "ada",
    repository: "https://example.org/repository",
    address: "192.0.2.7",
    wallet: null,
  });
});

test("a summary counts, and a nested container and a command line in words are understood", () => {
  const line = {
    "banned-ip": "192.0.2.1",
    cmdline: ["curl", "a b"],
    source: "flowkiller.bpf",
    action: "killed-summary",
    count: 7,
    event: "Killed processes 7 more times",
    timestamp: KILL.timestamp,
    container: { labels: KILL.labels, image: "i" },
  };
  const parsed = parseLine(JSON.stringify(line), SOURCE) as { sighting: Sighting };
  const { count, pid, detector, cmdline, pod, image, rule } = parsed.sighting;
  assert.deepEqual(
    [count, pid, detector, cmdline, pod, image, rule],
    [7, null, "flowkiller", "curl 'a b'", "jupyter-ada", "i", "192.0.2.1"],
  );
});

test("what a candidate would do is no kill and nothing that was in force", () => {
  const actionOf = (more: object) => {
    const parsed = parseLine(JSON.stringify({ ...KILL, ...more }), SOURCE);
    return parsed.kind === "sighting" ? [parsed.sighting.action, parsed.sighting.count] : parsed.kind;
  };
  assert.deepEqual(actionOf({ action: "would-kill" }), ["would-kill", 1]);
  assert.deepEqual(actionOf({ action: "would-kill", candidate: true }), ["candidate", 1]);
  assert.deepEqual(actionOf({ action: "would-kill-summary", candidate: true, count: 7 }), ["candidate", 7]);
  assert.deepEqual(actionOf({ action: "would-live", candidate: true }), ["would-live", 1]);
  assert.ok(ACTIONS.indexOf("candidate") < ACTIONS.indexOf("would-kill") && !KILLS.includes("candidate"));
});

test("Docker's and the CRI's wrapping comes off, also of a line in parts", () => {
  const { sightings, counts, reader } = collected();
  const text = JSON.stringify(KILL);
  const docker = (log: string) => `${JSON.stringify({ log, stream: "stdout", time: "2026-11-25T10:00:00Z" })}\n`;
  const cri = (tag: string, part: string) => `2026-11-25T10:00:00.1Z stdout ${tag} ${part}\n`;
  const lines = [
    docker(`${text}\n`),
    docker(text.slice(0, 50)),
    docker(`${text.slice(50)}\n`),
    cri("F", text),
    cri("P", text.slice(0, 9)),
    cri("F", text.slice(9)),
  ];
  reader.push(Buffer.from(lines.join("")));
  assert.equal(sightings.length, 4);
  assert.ok(sightings.every(({ line }) => line === text));
  assert.equal(counts.foreign, 0);
});

test("16 MiB without a line feed cost a bounded amount of memory, are counted once, and the next line is read", () => {
  const lines = new LineSplitter(1000);
  const chunk = Buffer.alloc(65_536, "x");
  for (let i = 0; i < 256; i++) assert.deepEqual(lines.push(chunk), []);
  assert.deepEqual(lines.push(Buffer.from("x\nnext\n")), ["next"]);
  assert.equal(lines.overlong, 1);
  assert.equal(lines.consumedBytes, 256 * 65_536 + 2 + 5);
});

test("lines come out the same however the bytes are cut", () => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[a-zé\t]{0,20}$/)), fc.integer({ min: 1, max: 7 }), (words, step) => {
      const bytes = Buffer.from(words.map((word) => `${word}\n`).join(""));
      const splitter = new LineSplitter();
      const lines: string[] = [];
      for (let at = 0; at < bytes.length; at += step) lines.push(...splitter.push(bytes.subarray(at, at + step)));
      assert.deepEqual(lines, words);
    }),
  );
});

test("nothing that a line may hold is an error: any JSON, a kill with any values, any bytes", () => {
  const { reader, counts } = collected();
  let lines = 0;
  const read = (text: string) => {
    lines++;
    reader.line(text);
  };
  fc.assert(fc.property(fc.json(), read), { numRuns: rounds(400) });
  const keys = [...Object.keys(KILL), "container", "inner", "count", "addresses", "banned-ip"];
  const values = fc.record(
    Object.fromEntries(
      keys.map((key) => [key, fc.oneof(fc.jsonValue(), fc.constant((KILL as Record<string, unknown>)[key]))]),
    ),
  );
  fc.assert(
    fc.property(values, (value) => read(JSON.stringify(value))),
    { numRuns: rounds(400) },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => reader.push(Buffer.concat([bytes, Buffer.from("\n")]))),
    { numRuns: rounds(200) },
  );
  assert.ok(counts.lines >= lines);
  reader.line(JSON.stringify(KILL));
  assert.equal(counts.overlong, 0);
});

test("a log is followed through growth and rotation, and taken up where it was left", async () => {
  const dir = mkdtempSync(join(tmpdir(), "console-read-"));
  try {
    const file = join(dir, "log");
    const line = (pid: number) => `${JSON.stringify({ ...KILL, pid })}\n`;
    writeFileSync(file, line(1));
    const { sightings, reader: _, ...rest } = collected();
    const reader = () =>
      new LogReader(SOURCE, { sighting: (one) => void sightings.push(one), notice() {} }, rest.counts);
    const abort = new AbortController();
    let position: { inode: number; bytes: number } | null = null;
    const end = followFile({ file, reader, signal: abort.signal, everyMs: 5, onPosition: (at) => (position = at) });
    await until(() => sightings.length === 1);
    appendFileSync(file, line(2).slice(0, 30));
    appendFileSync(file, line(2).slice(30));
    await until(() => sightings.length === 2);
    renameSync(file, `${file}.1`);
    writeFileSync(file, line(3));
    await until(() => sightings.length === 3);
    abort.abort();
    await end;
    appendFileSync(file, line(4));
    await followFile({ file, from: position, reader, once: true, signal: new AbortController().signal });
    assert.deepEqual(
      sightings.map(({ pid }) => pid),
      [1, 2, 3, 4],
    );
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test("a pod's name tells the hub's user, in both of KubeSpawner's schemes", () => {
  const rows = [
    ["jupyter-ada", "ada"],
    ["jupyter-ada-40example-2eorg", "ada@example.org"],
    ["jupyter-data-science---1a2b3c4d", "data-science---1a2b3c4d"],
    ["jupyter-a-62c", "a-62c"],
    ["jupyter-x-ff", "x-ff"],
    ["proxy-1234", null],
  ] as const;
  for (const [pod, user] of rows) assert.equal(userOfPod(pod), user, pod);
});

test("wallets are found in folded lines, and hashes are not taken for them", () => {
  const monero = `4${"a1".repeat(47)}`;
  assert.equal(walletIn(`./x -u ${monero} -p x`), monero);
  assert.equal(walletIn(`./x -u ${monero}q`), null);
  assert.equal(
    walletIn("./x -u 0x52908400098527886e0f7030069857d2e4169ee7"),
    "0x52908400098527886e0f7030069857d2e4169ee7",
  );
  assert.equal(walletIn(`sha256 ${"ab".repeat(32)}`), null);
});

async function until(isSo: () => boolean): Promise<void> {
  for (let i = 0; i < 6000 && !isSo(); i++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(isSo());
}
