// Which processes are printed.
import { SettingError } from "../errors.js";
import type { Sighting } from "../types.js";

export interface Chosen {
  readonly since: number | null;
  /** Empty: all. */
  readonly action: readonly string[];
  readonly namespace: readonly string[];
  readonly pod: readonly string[];
  readonly detector: readonly string[];
}

export function isChosen(sighting: Sighting, { since, action, namespace, pod, detector }: Chosen): boolean {
  const has = (list: readonly string[], value: string | null) =>
    list.length === 0 || (value !== null && list.includes(value));
  return (
    (since === null || sighting.at >= since) &&
    has(action, sighting.action) &&
    has(namespace, sighting.namespace) &&
    has(pod, sighting.pod) &&
    has(detector, sighting.detector)
  );
}

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds since 1970. @throws SettingError */
export function sinceOf(text: string, nowMs: number): number {
  const [, count, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  if (unit !== undefined) return nowMs - Number(count) * UNITS[unit]!;
  const time = Date.parse(/T\d\d:\d\d(:\d\d(\.\d+)?)?$/.test(text) ? `${text}Z` : text);
  if (!/^\d{4}-\d\d-\d\d/.test(text) || Number.isNaN(time))
    throw new SettingError(`--since ${text}: expected a time`, "for example 10m, 2h, 3d or 2026-01-31T12:00");
  return time;
}
