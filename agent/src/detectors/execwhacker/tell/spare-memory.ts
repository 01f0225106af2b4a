// What was said of a living process already, so that a scan every ten minutes does not say it again.
import type { ProcessFacts } from "../../../types.js";
import type { Report } from "../types.js";

/** More spared processes than a node has at a time; some 100 bytes each. */
const MAX_REMEMBERED = 8192;
/** How much of the arguments tells two command lines of one process apart, with their total length. */
const HASHED_BYTES = 4096;
/** Scans know start times in clock ticks of 10 ms, the kernel in nanoseconds (linux fs/proc/array.c, USER_HZ). */
const NS_PER_TICK = 10_000_000n;

/** Remembers reports by process id, start time, arguments and action. Forgets the longest unseen when full. */
export class SpareMemory {
  readonly #max: number;
  /** Who said it last. */
  readonly #seen = new Map<string, string>();

  constructor(max = MAX_REMEMBERED) {
    this.#max = max;
  }

  /**
   * Whether this is the first such report. Asking makes it remembered.
   *
   * The kernel's is first again with each exec, but not when a scan came upon the process before the event was read.
   */
  isFirst({ source, process, outcome }: Report): boolean {
    const by = outcome.action === "would-kill" ? (outcome.by ?? "") : "";
    const key = `${outcome.action} ${by} ${process.pid} ${process.startTimeNs / NS_PER_TICK} ${hashArguments(process)}`;
    const before = this.#seen.get(key);
    const isExec = source === "execwhacker.bpf";
    this.#seen.delete(key);
    this.#seen.set(key, isExec ? source : (before ?? source));
    if (this.#seen.size > this.#max) this.#seen.delete(this.#seen.keys().next().value!);
    return before === undefined || (isExec && before === source);
  }
}

/** FNV-1a over the arguments; the path is left out, as a scan may know it by another name. */
function hashArguments({ args, argsBytes }: ProcessFacts): string {
  let hash = 0x811c9dc5;
  let left = HASHED_BYTES;
  for (const argument of args) {
    const end = Math.min(left, argument.length);
    for (let i = 0; i < end; i++) hash = Math.imul(hash ^ argument[i]!, 0x01000193);
    hash = Math.imul(hash ^ 0x100, 0x01000193);
    left -= end + 1;
    if (left <= 0) break;
  }
  return `${hash >>> 0} ${argsBytes}`;
}
