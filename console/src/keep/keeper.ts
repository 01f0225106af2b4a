// What was read, gathered for a moment and written together; and what is done when it can't be written.
import type { Intake } from "../read/reader.js";
import type { Notice, Sighting } from "../types.js";
import { type Database, isDamage, isFull, openDatabase, setAside } from "./database.js";
import { type Bounds, pruneStep } from "./retention.js";
import { createStore, type Kept, type Store } from "./store.js";

export interface KeeperOptions {
  /** `:memory:`, or a file. */
  readonly file: string;
  readonly bounds: Bounds;
  readonly now?: () => number;
  readonly warn: (message: string) => void;
  /** In the rows' own transaction. */
  readonly also?: (db: Database, kept: readonly Kept[]) => void;
}

/** Numbers that only grow, and what an operator should know. */
export interface KeepState {
  rows: number;
  /** Read, and lost because the disk was full for long. */
  dropped: number;
  /** Null while all is well. */
  trouble: string | null;
}

export interface Keeper extends Intake {
  readonly state: KeepState;
  db(): Database;
  store(): Store;
  /** A log was read up to there, once all that was handed in before is written. */
  position(source: string, position: string): void;
  /** Write what waits. */
  flush(): void;
  /** Called after rows were written; returns what ends it. */
  onKept(listener: (kept: readonly Kept[]) => void): () => void;
  close(): void;
}

/** Rows that wait for the disk at most: some 30 MB. */
const MAX_WAITING = 20_000;
const BATCH = 500;
const FLUSH_MS = 100;
const PRUNE_MS = 60_000;

export function createKeeper(options: KeeperOptions): Keeper {
  const { file, bounds, now = Date.now, warn, also } = options;
  const state: KeepState = { rows: 0, dropped: 0, trouble: null };
  const listeners = new Set<(kept: readonly Kept[]) => void>();
  let { db, warning } = openDatabase(file);
  let store = createStore(db);
  let sightings: Sighting[] = [];
  let notices: Notice[] = [];
  let positions = new Map<string, string>();
  let timer: NodeJS.Timeout | null = null;
  if (warning !== null) say(warning);
  const pruning = setInterval(prune, PRUNE_MS).unref();

  return {
    state,
    db: () => db,
    store: () => store,
    sighting(sighting) {
      if (sightings.length >= MAX_WAITING) {
        sightings.shift();
        state.dropped++;
      }
      sightings.push(sighting);
      if (sightings.length >= BATCH && state.trouble === null) flush();
      else wait();
    },
    notice(notice) {
      if (notices.length >= MAX_WAITING) notices.shift();
      notices.push(notice);
      wait();
    },
    position(source, position) {
      positions.set(source, position);
      wait();
    },
    flush,
    onKept(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close() {
      clearInterval(pruning);
      if (timer !== null) clearTimeout(timer);
      flush();
      db.close();
    },
  };

  function wait(): void {
    timer ??= setTimeout(flush, state.trouble === null ? FLUSH_MS : 20 * FLUSH_MS).unref();
  }

  function flush(): void {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (sightings.length === 0 && notices.length === 0 && positions.size === 0) return;
    try {
      const kept = store.write({ sightings, notices, positions }, (rows) => also?.(db, rows));
      state.rows += kept.length;
      state.trouble = null;
      sightings = [];
      notices = [];
      positions = new Map();
      if (kept.length > 0) for (const listener of listeners) listener(kept);
    } catch (error) {
      if (isDamage(error)) beginAnew();
      else if (isFull(error)) makeRoom(error);
      else throw error;
      wait();
    }
  }

  function beginAnew(): void {
    db.close();
    const aside = setAside(file, now());
    ({ db, warning } = openDatabase(file));
    store = createStore(db);
    say(`the database was damaged; it is kept as ${aside}, and a new one is begun`);
  }

  function makeRoom(error: unknown): void {
    say(`the disk is full: ${error instanceof Error ? error.message : error}; lines wait in memory`);
    state.trouble = "the disk is full: lines wait in memory";
    try {
      pruneStep(db, { ...bounds, maxBytes: 0 }, now());
    } catch (again) {
      if (!isFull(again)) throw again;
    }
  }

  function prune(): void {
    try {
      if (pruneStep(db, bounds, now()) > 0) setImmediate(prune).unref();
    } catch (error) {
      if (isDamage(error)) beginAnew();
      else if (!isFull(error)) throw error;
    }
  }

  function say(message: string): void {
    if (state.trouble !== message) warn(message);
  }
}
