// A worker's side of in-worker.ts.
import { parentPort } from "node:worker_threads";
import type { WorkerAnswer } from "./in-worker.js";

/** The worker's side: post what `work` gives, or its error. Arrays of numbers are handed over, not copied. */
export function answer<T>(work: () => T): void {
  const given = answerOf(work);
  parentPort!.postMessage(given, [...new Set(buffersOf(given))]);
}

function buffersOf(value: unknown): ArrayBuffer[] {
  if (typeof value !== "object" || value === null) return [];
  if (!ArrayBuffer.isView(value)) return Object.values(value).flatMap(buffersOf);
  // A part of a larger buffer may be one of a pool.
  return value.buffer instanceof ArrayBuffer && value.byteLength === value.buffer.byteLength ? [value.buffer] : [];
}

function answerOf<T>(work: () => T): WorkerAnswer<T> {
  try {
    return { value: work() };
  } catch (error) {
    if (!(error instanceof Error)) return { error: { name: "Error", message: String(error) } };
    const { name, message, stack } = error;
    const hint = "hint" in error && typeof error.hint === "string" ? error.hint : undefined;
    return {
      error: { name, message, ...(hint === undefined ? {} : { hint }), ...(stack === undefined ? {} : { stack }) },
    };
  }
}
