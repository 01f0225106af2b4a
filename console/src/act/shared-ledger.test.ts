import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { startConsole } from "../console.js";
import { someSighting } from "../fixtures/sightings.js";
import { openDatabase } from "../keep/database.js";
import { createStore, DAY_MS, type Kept } from "../keep/store.js";
import { hashOf } from "./ledger.js";
import { createSharedLedger, type SharedLedger } from "./shared-ledger.js";

const KEY = "k".repeat(32);
const NOW = Date.parse("2026-11-25T12:00:00Z");
const REPOSITORY = "https://example.org/r/one";
let dir: string;
let db: ReturnType<typeof openDatabase>["db"];
let warned: string[];
let now: number;
let ledger: SharedLedger | null;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "console-ledger-"));
  writeFileSync(join(dir, "key"), `${KEY}\n`);
  db = openDatabase(":memory:").db;
  [warned, now, ledger] = [[], NOW, null];
});
afterEach(() => {
  ledger?.close();
  rmSync(dir, { recursive: true });
});

const open = (imports: readonly string[], exportFile: string | null = null): SharedLedger => {
  ledger = createSharedLedger({
    db: () => db,
    keyFile: join(dir, "key"),
    exportFile,
    imports,
    warn: (message) => void warned.push(message),
    now: () => now,
  });
  return ledger;
};
const keep = (...changes: Parameters<typeof someSighting>[0][]): readonly Kept[] =>
  createStore(db).write({
    sightings: changes.map((change, i) => someSighting({ pid: i, startTime: `${i}`, ...change })),
    notices: [],
    positions: new Map(),
  });
const theirs = (name: string, changes: object = {}) =>
  `${JSON.stringify({ kind: "repository", hash: hashOf(KEY, "repository", name), kills: 5, last: "2026-11-20T00:00:00.000Z", expires: "2026-12-20T00:00:00.000Z", ...changes })}\n`;

test("ours is written after kills, without a name, and another deployment that has it knows who came there", () => {
  const file = join(dir, "ours.jsonl");
  const { add, refresh } = open([], file);
  assert.equal(readFileSync(file, "utf8"), "");
  add(keep({ action: "spared", repository: "https://example.org/spared" }));
  refresh();
  assert.equal(readFileSync(file, "utf8"), "");
  add(keep({ pid: 9, repository: REPOSITORY }));
  refresh();
  const text = readFileSync(file, "utf8");
  assert.ok(!text.includes("example.org") && !existsSync(`${file}.new`));
  const { elsewhere } = open([file]);
  assert.equal(elsewhere("repository", REPOSITORY)?.kills, 1);
  assert.equal(elsewhere("repository", "https://example.org/spared"), null);
  assert.equal(elsewhere("user", "ada"), null, "users' names mean nothing elsewhere");
});

test("what others say is read again when it changes, from a directory too, and summed up", () => {
  const { elsewhere, refresh } = open([dir]);
  assert.equal(elsewhere("repository", REPOSITORY), null);
  writeFileSync(join(dir, "a.jsonl"), theirs(REPOSITORY));
  refresh();
  assert.equal(elsewhere("repository", REPOSITORY)?.kills, 5);
  writeFileSync(join(dir, "b.jsonl"), theirs(REPOSITORY, { kills: 2, last: "2026-11-24T00:00:00.000Z" }));
  refresh();
  assert.deepEqual(
    [elsewhere("repository", REPOSITORY)?.kills, elsewhere("repository", REPOSITORY)?.last],
    [7, "2026-11-24T00:00:00.000Z"],
  );
  rmSync(join(dir, "a.jsonl"));
  rmSync(join(dir, "b.jsonl"));
  refresh();
  assert.equal(elsewhere("repository", REPOSITORY), null);
});

test("what has expired says nothing any more, before it is read or after", () => {
  const file = join(dir, "a.jsonl");
  writeFileSync(file, theirs(REPOSITORY) + theirs("old", { expires: "2026-11-25T11:59:59Z" }));
  const { elsewhere } = open([file]);
  assert.equal(elsewhere("repository", "old"), null);
  assert.equal(elsewhere("repository", REPOSITORY)?.kills, 5);
  now = NOW + 26 * DAY_MS;
  assert.equal(elsewhere("repository", REPOSITORY), null);
});

test("lines that are none are passed over and told once, and a file that is gone is tried again", () => {
  const file = join(dir, "a.jsonl");
  const bad = [
    "{",
    "[]",
    "null",
    '{"kind":"user"}',
    theirs("x", { hash: "x" }),
    theirs("x", { kills: -1 }),
    theirs("x", { last: "x" }),
  ];
  writeFileSync(file, `${bad.join("\n")}\n${theirs(REPOSITORY)}`);
  const { elsewhere, refresh } = open([file]);
  refresh();
  assert.deepEqual(warned, ["share offenders: 7 lines of other ledgers are none, and passed over"]);
  assert.equal(elsewhere("repository", REPOSITORY)?.kills, 5);
  rmSync(file);
  refresh();
  refresh();
  assert.equal(warned.length, 2);
  assert.equal(elsewhere("repository", REPOSITORY)?.kills, 5, "what was known stays");
  assert.throws(
    () => createSharedLedger({ db: () => db, keyFile: file, exportFile: null, imports: [], warn() {} }),
    /read/,
  );
});

test("the pages show it beside our own, and a key without a purpose is refused", async () => {
  const [log, file] = [join(dir, "log"), join(dir, "a.jsonl")];
  const fields = {
    source: "execwhacker.bpf",
    action: "killed",
    event: "Killed process",
    timestamp: new Date().toISOString(),
  };
  const envs = { BINDER_REPO_URL: REPOSITORY };
  writeFileSync(log, `${JSON.stringify({ pid: 7, cmdline: "x", matched: "x", start_time: "s", envs, ...fields })}\n`);
  const later = new Date(Date.now() + DAY_MS).toISOString();
  writeFileSync(file, theirs(REPOSITORY, { last: new Date().toISOString(), expires: later }));
  const flags = { ...FLAGS, log: [log], ledgerKeyFile: join(dir, "key"), ledgerImport: [file] };
  const running = await startConsole(flags, ASSETS, () => {});
  const page = async (path: string) => (await fetch(new URL(path, running.url))).text();
  try {
    let text = "";
    for (let i = 0; i < 600 && !text.includes(REPOSITORY); i++) {
      text = await page("/offenders?by=repository&days=7");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.match(text, /<td data-label="Elsewhere">5 kills, the last /);
    const number = /\/kills\/([0-9A-Z]{4}-[0-9A-Z]{4})/.exec(await page("/kills"))![1];
    assert.match(await page(`/kills/${number}`), /This repository elsewhere<\/dt><dd>5 kills/);
  } finally {
    await running.stop();
  }
  const { ledgerKeyFile: _, ...without } = flags;
  await assert.rejects(
    startConsole(without, ASSETS, () => {}),
    /under which key/,
  );
});

const ASSETS = new URL("../../../../build/console/assets/", import.meta.url);
const FLAGS = {
  kubernetes: false,
  selector: "",
  node: "node-1",
  listen: "127.0.0.1:0",
  trustedProxy: [],
  proxyHeader: "x-forwarded-user",
  config: [],
  mode: "enforce" as const,
  showStrings: false,
  metricsPort: 0,
  podEvents: false,
  healthPort: 0,
  retainDays: 3650,
  retainMegabytes: 100,
};
