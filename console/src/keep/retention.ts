// What is too old or too much is taken out, the oldest first, a little at a time.
import { type Database, inTransaction } from "./database.js";
import { DAY_MS, HOUR_MS } from "./store.js";

export interface Bounds {
  readonly maxAgeMs: number;
  /** Of the file, without what is free in it. */
  readonly maxBytes: number;
}

/** Deleted in one transaction: some tens of milliseconds. */
const STEP = 2000;

/**
 * One step towards the bounds.
 *
 * @returns how many rows went; less than a step's worth means that the bounds are kept.
 */
export function pruneStep(db: Database, { maxAgeMs, maxBytes }: Bounds, nowMs: number): number {
  const cutoff = nowMs - maxAgeMs;
  const removed = removeOldest(db, usedBytes(db) > maxBytes ? Number.MAX_SAFE_INTEGER : Math.floor(cutoff) * 1000);
  db.prepare("DELETE FROM hourly WHERE hour < ?").run(Math.floor(cutoff / HOUR_MS));
  db.prepare("DELETE FROM offences WHERE day < ?").run(Math.floor(cutoff / DAY_MS));
  if (removed > 0) db.exec("PRAGMA incremental_vacuum(4000)");
  return removed;
}

export function usedBytes(db: Database): number {
  const of = (name: string) => Object.values(db.prepare(`PRAGMA ${name}`).get() as Record<string, number>)[0]!;
  return (of("page_count") - of("freelist_count")) * of("page_size");
}

function removeOldest(db: Database, beforeId: number): number {
  return inTransaction(db, () => {
    const ids = db.prepare("SELECT id FROM sightings WHERE id < ? ORDER BY id LIMIT ?").all(beforeId, STEP) as {
      id: number;
    }[];
    const last = ids.at(-1);
    if (last === undefined) return 0;
    const unindex = db.prepare("DELETE FROM words WHERE rowid = ?");
    for (const { id } of ids) unindex.run(id);
    db.prepare("DELETE FROM sightings WHERE id <= ?").run(last.id);
    return ids.length;
  });
}
