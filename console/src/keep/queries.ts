// What the pages ask. Every one ends within milliseconds on a million rows: by an index, or by the sums.
import type { Action, Sighting } from "../types.js";
import type { Database } from "./database.js";
import { DAY_MS, HOUR_MS, type Kind } from "./store.js";

/** A sighting as it is kept. */
export interface Row extends Omit<Sighting, "startTime" | "containerId"> {
  readonly id: number;
  /** The case number. */
  readonly number: string;
  readonly start_time: string | null;
  readonly container_id: string | null;
  /** How often its line came. */
  readonly times: number;
}

/** Columns that are looked for by their whole text. */
export const FILTERS = [
  "action",
  "detector",
  "node",
  "namespace",
  "pod",
  "user",
  "image",
  "repository",
  "address",
  "wallet",
  "rule",
] as const;
export type Filter = (typeof FILTERS)[number];

export interface Search {
  readonly filters: Readonly<Partial<Record<Filter, string>>>;
  /** A part of the text: three characters at least. */
  readonly text?: string;
  readonly from?: number;
  readonly until?: number;
  /** Rows older than this id. */
  readonly before?: number;
}

const COLUMNS = `id, number, action, detector, node, pid, start_time, count, times, cmdline, matched, rule, namespace, pod,
  container, container_id, image, user, repository, address, wallet`;

/** The newest first. */
export function searchRows(db: Database, search: Search, limit: number): Row[] {
  const { filters, text, from, until, before } = search;
  const where: string[] = [];
  const values: (string | number)[] = [];
  const add = (condition: string, value: string | number) => {
    where.push(condition);
    values.push(value);
  };
  const few = text === undefined ? null : fewWith(db, text);
  if (few !== null) {
    add("id IN (SELECT value FROM json_each(?))", JSON.stringify(few));
    where.push(`(${SEARCHED.map((column) => `instr(lower(${column}), ?)`).join(" OR ")})`);
    values.push(...SEARCHED.map(() => text!.toLowerCase()));
  } else if (text !== undefined)
    add(`id IN (SELECT rowid FROM words WHERE words MATCH ? ORDER BY rowid DESC LIMIT ${MOST_FOUND})`, phrase(text));
  for (const filter of FILTERS) {
    const value = filters[filter];
    if (value !== undefined) add(`${filter} = ?`, value);
  }
  if (from !== undefined) add("id >= ?", from * 1000);
  if (until !== undefined) add("id < ?", until * 1000);
  if (before !== undefined) add("id < ?", before);
  const condition = where.length === 0 ? "" : `WHERE ${where.join(" AND ")}`;
  const sql = `SELECT ${COLUMNS}, '' AS line FROM sightings ${condition} ORDER BY id DESC LIMIT ?`;
  return rowsOf(db.prepare(sql).all(...values, limit));
}

/** Of what a text finds, the newest are looked through. */
const MOST_FOUND = 5000;
/** The columns whose text the index has. */
const SEARCHED = [
  "number",
  "cmdline",
  "node",
  "namespace",
  "pod",
  "image",
  "user",
  "repository",
  "address",
  "rule",
] as const;
/** Long enough for the index to tell rows apart by, and read by it in a moment. */
const PART_CHARS = 8;
/** The newest rows, by which is guessed which part of a text is rare. */
const SAMPLE_ROWS = 100;

/**
 * The rows that have the rarest part of a text, if they are few: of `jupyter-ada` the index would read all that it has of each three
 * letters, and `jup` stands in every row. Null: the whole text has to be looked for.
 */
function fewWith(db: Database, text: string): number[] | null {
  // What lower() and instr() see as the index does: letters of ASCII, within one column.
  if (text.length <= PART_CHARS || !/^[\x20-\x7e]+$/.test(text)) return null;
  const rows = db
    .prepare(`SELECT ${SEARCHED.join(", ")} FROM sightings ORDER BY id DESC LIMIT ${SAMPLE_ROWS}`)
    .all() as Record<string, string | null>[];
  const sample = rows.map((row) =>
    SEARCHED.map((column) => row[column] ?? "")
      .join("\n")
      .toLowerCase(),
  );
  const lower = text.toLowerCase();
  let [rare, least] = ["", sample.length];
  for (let at = lower.length - PART_CHARS; at >= 0; at--) {
    const part = lower.slice(at, at + PART_CHARS);
    // The index reads what it has of each three letters: the most frequent ones count.
    let most = 0;
    for (let i = 0; i + 3 <= PART_CHARS && most < least; i++) {
      const three = part.slice(i, i + 3);
      most = Math.max(
        most,
        sample.reduce((sum, one) => sum + Number(one.includes(three)), 0),
      );
    }
    if (most < least) [rare, least] = [part, most];
  }
  if (rare === "") return null;
  const found = db
    .prepare(`SELECT rowid AS id FROM words WHERE words MATCH ? ORDER BY rowid DESC LIMIT ${MOST_FOUND}`)
    .all(phrase(rare)) as { id: number }[];
  // There may be more, and among them what the text is looked for.
  return found.length === MOST_FOUND ? null : found.map(({ id }) => id);
}

/** One phrase of the index's own syntax, which ends at a NUL. @see https://www.sqlite.org/fts5.html#fts5_strings */
const phrase = (text: string) => `"${text.replaceAll("\0", " ").replaceAll('"', '""')}"`;

/** More than one only by chance. */
export function rowsByNumber(db: Database, number: string): Row[] {
  return rowsOf(
    db.prepare(`SELECT ${COLUMNS}, line FROM sightings WHERE number = ? ORDER BY id DESC LIMIT 5`).all(number),
  );
}

function rowsOf(rows: readonly unknown[]): Row[] {
  return rows.map((row) => ({ ...(row as Row), at: Math.floor((row as Row).id / 1000) }));
}

export interface HourCount {
  readonly hour: number;
  readonly namespace: string;
  readonly detector: string;
  readonly action: Action;
  readonly count: number;
}

/** Sums of each hour from `from` on. */
export function hourly(db: Database, from: number): HourCount[] {
  return db
    .prepare("SELECT hour, namespace, detector, action, count FROM hourly WHERE hour >= ? AND count > 0")
    .all(Math.floor(from / HOUR_MS)) as unknown as HourCount[];
}

/** Kills of each hub and detector from `from` on, in steps of so many hours, summed where they are kept. */
export function killsOver(db: Database, from: number, stepHours: number): Omit<HourCount, "action">[] {
  return db
    .prepare(
      `SELECT hour / ?1 * ?1 AS hour, namespace, detector, sum(count) AS count FROM hourly
       WHERE hour >= ?2 AND action IN ('killed', 'kill-failed', 'missed-kill') GROUP BY 1, 2, 3`,
    )
    .all(stepHours, Math.floor(from / HOUR_MS)) as unknown as Omit<HourCount, "action">[];
}

export interface Offender {
  readonly name: string;
  readonly kills: number;
  /** Days on which it was seen. */
  readonly days: number;
  readonly first: number;
  readonly last: number;
}

export function offenders(db: Database, kind: Kind, from: number, limit: number): Offender[] {
  return db
    .prepare(
      `SELECT name, sum(kills) AS kills, count(*) AS days, min(first) AS first, max(last) AS last FROM offences
       WHERE kind = ? AND day >= ? GROUP BY name ORDER BY kills DESC, last DESC LIMIT ?`,
    )
    .all(kind, Math.floor(from / DAY_MS), limit) as unknown as Offender[];
}

export interface AgentWord {
  readonly node: string;
  readonly detector: string;
  readonly topic: string;
  readonly at: number;
  readonly level: string;
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What the agents said last of themselves. */
export function agentWords(db: Database): AgentWord[] {
  const rows = db.prepare("SELECT * FROM agents ORDER BY node, detector, topic").all() as unknown as (AgentWord & {
    fields: string;
  })[];
  return rows.map((row) => ({ ...row, fields: JSON.parse(row.fields) as Record<string, unknown> }));
}
