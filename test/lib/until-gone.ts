// What was pinned goes a moment after its last name: the kernel puts a link away in a worker of its own (bpf_link_put).
import { setTimeout as sleep } from "node:timers/promises";

const DEADLINE_MS = 60_000;
const LOOK_EVERY_MS = 20;

/** Wait until what was pinned does nothing any more. @throws Error when it still does after a minute */
export async function untilGone(isGone: () => Promise<boolean>, what: string): Promise<void> {
  const untilMs = performance.now() + DEADLINE_MS;
  while (!(await isGone())) {
    if (performance.now() > untilMs) throw new Error(`waited ${DEADLINE_MS} ms for ${what} to go`);
    await sleep(LOOK_EVERY_MS);
  }
}
