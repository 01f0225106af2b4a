// Ledgers that follow by themselves: ours is written again after kills, others' are read again when they change. They are shown beside our
// own offenders. Nothing is done on their account: what acts at hubs does not know of them.
import { readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SettingError } from "../errors.js";
import type { Database } from "../keep/database.js";
import type { Kept } from "../keep/store.js";
import { exportLedger, hashOf, isShared, type LedgerLine, parseLedgerLine } from "./ledger.js";

export interface SharedLedgerOptions {
  readonly db: () => Database;
  /** Both deployments have it. */
  readonly keyFile: string;
  /** Null: ours is not written. */
  readonly exportFile: string | null;
  /** Files, or directories whose files end in .jsonl. */
  readonly imports: readonly string[];
  readonly warn: (message: string) => void;
  readonly now?: () => number;
  readonly everyMs?: number;
}

export interface SharedLedger {
  /** What other deployments say of one of our offenders; null where they do not know it. */
  elsewhere(kind: string, name: string): LedgerLine | null;
  /** For what was just kept. */
  add(kept: readonly Kept[]): void;
  /** Read and write what has changed; it is done at intervals anyway. */
  refresh(): void;
  close(): void;
}

const EVERY_MS = 30_000;
const EXPORT_DAYS = 30;
/** Of all imports together: some 30 MB of memory. */
const MAX_LINES = 200_000;
const MAX_BYTES = 64 * 1024 * 1024;

/** @throws SettingError for a key that is none. */
export function createSharedLedger(options: SharedLedgerOptions): SharedLedger {
  const { db, keyFile, exportFile, imports, warn, now = Date.now, everyMs = EVERY_MS } = options;
  const key = readKey(keyFile);
  let known = new Map<string, LedgerLine>();
  let seen = "";
  let trouble = "";
  let isDue = true;
  refresh();
  const timer = setInterval(refresh, everyMs).unref();
  return {
    elsewhere(kind, name) {
      const line = isShared(kind) ? known.get(hashOf(key, kind, name)) : undefined;
      return line === undefined || line.kind !== kind || isOver(line) ? null : line;
    },
    add(kept) {
      isDue ||= kept.some(({ sighting }) => sighting.action === "killed");
    },
    refresh,
    close: () => clearInterval(timer),
  };

  function refresh(): void {
    try {
      readOthers();
      if (isDue && exportFile !== null) writeOurs(exportFile);
      isDue = false;
      trouble = "";
    } catch (error) {
      const why = (error as Error).message;
      if (why !== trouble) warn(`share offenders: ${why}; tried again`);
      trouble = why;
    }
  }

  function readOthers(): void {
    const files = imports.flatMap(filesOf);
    const stats = files.map((file) => ({ file, stat: statSync(file) }));
    const marks = JSON.stringify(stats.map(({ file, stat }) => [file, stat.ino, stat.size, stat.mtimeMs]));
    if (marks === seen) return;
    const large = stats.find(({ stat }) => stat.size > MAX_BYTES);
    if (large !== undefined) throw new Error(`${large.file} has more than ${MAX_BYTES / 1048576} MiB`);
    const next = new Map<string, LedgerLine>();
    let [foreign, many] = [0, 0];
    for (const { file } of stats) {
      for (const text of readFileSync(file, "utf8").split("\n")) {
        if (text === "") continue;
        const line = parseLedgerLine(text);
        if (line === null) foreign++;
        else if (isOver(line)) continue;
        else if (next.size >= MAX_LINES && !next.has(line.hash)) many++;
        else next.set(line.hash, sum(next.get(line.hash), line));
      }
    }
    known = next;
    seen = marks;
    if (foreign > 0) warn(`share offenders: ${foreign} lines of other ledgers are none, and passed over`);
    if (many > 0) warn(`share offenders: ${many} lines beyond ${MAX_LINES} found no room`);
  }

  /** Whole or not at all: somebody else copies it. */
  function writeOurs(file: string): void {
    const lines = exportLedger(db(), key, EXPORT_DAYS, now()).map((line) => `${JSON.stringify(line)}\n`);
    writeFileSync(`${file}.new`, lines.join(""), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }

  function isOver({ expires }: LedgerLine): boolean {
    return Date.parse(expires) <= now();
  }
}

function filesOf(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .filter((name) => name.endsWith(".jsonl"))
    .toSorted()
    .map((name) => join(path, name));
}

/** Of several deployments. */
function sum(one: LedgerLine | undefined, other: LedgerLine): LedgerLine {
  if (one === undefined || one.kind !== other.kind) return other;
  const later = one.last > other.last ? one : other;
  return { ...later, kills: one.kills + other.kills };
}

/** @throws SettingError */
export function readKey(keyFile: string): string {
  let key: string;
  try {
    key = readFileSync(keyFile, "utf8").trim();
  } catch (error) {
    throw new SettingError(`read ${keyFile}: ${(error as Error).message}`, "make a key: openssl rand -hex 32");
  }
  if (key.length < 16)
    throw new SettingError(`${keyFile}: a key has 16 characters at least`, "make one: openssl rand -hex 32");
  return key;
}
