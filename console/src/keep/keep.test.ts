import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { someSighting } from "../fixtures/sightings.js";
import { NewerDatabaseError, openDatabase } from "./database.js";
import { createKeeper } from "./keeper.js";
import { MIGRATIONS } from "./migrations.js";
import { hourly, offenders, rowsByNumber, searchRows } from "./queries.js";
import { pruneStep, usedBytes } from "./retention.js";
import { createStore, DAY_MS } from "./store.js";

const NOTHING = { notices: [], positions: new Map<string, string>() };
const BOUNDS = { maxAgeMs: 3650 * DAY_MS, maxBytes: 1e12 };

function inMemory() {
  const { db } = openDatabase(":memory:");
  return { db, store: createStore(db) };
}

test("one process is one row however often its line comes, and the strongest word stands there", () => {
  const { db, store } = inMemory();
  const spared = someSighting({ action: "spared" });
  assert.equal(store.write({ ...NOTHING, sightings: [spared, spared] }).length, 1);
  const killed = someSighting({ action: "killed", at: spared.at + 5 });
  assert.deepEqual(
    store.write({ ...NOTHING, sightings: [killed, spared] }).map(({ isNew }) => isNew),
    [false],
  );
  const [row, ...others] = searchRows(db, { filters: {} }, 9);
  assert.deepEqual([row!.action, row!.times, others.length], ["killed", 4, 0]);
  assert.deepEqual(
    hourly(db, 0).map(({ action, count }) => [action, count]),
    [["killed", 1]],
  );
  assert.deepEqual(
    offenders(db, "user", 0, 9).map(({ name, kills }) => [name, kills]),
    [["ada", 1]],
  );
});

test("another start time, or another node, is another process", () => {
  const { db, store } = inMemory();
  store.write({
    ...NOTHING,
    sightings: [someSighting(), someSighting({ startTime: "later" }), someSighting({ node: "node-2" })],
  });
  assert.equal(searchRows(db, { filters: {} }, 9).length, 3);
});

test("what is searched is found by any part of it, and its quotes are no syntax", () => {
  const { db, store } = inMemory();
  const tricky = `a "quoted" * AND NOT (x) ' -- 100%`;
  store.write({ ...NOTHING, sightings: [someSighting({ pid: 1 }), someSighting({ pid: 2, cmdline: tricky })] });
  for (const text of ["quoted", tricky, `"quoted" * AND`, "100%"]) {
    assert.deepEqual(
      searchRows(db, { filters: {}, text }, 9).map(({ pid }) => pid),
      [2],
      text,
    );
  }
  assert.deepEqual(
    searchRows(db, { filters: { pod: "jupyter-ada" }, text: "node-1" }, 9).map(({ pid }) => pid),
    [2, 1],
  );
  const { number } = searchRows(db, { filters: {} }, 1)[0]!;
  assert.equal(rowsByNumber(db, number).length, 1);
});

test("a text is found by its rarest part, and only where the whole of it stands", () => {
  const { db, store } = inMemory();
  const named = (pid: number, pod: string, cmdline = "x") =>
    someSighting({ pid, pod, cmdline, user: null, startTime: `${pid}` });
  const others = Array.from({ length: 300 }, (_, i) => named(100 + i, `jupyter-user-${i}`));
  store.write({
    ...NOTHING,
    sightings: [
      named(1, "jupyter-ada-9f31c2"),
      named(2, "hub-ada-9f31c2"),
      named(3, "jupyter-x", "/bin/JUPYTER-ADA-9F31C2 --go"),
      ...others,
    ],
  });
  const pids = (text: string) =>
    searchRows(db, { filters: {}, text }, 999)
      .map(({ pid }) => pid)
      .toSorted((a, b) => a! - b!);
  assert.deepEqual(pids("jupyter-ada-9f31c2"), [1, 3]);
  assert.deepEqual(pids("Jupyter-Ada-9F31C2"), [1, 3]);
  assert.deepEqual(pids("ada-9f31c2"), [1, 2, 3]);
  assert.deepEqual(pids("jupyter-ada-9f31c2 --go"), [3]);
  assert.deepEqual(pids("jupyter-ada-000000"), []);
  assert.equal(pids("jupyter-user-").length, 300);
  assert.deepEqual(pids("jupyter-user-17"), [117, ...Array.from({ length: 10 }, (_, i) => 270 + i)]);
});

test("2,500 processes of one millisecond keep their order and their rows", () => {
  const { db, store } = inMemory();
  const sightings = Array.from({ length: 2500 }, (_, pid) => someSighting({ pid }));
  store.write({ ...NOTHING, sightings });
  assert.deepEqual(
    searchRows(db, { filters: {} }, 3000).map(({ pid }) => pid),
    Array.from({ length: 2500 }, (_, i) => 2499 - i),
  );
});

test("what is too old goes, then the oldest until the rest fits, with its words and sums", () => {
  const { db, store } = inMemory();
  const now = Date.now();
  const sightings = Array.from({ length: 3000 }, (_, pid) => someSighting({ pid, at: now - pid * 60_000 }));
  store.write({ ...NOTHING, sightings });
  while (pruneStep(db, { maxAgeMs: DAY_MS, maxBytes: 1e12 }, now) > 0);
  assert.equal(searchRows(db, { filters: {} }, 9999).length, 1441);
  assert.ok(hourly(db, 0).length <= 26);
  while (pruneStep(db, { maxAgeMs: DAY_MS, maxBytes: 400_000 }, now) > 0 && usedBytes(db) > 400_000);
  assert.equal(searchRows(db, { filters: {}, text: "jupyter-ada" }, 9999).length, 0);
});

test("a damaged file is kept aside, said, and begun anew", () => {
  inDir((dir) => {
    const file = join(dir, "console.sqlite");
    writeFileSync(file, "this is no database".repeat(500));
    const warnings: string[] = [];
    const keeper = createKeeper({ file, bounds: BOUNDS, warn: (text) => warnings.push(text) });
    keeper.sighting(someSighting());
    keeper.close();
    assert.match(warnings.join(), /damaged; it is kept as .*\.damaged-/);
    assert.ok(readdirSync(dir).some((name) => name.includes(".damaged-")));
    const { db } = openDatabase(file);
    assert.equal(searchRows(db, { filters: {} }, 9).length, 1);
    db.close();
  });
});

test("a full disk loses no line that fits in memory, and is said", () => {
  inDir((dir) => {
    const warnings: string[] = [];
    const keeper = createKeeper({
      file: join(dir, "console.sqlite"),
      bounds: BOUNDS,
      warn: (text) => warnings.push(text),
    });
    const { page_count: pages } = keeper.db().prepare("PRAGMA page_count").get() as { page_count: number };
    keeper.db().exec(`PRAGMA max_page_count = ${pages + 2}`);
    for (let pid = 0; pid < 400; pid++) keeper.sighting(someSighting({ pid }));
    keeper.flush();
    assert.match(keeper.state.trouble ?? "", /disk is full/);
    assert.match(warnings.join(), /disk is full/);
    keeper.db().exec("PRAGMA max_page_count = 1000000");
    keeper.flush();
    assert.equal(keeper.state.trouble, null);
    assert.equal(searchRows(keeper.db(), { filters: {} }, 9999).length, 400);
    assert.equal(keeper.state.dropped, 0);
    keeper.close();
  });
});

test("a file is brought to a later form with its rows, and one of a still later form is refused", () => {
  inDir((dir) => {
    const file = join(dir, "console.sqlite");
    const first = openDatabase(file).db;
    createStore(first).write({ ...NOTHING, sightings: [someSighting()] });
    first.close();
    const later = openDatabase(file, [...MIGRATIONS, "ALTER TABLE sightings ADD COLUMN note TEXT"]).db;
    assert.equal(searchRows(later, { filters: {} }, 9).length, 1);
    later.close();
    assert.throws(() => openDatabase(file), NewerDatabaseError);
  });
});

test("how far a log was read is written with its rows, or not at all", () => {
  const { db, store } = inMemory();
  const positions = new Map([["log", "1:100"]]);
  const fail = () => {
    throw new Error("no");
  };
  assert.throws(() => store.write({ notices: [], positions, sightings: [someSighting()] }, fail), /no/);
  assert.equal(store.position("log"), null);
  assert.equal(searchRows(db, { filters: {} }, 9).length, 0);
  store.write({ notices: [], positions, sightings: [someSighting()] });
  assert.equal(store.position("log"), "1:100");
});

function inDir(act: (dir: string) => void): void {
  const dir = mkdtempSync(join(tmpdir(), "console-keep-"));
  try {
    act(dir);
  } finally {
    rmSync(dir, { recursive: true });
  }
}
