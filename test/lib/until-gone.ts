// What was pinned or loaded goes a moment later: the kernel puts a link away in a worker of its own (bpf_link_put).
import { setTimeout as sleep } from "node:timers/promises";

const DEADLINE_MS = 60_000;
const LOOK_EVERY_MS = 20;

/** Wait until it is gone. @throws Error when it is still there after a minute */
export async function untilGone(isGone: () => Promise<boolean>, what: string): Promise<void> {
  const untilMs = performance.now() + DEADLINE_MS;
  while (!(await isGone())) {
    if (performance.now() > untilMs) throw new Error(`waited ${DEADLINE_MS} ms for ${what} to go`);
    await sleep(LOOK_EVERY_MS);
  }
}
