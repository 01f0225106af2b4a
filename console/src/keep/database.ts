// The file: opened, brought to today's form, and begun anew when it is damaged.
import { existsSync, mkdirSync, renameSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type DatabaseSyncInstance } from "@photostructure/sqlite";
import { MIGRATIONS } from "./migrations.js";

export type Database = DatabaseSyncInstance;

export interface Opened {
  readonly db: Database;
  /** What the operator should hear of it. */
  readonly warning: string | null;
}

/** A later version of the console made the file. */
export class NewerDatabaseError extends Error {
  override readonly name = "NewerDatabaseError";
  readonly hint = "start the version that made it, or give another --data directory";
}

/**
 * Open `file`, or a database in memory for `:memory:`. A damaged file is kept beside it under another name.
 *
 * @throws NewerDatabaseError, and what SQLite says of a directory that can't be written.
 */
export function openDatabase(file: string, migrations: readonly string[] = MIGRATIONS, now = Date.now): Opened {
  if (file === ":memory:") return { db: open(file, migrations), warning: null };
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  try {
    return { db: open(file, migrations), warning: null };
  } catch (error) {
    if (!isDamage(error)) throw error;
    const aside = setAside(file, now());
    return {
      db: open(file, migrations),
      warning: `the database was damaged; it is kept as ${aside}, and a new one is begun`,
    };
  }
}

/** @returns where the damaged file is now. */
export function setAside(file: string, nowMs: number): string {
  const aside = `${file}.damaged-${new Date(nowMs).toISOString().replaceAll(":", "")}`;
  for (const ending of ["", "-wal", "-shm"]) if (existsSync(file + ending)) renameSync(file + ending, aside + ending);
  return aside;
}

/** https://www.sqlite.org/rescode.html: SQLITE_CORRUPT, SQLITE_FULL, SQLITE_NOTADB, SQLITE_IOERR */
const CORRUPT = 11;
const FULL = 13;
const NOT_A_DATABASE = 26;
const IO_ERROR = 10;

export function isDamage(error: unknown): boolean {
  const code = codeOf(error);
  return error instanceof DamageError || code === CORRUPT || code === NOT_A_DATABASE;
}

/** No room, or a disk that can't be written now: what was to be written may be written later. */
export function isFull(error: unknown): boolean {
  const code = codeOf(error);
  return code === FULL || code === IO_ERROR;
}

function codeOf(error: unknown): number | null {
  if (!(error instanceof Error) || !("errcode" in error) || typeof error.errcode !== "number") return null;
  return error.errcode & 0xff;
}

class DamageError extends Error {
  override readonly name = "DamageError";
}

function open(file: string, migrations: readonly string[]): Database {
  const db = new DatabaseSync(file, { enableDoubleQuotedStringLiterals: false });
  try {
    // Before there is a table: it can't be changed later without writing all anew.
    db.exec("PRAGMA auto_vacuum = INCREMENTAL");
    db.exec(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000; PRAGMA cache_size = -16384",
    );
    // The tables' form, not their indexes: some seconds for a gigabyte.
    if (!isWhole(db)) throw new DamageError("quick_check");
    migrate(db, migrations);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function isWhole(db: Database): boolean {
  const [first] = db.prepare("PRAGMA quick_check(1)").all() as { quick_check: string }[];
  return first?.quick_check === "ok";
}

function migrate(db: Database, migrations: readonly string[]): void {
  const { user_version: version } = db.prepare("PRAGMA user_version").get() as { user_version: number };
  if (version > migrations.length)
    throw new NewerDatabaseError(`open the database: its form is ${version}, this version knows ${migrations.length}`);
  for (let step = version; step < migrations.length; step++) {
    inTransaction(db, () => db.exec(`${migrations[step]!}; PRAGMA user_version = ${step + 1}`));
  }
}

/** All of `act`, or nothing of it. */
export function inTransaction<T>(db: Database, act: () => T): T {
  db.exec("BEGIN IMMEDIATE");
  try {
    const result = act();
    db.exec("COMMIT");
    return result;
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}
