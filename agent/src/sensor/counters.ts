// The kernel's counters by name: COUNTER_KILLED is `killed`. What a program counts, it declares in its header alone.
import type { Layout } from "@cryptnono/native";
import type { Counters } from "../types.js";

const PREFIX = "COUNTER_";

/** `sums` are the values of the array that `enum counter` numbers. */
export function nameCounters(sums: readonly bigint[], { enums }: Layout): Counters {
  const named = Object.entries(enums["counter"] ?? {}).map(([name, key]) => [
    name.slice(PREFIX.length).toLowerCase(),
    sums[key] ?? 0n,
  ]);
  return Object.fromEntries(named);
}

export function addCounters(to: Counters, more: Counters): Counters {
  const added = Object.entries(to).map(([name, value]) => [name, value + (more[name] ?? 0n)]);
  return Object.fromEntries(added);
}
