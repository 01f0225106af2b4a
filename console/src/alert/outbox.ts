// What is to be told, on disk: written in the transaction of the rows that it tells of, taken away once it was delivered.
import type { Database } from "../keep/database.js";
import type { Kept } from "../keep/store.js";
import { begin, type Group, isOver, take } from "./group.js";
import type { Message } from "./message.js";
import { FILTER_NAMES, type Target } from "./settings.js";

/** Waiting for one target; beyond it the oldest is given up, and counted. */
const MAX_WAITING = 10_000;

export interface Waiting {
  readonly id: number;
  readonly tries: number;
  readonly message: Message;
}

export interface Outbox {
  /** Within the caller's transaction. */
  add(kept: readonly Kept[], nowMs: number): void;
  /** Sum up what is over. */
  resolve(nowMs: number): void;
  /** The oldest that may be sent; its order is kept, so nothing overtakes one that waits for its next try. */
  next(target: string, nowMs: number): Waiting | null;
  delivered(id: number): void;
  retry(id: number, atMs: number): void;
  waiting(): number;
  /** Given up for want of room. */
  readonly dropped: { count: number };
}

export function createOutbox(db: Database, targets: readonly Target[]): Outbox {
  const getGroup = db.prepare("SELECT state, message FROM alert_groups WHERE target = ? AND name = ?");
  const setGroup = db.prepare("INSERT OR REPLACE INTO alert_groups VALUES (?, ?, ?, ?)");
  const groups = db.prepare("SELECT name, state, message FROM alert_groups WHERE target = ?");
  const endGroup = db.prepare("DELETE FROM alert_groups WHERE target = ? AND name = ?");
  const insert = db.prepare("INSERT INTO outbox (target, message, tries, next) VALUES (?, ?, 0, 0)");
  const first = db.prepare("SELECT id, tries, next, message FROM outbox WHERE target = ? ORDER BY id LIMIT 1");
  const remove = db.prepare("DELETE FROM outbox WHERE id = ?");
  const later = db.prepare("UPDATE outbox SET tries = tries + 1, next = ? WHERE id = ?");
  const count = db.prepare("SELECT count(*) AS n FROM outbox WHERE target = ?");
  const oldest = db.prepare("DELETE FROM outbox WHERE id = (SELECT min(id) FROM outbox WHERE target = ?)");
  const all = db.prepare("SELECT count(*) AS n FROM outbox");
  const dropped = { count: 0 };

  return {
    dropped,
    add(kept, nowMs) {
      for (const row of kept) for (const target of targets) if (isWanted(target, row)) tell(target, row, nowMs);
    },
    resolve(nowMs) {
      for (const target of targets) {
        for (const { name, state, message } of groups.all(target.name) as {
          name: string;
          state: string;
          message: string;
        }[]) {
          const group = JSON.parse(state) as Group;
          if (!isOver(group, target.bucket, nowMs)) continue;
          endGroup.run(target.name, name);
          // Where all was told there is nothing to add; an alert that began must end.
          if (group.held > 0 || target.kind === "alertmanager") {
            const last = JSON.parse(message) as Message;
            put(target, {
              ...last,
              type: "resolved",
              held: group.held,
              total: group.total,
              first: group.first,
              at: nowMs,
            });
          }
        }
      }
    },
    next(target, nowMs) {
      const row = first.get(target) as { id: number; tries: number; next: number; message: string } | undefined;
      if (row === undefined || row.next > nowMs) return null;
      return { id: row.id, tries: row.tries, message: JSON.parse(row.message) as Message };
    },
    delivered: (id) => void remove.run(id),
    retry: (id, atMs) => void later.run(atMs, id),
    waiting: () => (all.get() as { n: number }).n,
  };

  function tell(target: Target, { number, sighting }: Kept, nowMs: number): void {
    const { namespace, pod, node, rule } = sighting;
    const name = JSON.stringify(pod === null ? [node, rule] : [namespace, pod, rule]);
    const known = getGroup.get(target.name, name) as { state: string } | undefined;
    const before = known === undefined ? begin(target.bucket, nowMs) : (JSON.parse(known.state) as Group);
    const { group, isTold } = take(before, target.bucket, sighting.count, nowMs);
    const { line: _, ...told } = sighting;
    const message: Message = {
      type: "kill",
      group: name,
      number,
      sighting: { ...told, line: "" },
      held: before.held,
      total: group.total,
      first: group.first,
      at: nowMs,
    };
    setGroup.run(target.name, name, JSON.stringify(group), JSON.stringify(message));
    if (isTold) put(target, message);
  }

  function put(target: Target, message: Message): void {
    if ((count.get(target.name) as { n: number }).n >= MAX_WAITING) {
      oldest.run(target.name);
      dropped.count++;
    }
    insert.run(target.name, JSON.stringify(message));
  }
}

function isWanted({ actions, filters }: Target, { sighting }: Kept): boolean {
  return (
    actions.includes(sighting.action) &&
    FILTER_NAMES.every((name) => filters[name]?.includes(sighting[name] ?? "") ?? true)
  );
}
