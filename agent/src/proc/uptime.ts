// The clock of processes' start times.
import { readFileSync } from "node:fs";

const NS_PER_SECOND = 1_000_000_000n;
const NS_PER_HUNDREDTH = 10_000_000n;

/** Nanoseconds since boot, suspended time included; whole hundredths of a second. */
export function bootTimeNs(root = "/proc"): bigint {
  const text = readFileSync(`${root}/uptime`, "latin1");
  const [, seconds, hundredths] = /^(\d+)\.(\d\d) /.exec(text) ?? [];
  if (seconds === undefined || hundredths === undefined) throw new Error(`read ${root}/uptime: no time in it`);
  return BigInt(seconds) * NS_PER_SECOND + BigInt(hundredths) * NS_PER_HUNDREDTH;
}
