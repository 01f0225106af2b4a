// What is kept: rows, and with each of them the sums that the pictures need. All writing is here.
import { ACTIONS, type Action, KILLS, type Notice, type Sighting } from "../types.js";
import { type Database, inTransaction } from "./database.js";
import { keyOf, numberOf } from "./identity.js";

export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

/** What people and things a kill is charged to. */
export const KINDS = ["pod", "user", "image", "repository", "address", "wallet", "rule"] as const;
export type Kind = (typeof KINDS)[number];

/** One row as it is now. */
export interface Kept {
  readonly id: number;
  readonly number: string;
  readonly sighting: Sighting;
  /** False: it was known, and has become something stronger. */
  readonly isNew: boolean;
}

export interface Batch {
  readonly sightings: readonly Sighting[];
  readonly notices: readonly Notice[];
  readonly positions: ReadonlyMap<string, string>;
}

export interface Store {
  /**
   * Write all or nothing, in one transaction.
   *
   * @param also - Written with it, with the rows that are new or stronger than they were.
   * @returns those rows.
   */
  write(batch: Batch, also?: (kept: readonly Kept[]) => void): readonly Kept[];
  position(source: string): string | null;
}

interface Known {
  readonly id: number;
  readonly action: Action;
  readonly count: number;
}

export function createStore(db: Database): Store {
  const find = db.prepare("SELECT id, action, count FROM sightings WHERE key = ?");
  const lastOf = db.prepare("SELECT max(id) AS id FROM sightings WHERE id >= ? AND id < ?");
  const insert = db.prepare(`
    INSERT INTO sightings (id, key, number, action, detector, node, pid, start_time, count, times, cmdline, matched, rule,
      namespace, pod, container, container_id, image, user, repository, address, wallet, line)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const again = db.prepare("UPDATE sightings SET times = times + 1 WHERE id = ?");
  const strengthen = db.prepare(
    `UPDATE sightings SET times = times + 1, action = ?, detector = ?, cmdline = ?, matched = ?, rule = ?, wallet = ?, line = ?,
      namespace = coalesce(?, namespace), pod = coalesce(?, pod), image = coalesce(?, image) WHERE id = ?`,
  );
  const index = db.prepare("INSERT INTO words (rowid, text) VALUES (?, ?)");
  const unindex = db.prepare("DELETE FROM words WHERE rowid = ?");
  const addHour = db.prepare(`
    INSERT INTO hourly VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET count = count + excluded.count`);
  const addOffence = db.prepare(`
    INSERT INTO offences VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET kills = kills + excluded.kills, first = min(first, excluded.first), last = max(last, excluded.last)`);
  const setPosition = db.prepare("INSERT OR REPLACE INTO positions VALUES (?, ?)");
  const getPosition = db.prepare("SELECT position FROM positions WHERE source = ?");
  const setAgent = db.prepare(`
    INSERT INTO agents VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET at = excluded.at, level = excluded.level, event = excluded.event, fields = excluded.fields
    WHERE excluded.at >= at`);

  return {
    write: (batch, also = () => {}) =>
      inTransaction(db, () => {
        const kept: Kept[] = [];
        for (const sighting of batch.sightings) {
          const row = put(sighting);
          if (row !== null) kept.push(row);
        }
        for (const { node, detector, at, level, event, fields } of batch.notices)
          setAgent.run(node, detector, topicOf(event), at, level, event, JSON.stringify(fields));
        for (const [source, position] of batch.positions) setPosition.run(source, position);
        also(kept);
        return kept;
      }),
    position: (source) => (getPosition.get(source) as { position: string } | undefined)?.position ?? null,
  };

  function put(sighting: Sighting): Kept | null {
    const key = keyOf(sighting);
    const known = find.get(key) as Known | undefined;
    if (known === undefined) return add(sighting, key);
    if (ACTIONS.indexOf(sighting.action) <= ACTIONS.indexOf(known.action)) {
      again.run(known.id);
      return null;
    }
    const { action, detector, cmdline, matched, rule, wallet, line, namespace, pod, image } = sighting;
    strengthen.run(action, detector, cmdline, matched, rule, wallet, line, namespace, pod, image, known.id);
    // Without the text of before, which a contentless index does not need.
    unindex.run(known.id);
    index.run(known.id, searchedText(sighting, numberOf(key)));
    count({ ...sighting, action: known.action }, -1);
    count(sighting, 1);
    if (!KILLS.includes(known.action)) charge(sighting);
    return { id: known.id, number: numberOf(key), sighting, isNew: false };
  }

  function add(sighting: Sighting, key: Uint8Array): Kept {
    const { at, action, detector, node, pid, startTime, count: n, cmdline, matched, rule, line } = sighting;
    const { namespace, pod, container, containerId, image, user, repository, address, wallet } = sighting;
    const number = numberOf(key);
    const id = freeId(at);
    insert.run(
      ...[id, key, number, action, detector, node, pid, startTime, n, cmdline, matched, rule],
      ...[namespace, pod, container, containerId, image, user, repository, address, wallet, line],
    );
    index.run(id, searchedText(sighting, number));
    count(sighting, 1);
    charge(sighting);
    return { id, number, sighting, isNew: true };
  }

  /** More than a thousand in one millisecond run into the next. */
  function freeId(at: number): number {
    for (let first = Math.floor(at) * 1000; ; first += 1000) {
      const { id } = lastOf.get(first, first + 1000) as { id: number | null };
      if (id === null) return first;
      if (id + 1 < first + 1000) return id + 1;
    }
  }

  function count({ at, namespace, detector, action, count: n }: Sighting, sign: 1 | -1): void {
    addHour.run(Math.floor(at / HOUR_MS), namespace ?? "", detector, action, sign * n);
  }

  function charge(sighting: Sighting): void {
    if (!KILLS.includes(sighting.action)) return;
    const { at, namespace, pod } = sighting;
    const day = Math.floor(at / DAY_MS);
    for (const kind of KINDS) {
      const name = kind === "pod" ? (pod === null ? null : `${namespace ?? ""}/${pod}`) : sighting[kind];
      if (name !== null) addOffence.run(kind, day, name, sighting.count, at, at);
    }
  }
}

/** What a search looks through. */
function searchedText(sighting: Sighting, number: string): string {
  const { cmdline, node, namespace, pod, image, user, repository, address, rule } = sighting;
  return [number, cmdline, node, namespace, pod, image, user, repository, address, rule]
    .filter((part) => part)
    .join("\n")
    .replaceAll("\0", " ");
}

/** What replaces what: of the lists in force the last word counts, and so of the runtimes. */
function topicOf(event: string): string {
  if (event === "Guarding" || event === "Config reloaded") return "lists";
  if (event.startsWith("Container runtime")) return "runtimes";
  return event.slice(0, 64);
}
