// What was searched already: mappings by process, and pages of a file for all processes that map it.
import type { CodeMapping } from "@cryptnono/native";

/** Pages of a file may not have been there, and a memory file be written to without a trace: it is looked at again after this. */
const FILE_AGAIN_MS = 600_000;
/** What has no file is written to as its process likes. */
const ANONYMOUS_AGAIN_MS = 120_000;
/** Some 200 bytes each. */
const MOST = 16_384;

export class Searched {
  readonly #nowMs: () => number;
  readonly #mappings: Remembered<true>;
  readonly #pages: Remembered<Uint8Array>;

  constructor(nowMs: () => number = () => performance.now(), most = MOST) {
    this.#nowMs = nowMs;
    this.#mappings = new Remembered(most);
    this.#pages = new Remembered(most);
  }

  has(process: string, mapping: CodeMapping): boolean {
    return this.#mappings.get(mappingKey(process, mapping), this.#nowMs()) !== undefined;
  }

  /** Only what was searched to its end. */
  add(process: string, mapping: CodeMapping): void {
    const isNamed = mapping.isFile && !mapping.isNameless;
    const untilMs = this.#nowMs() + (isNamed ? FILE_AGAIN_MS : ANONYMOUS_AGAIN_MS);
    this.#mappings.set(mappingKey(process, mapping), true, untilMs);
  }

  /** Pages of a piece of a mapping that some process's search has read, a bit each; undefined: none that could be relied on. */
  pages(mapping: CodeMapping, from: bigint, bytes: number): Uint8Array | undefined {
    const key = pagesKey(mapping, from, bytes);
    return key === null ? undefined : this.#pages.get(key, this.#nowMs());
  }

  addPages(mapping: CodeMapping, from: bigint, bytes: number, pages: Uint8Array): void {
    const key = pagesKey(mapping, from, bytes);
    if (key !== null) this.#pages.set(key, pages, this.#pages.untilMs(key) ?? this.#nowMs() + FILE_AGAIN_MS);
  }
}

/** A mapping of one process: another one in its place, or another content of its file, is another. */
export function mappingKey(process: string, { start, end, offset, inode, changedNs, device }: CodeMapping): string {
  return `${process} ${start} ${end} ${offset} ${device} ${inode} ${changedNs}`;
}

/** null: what has no name, or of which it is not known when it was written to, is not the same for two processes. */
function pagesKey(
  { start, offset, inode, changedNs, device }: CodeMapping,
  from: bigint,
  bytes: number,
): string | null {
  return changedNs === 0n ? null : `${device} ${inode} ${changedNs} ${offset + from - start} ${bytes}`;
}

/** So many, each until its time; the longest unset goes. */
class Remembered<T> {
  readonly #most: number;
  readonly #all = new Map<string, { readonly value: T; readonly untilMs: number }>();

  constructor(most: number) {
    this.#most = most;
  }

  get(key: string, nowMs: number): T | undefined {
    const one = this.#all.get(key);
    if (one === undefined || nowMs < one.untilMs) return one?.value;
    this.#all.delete(key);
    return undefined;
  }

  untilMs(key: string): number | undefined {
    return this.#all.get(key)?.untilMs;
  }

  set(key: string, value: T, untilMs: number): void {
    this.#all.delete(key);
    this.#all.set(key, { value, untilMs });
    if (this.#all.size > this.#most) this.#all.delete(this.#all.keys().next().value!);
  }
}
