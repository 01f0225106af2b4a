// A log of any origin, chunk by chunk, to what it says; and the count of what was not understood.
import type { Notice, Sighting, Source } from "../types.js";
import { LineSplitter, MAX_LINE_BYTES } from "./lines.js";
import { parseLine } from "./parse.js";
import { Unwrapper } from "./unwrap.js";

/** What becomes of what was read. */
export interface Intake {
  sighting(sighting: Sighting): void;
  notice(notice: Notice): void;
}

/** Numbers that only grow. */
export interface ReadCounts {
  lines: number;
  /** Not an agent's. */
  foreign: number;
  overlong: number;
}

export class LogReader {
  readonly #lines = new LineSplitter();
  readonly #unwrapper = new Unwrapper();

  readonly source: Source;
  readonly intake: Intake;
  readonly counts: ReadCounts;

  readonly #strip: (line: string) => string | null;

  /** @param strip - Takes off what stands before each line; null for a line that was read before. */
  constructor(
    source: Source,
    intake: Intake,
    counts: ReadCounts,
    strip: (line: string) => string | null = (line) => line,
  ) {
    this.#strip = strip;
    this.source = source;
    this.intake = intake;
    this.counts = counts;
  }

  /** Bytes of the lines that were handed on. */
  get consumedBytes(): number {
    return this.#lines.consumedBytes;
  }

  push(chunk: Uint8Array): void {
    this.#all(this.#lines.push(chunk));
  }

  end(): void {
    this.#all(this.#lines.end());
  }

  #all(lines: readonly string[]): void {
    for (const line of lines) this.line(line);
    this.counts.overlong += this.#lines.overlong;
    this.#lines.overlong = 0;
  }

  line(raw: string): void {
    const wrapped = this.#strip(raw);
    if (wrapped === null) return;
    this.counts.lines++;
    const text = this.#unwrapper.unwrap(wrapped, MAX_LINE_BYTES);
    if (text === null || text.trim() === "") return;
    const parsed = parseLine(text, this.source);
    if (parsed.kind === "sighting") this.intake.sighting(parsed.sighting);
    else if (parsed.kind === "notice") this.intake.notice(parsed.notice);
    else this.counts.foreign++;
  }
}
