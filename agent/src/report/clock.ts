// The time of a log line: UTC with microseconds, which `Date` alone does not have.

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
