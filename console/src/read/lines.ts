// Bytes to lines. A line without an end costs no more memory than the longest that is taken, and is counted.

/** An agent's line has 16 KiB at most; escaped once more by Docker, six times that. */
export const MAX_LINE_BYTES = 256 * 1024;

const LINE_FEED = 0x0a;

export class LineSplitter {
  /** Lines that were longer than is taken, and dropped. */
  overlong = 0;
  /** Bytes of whole lines that were handed out or dropped, with their line feeds. */
  consumedBytes = 0;
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #isSkipping = false;

  readonly maxBytes: number;

  constructor(maxBytes = MAX_LINE_BYTES) {
    this.maxBytes = maxBytes;
  }

  /** The lines that `chunk` completes, without their line feeds. Bytes that are not UTF-8 become U+FFFD. */
  push(chunk: Uint8Array): string[] {
    const lines: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      this.#take(chunk.subarray(start, end));
      this.consumedBytes += this.#bytes + 1;
      if (this.#isSkipping) this.overlong++;
      else lines.push(Buffer.concat(this.#parts).toString());
      this.#reset();
      start = end + 1;
    }
    this.#take(chunk.subarray(start));
    return lines;
  }

  /** What stands after the last line feed, when no more will come. */
  end(): string[] {
    const rest = this.#isSkipping || this.#bytes === 0 ? [] : [Buffer.concat(this.#parts).toString()];
    if (this.#isSkipping) this.overlong++;
    this.#reset();
    return rest;
  }

  #take(part: Uint8Array): void {
    this.#bytes += part.length;
    if (this.#bytes > this.maxBytes) {
      this.#isSkipping = true;
      this.#parts = [];
    } else if (part.length > 0) {
      // A copy: the reader's buffer may be used again.
      this.#parts.push(Uint8Array.from(part));
    }
  }

  #reset(): void {
    this.#parts = [];
    this.#bytes = 0;
    this.#isSkipping = false;
  }
}
