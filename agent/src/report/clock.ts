// The time of a log line: UTC with microseconds, which `Date` alone does not have. And the kernel's times, as a time of day.
import { uptime } from "node:os";

export interface ClockSources {
  /** Wall clock, milliseconds since 1970. */
  readonly wallMs?: () => number;
  /** Monotonic clock, nanoseconds from any origin. */
  readonly monotonicNs?: () => bigint;
}

/** How far the two clocks may part before the wall clock is taken anew; it has ticks of 1 ms. */
const MAX_DRIFT_US = 2000;

/**
 * A clock that prints `2024-01-31T16:59:32.990489Z`. Microseconds come from the monotonic clock, anchored to the wall clock,
 * and anchored again when that was set or has drifted.
 */
export function microsecondClock(sources: ClockSources = {}): () => string {
  const { wallMs = Date.now, monotonicNs = process.hrtime.bigint } = sources;
  let anchorUs = wallMs() * 1000;
  let anchorNs = monotonicNs();
  return () => {
    const now = monotonicNs();
    let us = anchorUs + Number((now - anchorNs) / 1000n);
    const wallUs = wallMs() * 1000;
    if (Math.abs(us - wallUs) > MAX_DRIFT_US) {
      anchorUs = wallUs;
      anchorNs = now;
      us = wallUs;
    }
    return formatUs(us);
  };
}

/** Microseconds since 1970 as ISO 8601. */
function formatUs(us: number): string {
  const whole = Math.floor(us / 1000);
  const rest = Math.floor(us - whole * 1000);
  return `${new Date(whole).toISOString().slice(0, -1)}${String(rest).padStart(3, "0")}Z`;
}

/** Longest difference that the 10 ms steps of /proc/uptime explain. */
const UPTIME_STEP_MS = 20;

/** Nanoseconds since boot to a time of day. */
export type TimeOf = (ns: bigint) => string;

/** @param bootMs - The wall clock's milliseconds at boot. Taken once, so that a process has one start time in all its lines. */
export function bootClock(bootMs = bootTime()): TimeOf {
  return (ns) => new Date(bootMs + Number(ns / 1_000_000n)).toISOString();
}

/**
 * The wall clock's milliseconds at boot. The monotonic clock is exact but stands still while the machine sleeps; the uptime
 * counts sleep too, in steps of 10 ms. So the former, as long as both agree.
 */
function bootTime(): number {
  const monotonicMs = Number(process.hrtime.bigint()) / 1e6;
  const uptimeMs = uptime() * 1000;
  return Date.now() - (Math.abs(uptimeMs - monotonicMs) < UPTIME_STEP_MS ? monotonicMs : uptimeMs);
}
