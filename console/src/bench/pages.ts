// How long each page takes with a million kills kept: node console/dist/src/bench/pages.js [ROWS] [DIR]
// With DIR the database is kept there, and filled from where an earlier run left it.
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDatabase } from "../keep/database.js";
import { rowsByNumber, searchRows } from "../keep/queries.js";
import { createStore, DAY_MS, KINDS } from "../keep/store.js";
import { kill } from "../show/pages/kill.js";
import { kills } from "../show/pages/kills.js";
import { offenders } from "../show/pages/offenders.js";
import { overview } from "../show/pages/overview.js";
import type { PageParts } from "../show/parts.js";
import { someKill } from "./some-kill.js";

const rows = Number(process.argv[2] ?? 1_000_000);
const kept = process.argv[3];
const dir = kept ?? mkdtempSync(join(tmpdir(), "console-bench-"));
const file = join(dir, "console.sqlite");
const { db } = openDatabase(file);
// The filling is not what is measured.
db.exec("PRAGMA synchronous = OFF; PRAGMA cache_size = -400000; PRAGMA wal_autocheckpoint = 20000");
const store = createStore(db);
const begunAt = join(dir, "begun-at");
if (!existsSync(begunAt)) writeFileSync(begunAt, String(Date.now()));
const now = Number(readFileSync(begunAt, "utf8"));
const begun = performance.now();
const { there } = db.prepare("SELECT count(*) AS there FROM sightings").get() as { there: number };
for (let at = there; at < rows; at += 5000) {
  const sightings = Array.from({ length: Math.min(5000, rows - at) }, (_, i) =>
    someKill(at + i, now - 90 * DAY_MS + ((at + i) / rows) * 90 * DAY_MS),
  );
  store.write({ sightings, notices: [], positions: new Map() });
}
const seconds = (performance.now() - begun) / 1000;
process.stdout.write(
  `${rows - there} rows written in ${seconds.toFixed(1)} s, ${Math.round((rows - there) / seconds)} a second, ${Math.round(statSync(file).size / rows)} bytes each\n\n`,
);

db.exec("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA cache_size = -16384; PRAGMA synchronous = NORMAL");
const parts: PageParts = {
  db: () => db,
  showStrings: false,
  coverage: () => ({ agents: [], unguarded: [], nodes: 0, counts: { lines: 0, foreign: 0, overlong: 0 } }),
  troubles: () => [],
  explainer: null,
  now: () => now,
};
const ask = (path: string) => {
  const url = new URL(path, "http://x");
  return { path: url.pathname, params: url.searchParams, form: null, formKey: "", who: "" };
};
const random = (n: number) => Math.floor(Math.random() * n);
const anyRow = () => someKill(random(rows), 0);
const q = (text: string) => encodeURIComponent(text);
const pages: readonly (readonly [string, () => unknown])[] = [
  ["overview, day", () => overview(parts, ask("/?span=day"))],
  ["overview, month", () => overview(parts, ask("/?span=month"))],
  ["processes", () => kills(parts, ask("/kills"))],
  ["processes, an old page", () => kills(parts, ask(`/kills?before=${(now - random(80) * DAY_MS) * 1000}`))],
  ["processes of a pod", () => kills(parts, ask(`/kills?pod=${q(anyRow().pod!)}`))],
  ["processes of a hub, spared", () => kills(parts, ask(`/kills?namespace=${q(anyRow().namespace!)}&action=spared`))],
  [
    "processes of a hub and rule in a week",
    () =>
      kills(
        parts,
        ask(
          `/kills?namespace=hub-1&rule=${q(anyRow().rule!)}&from=${new Date(now - 30 * DAY_MS).toISOString().slice(0, 10)}`,
        ),
      ),
  ],
  ["search for a pod", () => kills(parts, ask(`/kills?q=${q(anyRow().pod!)}`))],
  ["search for what all have", () => kills(parts, ask("/kills?q=stratum"))],
  ["search for what none has", () => kills(parts, ask("/kills?q=nobody-has-this"))],
  ...KINDS.map(
    (kind) => [`offenders by ${kind}, 30 days`, () => offenders(parts, ask(`/offenders?by=${kind}&days=30`))] as const,
  ),
  ["one kill", () => kill(parts, ask(`/kills/${numbers[random(numbers.length)]}`))],
];
const numbers = searchRows(db, { filters: {} }, 500).map(({ number }) => number);
if (rowsByNumber(db, numbers[0]!).length === 0) throw new Error("no row is found by its number");

process.stdout.write(
  "| page | median, ms | p95, ms | CPU, median, ms | CPU, p95, ms |\n| --- | --- | --- | --- | --- |\n",
);
for (const [name, page] of pages) {
  const walls: number[] = [];
  const cpus: number[] = [];
  for (let i = 0; i < 100; i++) {
    const [start, cpu] = [performance.now(), process.cpuUsage()];
    page();
    const { user, system } = process.cpuUsage(cpu);
    walls.push(performance.now() - start);
    // On a machine that others keep busy this says what the page costs.
    cpus.push((user + system) / 1000);
  }
  const columns = [walls, cpus].flatMap((times) => {
    const sorted = times.toSorted((a, b) => a - b);
    return [sorted[50]!.toFixed(1), sorted[95]!.toFixed(1)];
  });
  process.stdout.write(`| ${name} | ${columns.join(" | ")} |\n`);
}
process.stdout.write(`\nmemory: ${Math.round(process.memoryUsage().rss / 1048576)} MiB\n`);
db.close();
if (kept === undefined) rmSync(dir, { recursive: true });
