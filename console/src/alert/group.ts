// Which kills are told one by one, and which are held back and summed: a token bucket for each pod and rule.
import type { Bucket } from "./settings.js";

/** Of one target's pod and rule. Kept in the database: a restart neither tells twice nor forgets. */
export interface Group {
  readonly tokens: number;
  /** Up to when the tokens are counted. */
  readonly at: number;
  readonly first: number;
  readonly last: number;
  /** Processes in all, and those that were not told. */
  readonly total: number;
  readonly held: number;
}

export function begin({ atOnce }: Bucket, nowMs: number): Group {
  return { tokens: atOnce, at: nowMs, first: nowMs, last: nowMs, total: 0, held: 0 };
}

/** One more line of it, of `count` processes. @returns whether it is told. */
export function take(
  group: Group,
  { atOnce, everySeconds }: Bucket,
  count: number,
  nowMs: number,
): { readonly group: Group; readonly isTold: boolean } {
  const grown = Math.min(atOnce, group.tokens + Math.max(0, nowMs - group.at) / (everySeconds * 1000));
  const isTold = grown >= 1;
  return {
    isTold,
    group: {
      tokens: isTold ? grown - 1 : grown,
      at: nowMs,
      first: group.first,
      last: nowMs,
      total: group.total + count,
      // What is told says how many were held before it.
      held: isTold ? 0 : group.held + count,
    },
  };
}

export function isOver(group: Group, { resetMinutes }: Bucket, nowMs: number): boolean {
  return nowMs - group.last >= resetMinutes * 60_000;
}
