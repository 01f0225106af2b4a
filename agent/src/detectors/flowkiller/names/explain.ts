// What the lists say of a name, by file and line.

import { placeOf } from "./lines.js";
import { findName, type NameEntry } from "./lists.js";
import type { NameRules } from "./rules.js";

/** What would become of who asks for a name, or says it. */
export interface NameExplanation {
  readonly name: string;
  /** `found`: audit mode tells of it; `blocked`: enforce mode drops, refuses and kills. */
  readonly verdict: "blocked" | "found" | "allowed" | "passes";
  /** The entry that decides: that of its longest suffix that is listed. */
  readonly listed: NamePlace | null;
  /** The entry that wins over it. */
  readonly allowed: NamePlace | null;
  /** Pods that reach only what is listed may reach it; null: there are none. */
  readonly mayBeReached: boolean | null;
  /** By this entry of their list. */
  readonly reachedBy: NamePlace | null;
}

export interface NamePlace {
  readonly place: string;
  readonly name: string;
}

/** It is a name, and not an address or a network. */
export function isName(text: string): boolean {
  return /^[\w.-]{1,254}$/.test(text) && /[a-z_-][\w-]*\.?$/i.test(text);
}

export function explainName(text: string, { listed, spared, egress, mode }: NameRules): NameExplanation {
  const name = text.toLowerCase().replace(/\.$/, "");
  const pool = find(name, listed);
  const exception = find(name, spared);
  // The longer one decides; of two that are the same, the one that spares.
  const wins = exception !== undefined && (pool === undefined || exception.name.length >= pool.name.length);
  const reached = egress === null ? undefined : find(name, egress.names);
  const found = mode === "enforce" ? "blocked" : "found";
  return {
    name,
    verdict: mode === "off" || pool === undefined ? "passes" : wins ? "allowed" : found,
    listed: pool === undefined ? null : { place: placeOf(pool), name: pool.name },
    allowed: exception === undefined || !wins ? null : { place: placeOf(exception), name: exception.name },
    mayBeReached: egress === null ? null : reached !== undefined,
    reachedBy: reached === undefined ? null : { place: placeOf(reached), name: reached.name },
  };
}

function find(name: string, entries: readonly NameEntry[]): NameEntry | undefined {
  return findName(name, new Map(entries.map((entry) => [entry.name, entry])));
}

export function nameWords({ name, verdict, listed, allowed, mayBeReached, reachedBy }: NameExplanation): string {
  const lines = {
    blocked: `${name} would be blocked, and who asks for it killed: ${listed?.place} lists ${listed?.name}`,
    found: `${name} would be told of, and pass in audit mode: ${listed?.place} lists ${listed?.name}`,
    allowed: `${name} passes: ${listed?.place} lists ${listed?.name}, and ${allowed?.place} allows ${allowed?.name}`,
    passes: `${name} passes: no list has it`,
  };
  const reached =
    mayBeReached === null
      ? []
      : [
          `  pods that reach only what is listed may ${mayBeReached ? "" : "not "}reach what it is the name of${
            reachedBy === null ? "" : `: ${reachedBy.place} lists ${reachedBy.name}`
          }`,
        ];
  return `${[lines[verdict], ...reached].join("\n")}\n`;
}
