// Wishes for one job, which runs once at a time: however many come while it runs, it runs once more.

import { setImmediate as turn } from "node:timers/promises";

export interface Coalesced {
  wish(): void;
  /** Resolves when no run is under way or wished for. */
  settled(): Promise<void>;
}

/** @param job - Must not reject. */
export function coalesce(job: () => Promise<void>): Coalesced {
  let running: Promise<void> | null = null;
  let wished = false;

  async function run(): Promise<void> {
    while (wished) {
      wished = false;
      await job();
      await turn();
    }
    running = null;
  }

  return {
    wish() {
      wished = true;
      // Not at once: signals come one by one, and what has come with this one is one wish with it.
      running ??= turn().then(run);
    },
    async settled() {
      await running;
    },
  };
}
