// Memory that is freed is given back: to a node it counts.
import { giveBackMemory } from "@cryptnono/native";

const EVERY_MS = 5000;
/** What a burst of kills leaves behind is more. */
const WORTH_BYTES = 6 * 2 ** 20;

/** Give back what only the start needed, and from then on what bursts leave behind. */
export function keepMemorySmall(): void {
  giveBackMemory();
  let leastBytes = process.memoryUsage.rss();
  setInterval(() => {
    if (process.memoryUsage.rss() < leastBytes + WORTH_BYTES) return;
    giveBackMemory();
    leastBytes = process.memoryUsage.rss();
  }, EVERY_MS).unref();
}
