// How long the event loop keeps what waits for it: probes, rings, signals. Over the last one to two minutes.
import type { LoopTurns } from "@cryptnono/native";

export interface LoopDelay {
  /** Seconds. `p99`: of what comes at any moment, all but a hundredth waits no longer. */
  read(): { readonly max: number; readonly p99: number };
}

const WINDOW_NS = 60e9;

/** @param readTurns - What came since its last call. */
export function createLoopDelay(readTurns: () => LoopTurns): LoopDelay {
  let before: LoopTurns | null = null;
  let current: LoopTurns | null = null;
  return {
    read() {
      current = current === null ? readTurns() : sum(current, readTurns());
      const both = before === null ? current : sum(before, current);
      if (current.elapsedNs >= WINDOW_NS) [before, current] = [current, null];
      return { max: both.longestNs / 1e9, p99: waitOf(both, 0.01) / 1e9 };
    },
  };
}

function sum(a: LoopTurns, b: LoopTurns): LoopTurns {
  return {
    elapsedNs: a.elapsedNs + b.elapsedNs,
    longestNs: Math.max(a.longestNs, b.longestNs),
    kinds: a.kinds.map(({ count, sumNs }, i) => ({
      count: count + b.kinds[i]!.count,
      sumNs: sumNs + b.kinds[i]!.sumNs,
    })),
  };
}

/**
 * The wait, in ns, that only this share of all moments exceeds. Whoever comes while a turn works waits for its rest: longer
 * than `wait` in the first `turn - wait` of it. Turns of one kind count as their mean.
 */
function waitOf({ elapsedNs, longestNs, kinds }: LoopTurns, share: number): number {
  const exceeding = (wait: number) =>
    kinds.reduce((all, { count, sumNs }) => all + Math.max(0, sumNs - count * wait), 0);
  let [low, high] = [0, longestNs];
  if (exceeding(0) <= share * elapsedNs) return 0;
  for (let i = 0; i < 40; i++) {
    const middle = (low + high) / 2;
    if (exceeding(middle) > share * elapsedNs) low = middle;
    else high = middle;
  }
  return high;
}
