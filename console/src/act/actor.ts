// After so many kills of one user, the steps at the user's hub; each is written down with its reason, and can be undone. What was
// only watched or spared never counts, and neither does what users share: an address, an image, a repository.
import type { Database } from "../keep/database.js";
import type { Kept } from "../keep/store.js";
import { doStep, isUsersPod, undoStep } from "./hub-api.js";
import type { Hub, Step } from "./hub-settings.js";

export interface ActionRow {
  readonly id: number;
  readonly at: number;
  readonly namespace: string;
  readonly user: string;
  readonly step: Step;
  readonly reason: string;
  readonly dry: 0 | 1;
  readonly ok: 0 | 1;
  readonly result: string;
  readonly undone: number | null;
}

export interface Actor {
  add(kept: readonly Kept[]): void;
  undo(id: number): Promise<string>;
  rows(): readonly ActionRow[];
  /** Resolves when nothing is under way. */
  settled(): Promise<void>;
}

export function createActor(
  db: () => Database,
  hubs: readonly Hub[],
  warn: (message: string) => void,
  now = Date.now,
): Actor {
  let under = Promise.resolve();
  return {
    add(kept) {
      for (const { sighting } of kept) {
        const { action, namespace, user, pod, at } = sighting;
        const hub = hubs.find((one) => one.namespace === namespace);
        if (hub === undefined || action !== "killed" || user === null || pod === null) continue;
        // What is read long after it happened is history.
        if (now() - at > hub.windowMinutes * 60_000) continue;
        under = under
          .then(() => consider(hub, user, pod))
          .catch((error: unknown) => warn(`act on ${hub.namespace}: ${error}`));
      }
    },
    rows: () => db().prepare("SELECT * FROM actions ORDER BY id DESC LIMIT 200").all() as unknown as ActionRow[],
    settled: () => under,
    async undo(id) {
      const row = db().prepare("SELECT * FROM actions WHERE id = ?").get(id) as ActionRow | undefined;
      const hub = hubs.find(({ namespace }) => namespace === row?.namespace);
      if (row === undefined || hub === undefined || row.dry === 1 || row.undone !== null) return "nothing to undo";
      const { ok, what } = await undoStep(hub, row.step, row.user);
      if (ok) db().prepare("UPDATE actions SET undone = ? WHERE id = ?").run(now(), id);
      warn(`act on ${hub.namespace}: undo ${row.step} of ${JSON.stringify(row.user)}: ${what}`);
      return what;
    },
  };

  async function consider(hub: Hub, user: string, pod: string): Promise<void> {
    const last =
      (
        db().prepare("SELECT max(at) AS at FROM actions WHERE namespace = ? AND user = ?").get(hub.namespace, user) as {
          at: number | null;
        }
      ).at ?? 0;
    const since = Math.max(last + 1, now() - hub.windowMinutes * 60_000);
    const { kills } = db()
      .prepare(
        "SELECT coalesce(sum(count), 0) AS kills FROM sightings WHERE namespace = ? AND user = ? AND action = 'killed' AND id >= ?",
      )
      .get(hub.namespace, user, since * 1000) as { kills: number };
    if (kills < hub.afterKills) return;
    const reason = `${kills} kills within ${hub.windowMinutes} min, the last in ${pod}`;
    const known = await isUsersPod(hub, user, pod);
    for (const step of hub.steps) {
      const done = !known.ok
        ? known
        : hub.dryRun
          ? { ok: true, what: "dry run: nothing was done" }
          : await doStep(hub, step, user);
      db()
        .prepare(
          "INSERT INTO actions (at, namespace, user, step, reason, dry, ok, result) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .run(now(), hub.namespace, user, step, reason, hub.dryRun ? 1 : 0, done.ok ? 1 : 0, done.what);
      warn(`act on ${hub.namespace}: ${step} ${JSON.stringify(user)}: ${done.what} (${reason})`);
      if (!known.ok) return;
    }
  }
}
