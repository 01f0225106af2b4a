// What is counted and not told one by one: looked at each second, told every so often and at the end.
import type { Reporter } from "../report/index.js";
import type { Counts } from "./detector.js";

export interface TallyingParts {
  /** The detector's. What the agent counts, and lines that were dropped, the reporter knows. */
  readonly counts?: Counts;
  readonly reporter: Pick<Reporter, "tellCounts">;
  readonly everyMs: number;
  readonly onError: (error: unknown) => void;
  readonly nowMs?: () => number;
  /** Processor time of this process. */
  readonly cpuMs?: () => number;
}

export interface Tallying {
  run(): void;
  /** Look, and tell when it is time. */
  turn(): void;
  /** The last look and the last line; `isDetached`: nothing is counted any more. Call while the sensor's maps are there. */
  finish(isDetached: boolean): void;
}

const LOOK_EVERY_MS = 1000;
/** Of this much time a look may take one part: with thousands of counts it costs some ten milliseconds. */
const PARTS = 100;
/** But never is there no look for longer. */
const LONGEST_PAUSE_MS = 10_000;
const NO_COUNTS: Counts = { look: () => {}, tell: () => {}, untold: () => ({}) };

export function createTallying(parts: TallyingParts): Tallying {
  const { counts = NO_COUNTS, reporter, everyMs, onError, nowMs = () => performance.now(), cpuMs = ownCpuMs } = parts;
  let timer: NodeJS.Timeout | undefined;
  let toldMs = nowMs();
  let nextMs = Number.NEGATIVE_INFINITY;

  function turn(): void {
    const startMs = nowMs();
    if (startMs < nextMs) return;
    const startCpuMs = cpuMs();
    try {
      counts.look();
      if (startMs - toldMs >= everyMs && reporter.tellCounts(() => counts.tell(false))) toldMs = startMs;
    } catch (error) {
      onError(error);
    }
    // By processor time: on a full machine a look waits for its turn, and the pause would be as many times that long.
    nextMs = startMs + Math.min((cpuMs() - startCpuMs) * PARTS, LONGEST_PAUSE_MS);
  }

  return {
    turn,
    run() {
      timer = setInterval(turn, LOOK_EVERY_MS).unref();
    },
    finish(isDetached) {
      clearInterval(timer);
      try {
        counts.look();
        reporter.tellCounts(() => counts.tell(isDetached), true);
      } catch (error) {
        onError(error);
      }
    },
  };
}

function ownCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
