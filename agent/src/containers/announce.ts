// Says in the log what the runtimes' sockets are good for: once when all were tried, then when it changes.
import type { RuntimeStatus } from "../types.js";
import { describeRuntime } from "./describe.js";

type Notice = (level: "info" | "warning", event: string, fields: Readonly<Record<string, unknown>>) => void;

/** A socket that comes and goes is told of no more often. */
const EVERY_MS = 60_000;

/** @returns To be called with all sockets whenever one of them changes. */
export function createAnnouncer(
  notice: Notice,
  everyMs = EVERY_MS,
  nowMs: () => number = () => performance.now(),
): (runtimes: readonly RuntimeStatus[]) => void {
  let latest: readonly RuntimeStatus[] = [];
  let told: { readonly state: RuntimeStatus["state"]; readonly atMs: number }[] | null = null;
  let timer: NodeJS.Timeout | undefined;

  return (runtimes) => {
    latest = runtimes;
    if (told !== null) tellChanges(told);
    else if (runtimes.every(({ state }) => state !== "starting")) {
      told = runtimes.map(({ state }) => ({ state, atMs: nowMs() }));
      const level = runtimes.some(({ state }) => state === "answers") ? "info" : "warning";
      notice(level, "Container runtimes", { runtimes: runtimes.map(describeRuntime) });
    }
  };

  function tellChanges(before: { state: RuntimeStatus["state"]; atMs: number }[]): void {
    clearTimeout(timer);
    const now = nowMs();
    const waits: number[] = [];
    latest.forEach((runtime, at) => {
      const { state, atMs } = before[at]!;
      if (runtime.state === state) return;
      const waitMs = atMs + everyMs - now;
      if (waitMs > 0) {
        waits.push(waitMs);
        return;
      }
      before[at] = { state: runtime.state, atMs: now };
      notice(runtime.state === "answers" ? "info" : "warning", "Container runtime changed", {
        runtime: describeRuntime(runtime),
      });
    });
    if (waits.length > 0) timer = setTimeout(() => tellChanges(before), Math.min(...waits)).unref();
  }
}
