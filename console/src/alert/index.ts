// Alerts, put together: rows go into the outbox with their own transaction, and out of it one by one.

import { type Database, inTransaction } from "../keep/database.js";
import type { Keeper } from "../keep/keeper.js";
import type { Kept } from "../keep/store.js";
import { createOutbox, type Outbox } from "./outbox.js";
import { createSender, type Sender, type SendParts } from "./sender.js";
import type { AlertSettings } from "./settings.js";

const RESOLVE_MS = 15_000;

export interface Alerts {
  /** For the keeper: within its transaction. */
  also(db: Database, kept: readonly Kept[]): void;
  start(keeper: Keeper): void;
  readonly sender: () => Sender | null;
  dropped(): number;
  stop(): Promise<void>;
}

export function createAlerts(
  settings: AlertSettings,
  warn: (message: string) => void,
  parts: SendParts & { readonly maxAgeMs?: number } = {},
): Alerts {
  const { now = Date.now, maxAgeMs = 3_600_000 } = parts;
  let of: { readonly db: Database; readonly outbox: Outbox } | null = null;
  let sender: Sender | null = null;
  let resolves: NodeJS.Timeout | null = null;
  let lost = 0;
  // A damaged database is begun anew while all else goes on.
  const outboxOf = (db: Database) => {
    if (of?.db !== db) {
      lost += of?.outbox.dropped.count ?? 0;
      of = { db, outbox: createOutbox(db, settings.targets) };
    }
    return of.outbox;
  };
  return {
    // Logs of a month that are read for the first time wake nobody.
    also: (db, kept) =>
      outboxOf(db).add(
        kept.filter(({ sighting }) => now() - sighting.at < maxAgeMs),
        now(),
      ),
    start(keeper) {
      sender = createSender(() => outboxOf(keeper.db()), settings, warn, parts);
      keeper.onKept(() => sender?.wake());
      resolves = setInterval(() => {
        inTransaction(keeper.db(), () => outboxOf(keeper.db()).resolve(now()));
        sender?.wake();
      }, RESOLVE_MS).unref();
      sender.wake();
    },
    sender: () => sender,
    dropped: () => lost + (of?.outbox.dropped.count ?? 0),
    async stop() {
      if (resolves !== null) clearInterval(resolves);
      await sender?.stop();
    },
  };
}
