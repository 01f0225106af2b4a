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
  /** From then on it says nothing. */
  readonly expires: string;
}

/** After its last kill an offender is shared for so long. */
const EXPIRES_MS = 30 * DAY_MS;

export function exportLedger(db: Database, key: string, days: number, now: number): LedgerLine[] {
  return SHARED.flatMap((kind) =>
    offenders(db, kind, now - (days - 1) * DAY_MS, 10_000).map(({ name, kills, last }) => ({
      kind,
      hash: hashOf(key, kind, name),
      kills,
      last: new Date(last).toISOString(),
      expires: new Date(last + EXPIRES_MS).toISOString(),
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
    const parsed = parseLedgerLine(line);
    if (parsed !== null && Date.parse(parsed.expires) > now) theirs.set(parsed.hash, parsed);
  }
  return SHARED.flatMap((kind) =>
    offenders(db, kind, now - (days - 1) * DAY_MS, 10_000).flatMap(({ name }) => {
      const line = theirs.get(hashOf(key, kind, name));
      return line === undefined || line.kind !== kind ? [] : [{ ...line, name }];
    }),
  );
}

export const isShared = (kind: string): kind is LedgerLine["kind"] => SHARED.some((one) => one === kind);

export function hashOf(key: string, kind: string, name: string): string {
  return createHmac("sha256", key).update(`${kind}\0${name.toLowerCase()}`).digest("hex");
}

/** Null for what is none. A line without `expires` has the usual time from its last kill on. */
export function parseLedgerLine(text: string): LedgerLine | null {
  try {
    const { kind, hash, kills, last, expires } = JSON.parse(text) as Record<string, unknown>;
    if (typeof kind !== "string" || !isShared(kind) || typeof hash !== "string" || !/^[0-9a-f]{64}$/.test(hash))
      return null;
    const lastMs = typeof last === "string" ? Date.parse(last) : Number.NaN;
    const expiresMs = expires === undefined ? lastMs + EXPIRES_MS : Date.parse(String(expires));
    if (!Number.isSafeInteger(kills) || (kills as number) < 1 || Number.isNaN(lastMs) || Number.isNaN(expiresMs))
      return null;
    const times = { last: new Date(lastMs).toISOString(), expires: new Date(expiresMs).toISOString() };
    return { kind, hash, kills: kills as number, ...times };
  } catch {
    return null;
  }
}
