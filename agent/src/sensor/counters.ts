// The kernel's counters by name.
import type { Layout } from "@cryptnono/native";
import type { SensorCounters } from "../types.js";

const KEYS: Readonly<Record<keyof SensorCounters, string>> = {
  checked: "COUNTER_CHECKED",
  killed: "COUNTER_KILLED",
  would_kill: "COUNTER_WOULD_KILL",
  kill_failed: "COUNTER_KILL_FAILED",
  spared_substring: "COUNTER_SPARED_SUBSTRING",
  spared_pattern: "COUNTER_SPARED_PATTERN",
  let_go: "COUNTER_LET_GO",
  unreadable: "COUNTER_UNREADABLE",
  over_long: "COUNTER_OVER_LONG",
  budget_exceeded: "COUNTER_BUDGET_EXCEEDED",
  kill_events_lost: "COUNTER_KILL_EVENTS_LOST",
  other_events_lost: "COUNTER_OTHER_EVENTS_LOST",
};

export type MutableCounters = { -readonly [K in keyof SensorCounters]: bigint };

/** Sums by name, out of the array that the addon reads. */
export function nameCounters(sums: BigUint64Array, { constants }: Layout): MutableCounters {
  const entries = Object.entries(KEYS).map(([name, key]) => [name, sums[constants[key]!] ?? 0n]);
  return Object.fromEntries(entries) as MutableCounters;
}
