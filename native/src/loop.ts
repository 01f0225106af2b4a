// The turns of Node's event loop: how long each kept whatever waited for it.
import { call } from "./addon.js";

/** What the loop did since it was last asked. */
export interface LoopTurns {
  readonly elapsedNs: number;
  /** The longest time that one turn worked; what it waited for events is none of it. */
  readonly longestNs: number;
  /** Turns of like length, each kind below twice the one before it, with their sum. */
  readonly kinds: readonly { readonly count: number; readonly sumNs: number }[];
}

/** Begin to watch this thread's loop. It costs a moment a turn, and nothing while the loop is idle. */
export function watchLoop(): { read(): LoopTurns } {
  const watch = call((addon) => addon.watchLoop());
  return {
    read() {
      const bytes = call((addon) => addon.readTurns(watch));
      const numbers = Array.from(new BigUint64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8), Number);
      const [elapsedNs, longestNs, ...rest] = numbers as [number, number, ...number[]];
      const counts = rest.slice(0, rest.length / 2);
      return {
        elapsedNs,
        longestNs,
        kinds: counts.map((count, i) => ({ count, sumNs: rest[counts.length + i]! })),
      };
    },
  };
}
