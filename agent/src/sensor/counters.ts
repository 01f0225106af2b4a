// The kernel's counters by name: COUNTER_KILLED is `killed`. What a program counts, it declares in its header alone.
import type { Layout } from "@cryptnono/native";
import type { SensorCounters } from "../types.js";

const PREFIX = "COUNTER_";

/** `sums` are the values of the array that `enum counter` numbers. */
export function nameCounters(sums: readonly bigint[], { enums }: Layout): SensorCounters {
  const named = Object.entries(enums["counter"] ?? {}).map(([name, key]) => [
    name.slice(PREFIX.length).toLowerCase(),
    sums[key] ?? 0n,
  ]);
  return Object.fromEntries(named) as SensorCounters;
}

export function addCounters(to: SensorCounters, more: SensorCounters): SensorCounters {
  const added = Object.entries(to).map(([name, value]) => [name, value + (more[name as keyof SensorCounters] ?? 0n)]);
  return Object.fromEntries(added) as SensorCounters;
}
