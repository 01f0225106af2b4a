// Offenders that two deployments share without telling each other who they are: names hashed with a key that both have.
import { createHmac } from "node:crypto";
import type { Database } from "../keep/database.js";
import { offenders } from "../keep/queries.js";
import { DAY_MS } from "../keep/store.js";

/** What is worth sharing: users' names mean nothing elsewhere. */
const SHARED = ["repository", "address", "wallet", "image"] as const;

export interface LedgerLine {
  readonly kind: (typeof SHARED)[number];
  readonly hash: string;
  readonly kills: number;
  readonly last: string;
}

export function exportLedger(db: Database, key: string, days: number, now: number): LedgerLine[] {
  return SHARED.flatMap((kind) =>
    offenders(db, kind, now - (days - 1) * DAY_MS, 10_000).map(({ name, kills, last }) => ({
      kind,
      hash: hashOf(key, kind, name),
      kills,
      last: new Date(last).toISOString(),
    })),
  );
}

export interface KnownElsewhere extends LedgerLine {
  readonly name: string;
}

/** Those of ours that stand in another's ledger. Lines that are none are passed over. */
export function knownElsewhere(db: Database, key: string, text: string, days: number, now: number): KnownElsewhere[] {
  const theirs = new Map<string, LedgerLine>();
  for (const line of text.split("\n")) {
    const parsed = parse(line);
    if (parsed !== null) theirs.set(parsed.hash, parsed);
  }
  return SHARED.flatMap((kind) =>
    offenders(db, kind, now - (days - 1) * DAY_MS, 10_000).flatMap(({ name }) => {
      const line = theirs.get(hashOf(key, kind, name));
      return line === undefined || line.kind !== kind ? [] : [{ ...line, name }];
    }),
  );
}

function hashOf(key: string, kind: string, name: string): string {
  return createHmac("sha256", key).update(`${kind}\0${name.toLowerCase()}`).digest("hex");
}

function parse(line: string): LedgerLine | null {
  try {
    const { kind, hash, kills, last } = JSON.parse(line) as Record<string, unknown>;
    const isLine =
      SHARED.some((one) => one === kind) &&
      typeof hash === "string" &&
      /^[0-9a-f]{64}$/.test(hash) &&
      Number.isSafeInteger(kills) &&
      typeof last === "string";
    return isLine ? ({ kind, hash, kills, last: last.slice(0, 32) } as LedgerLine) : null;
  } catch {
    return null;
  }
}
