// What something costs beside the same without it.
import type { Result } from "./result.js";
import { median, medianInterval } from "./statistics.js";

/**
 * By pairs: what a machine does meanwhile it does to both.
 *
 * @param times - Without it and with it, in nanoseconds, as many of each.
 * @param unitNs - Of the times in the note: 1 or 1,000 ns.
 * @param goal - At most so many times as much.
 */
export function ratio(
  name: string,
  [without, beside]: readonly [number[], number[]],
  unitNs: 1 | 1000,
  goal?: number,
): Result {
  const ratios = beside.map((time, i) => time / without[i]!);
  const shown = [without, beside].map((times) => Number((median(times) / unitNs).toPrecision(3)));
  return {
    name,
    median: median(ratios),
    interval: medianInterval(ratios, 500),
    unit: "x",
    ...(goal === undefined ? {} : { goal }),
    note: `${shown[0]} and ${shown[1]} ${unitNs === 1 ? "ns" : "µs"}, by pairs`,
  };
}
