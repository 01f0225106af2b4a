// What was searched already: of files by the mapping's place in them, for all processes; of the rest by process.
import type { CodeMapping } from "@cryptnono/native";

/** A file may be written to, and pages of it may not have been there: it is looked at again after this. */
const AGAIN_AFTER_MS = 600_000;
/** Some 100 bytes each. */
const MOST = 65_536;

export class Searched {
  readonly #nowMs: () => number;
  readonly #untilMs = new Map<string, number>();

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  has(process: string, mapping: CodeMapping): boolean {
    const until = this.#untilMs.get(keyOf(process, mapping));
    return until !== undefined && this.#nowMs() < until;
  }

  /** Only what was read to its end. */
  add(process: string, mapping: CodeMapping): void {
    const key = keyOf(process, mapping);
    this.#untilMs.delete(key);
    this.#untilMs.set(key, this.#nowMs() + AGAIN_AFTER_MS);
    if (this.#untilMs.size > MOST) this.#untilMs.delete(this.#untilMs.keys().next().value!);
  }
}

function keyOf(process: string, { start, end, offset, inode, device, isFile, isNameless }: CodeMapping): string {
  return isFile && !isNameless ? `${device} ${inode} ${offset} ${end - start}` : `${process} ${start} ${end}`;
}
