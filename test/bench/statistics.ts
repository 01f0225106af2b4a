// Medians, and how sure they are.
import { Random } from "../lib/hostile-lines.js";

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The median's 95 % confidence interval, by resampling. */
export function medianInterval(values: readonly number[], samples = 2000): readonly [low: number, high: number] {
  const random = new Random(7);
  const medians = Array.from({ length: samples }, () => median(values.map(() => random.pick(values)))).sort(
    (a, b) => a - b,
  );
  return [medians[Math.floor(samples * 0.025)]!, medians[Math.floor(samples * 0.975)]!];
}
