// The queue between the agent and a reader of its log who may be slow, halted or gone: bounded, and what matters least goes first.
import { IMPORTANCE, LineQueue } from "./line-queue.js";
import type { LineKind, LogLine } from "./log.js";
import { openSink, type Sink } from "./sink.js";

export interface LineWriterOptions {
  readonly sink?: Sink;
  /** Most bytes kept for a reader that does not read. */
  readonly maxQueuedBytes?: number;
}

/** Some ten thousand kills. */
const MAX_QUEUED_BYTES = 8 * 1024 * 1024;
/** Most bytes of one write: what a pipe holds. */
const CHUNK_BYTES = 64 * 1024;
const LINE_FEED = 0x0a;

/** How many lines of each kind. */
export type LineCounts = Readonly<Record<LineKind, number>>;

/** Writes whole lines in their order. Never waits, never throws, never grows beyond its bound. */
export class LineWriter {
  readonly #sink: Sink;
  readonly #queue: LineQueue;
  readonly #dropped = noLines();
  /** What is being written: lines that have left the queues, so that none can be dropped half written. */
  #chunk: Uint8Array = new Uint8Array(0);
  #chunkLines: LineKind[] = [];
  /** The last byte written was not a line's last: when the rest is lost, the next line must not be glued to it. */
  #torn = false;
  #blocked = false;
  #scheduled = false;
  #onEmpty: (() => void) | undefined;

  constructor(options: LineWriterOptions = {}) {
    this.#sink = options.sink ?? openSink(1);
    this.#queue = new LineQueue(options.maxQueuedBytes ?? MAX_QUEUED_BYTES, (kind) => this.#dropped[kind]++);
  }

  /** Lines that were given up, for want of room or of a reader. Only grows. */
  get dropped(): LineCounts {
    return this.#dropped;
  }

  /** The reader keeps up, more or less: what can wait need not. */
  get isRoomy(): boolean {
    return this.#queue.isRoomy;
  }

  write(line: LogLine): void {
    this.#queue.push(line);
    this.#schedule();
  }

  /**
   * Resolves with true when all is written, with false when `deadlineMs` have passed before; never later.
   */
  flush(deadlineMs: number): Promise<boolean> {
    this.#pump();
    if (this.#isEmpty()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(deadline);
        this.#onEmpty = undefined;
        resolve(this.#isEmpty());
      };
      const deadline = setTimeout(done, deadlineMs);
      this.#onEmpty = done;
    });
  }

  /** Gives up what is queued. */
  close(): void {
    this.#blocked = true;
    this.#sink.close();
  }

  /** One write for all lines of one turn of the event loop. */
  #schedule(): void {
    if (this.#scheduled || this.#blocked) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#pump();
    });
  }

  #pump(): void {
    while (!this.#blocked && this.#hasLines()) {
      if (this.#chunk.length === 0) this.#chunk = this.#nextChunk();
      const taken = this.#tryWrite();
      this.#chunk = this.#chunk.subarray(taken);
      if (taken === 0) this.#wait();
    }
    if (this.#isEmpty()) this.#onEmpty?.();
    else if (!this.#blocked) this.#wait();
  }

  #wait(): void {
    this.#blocked = true;
    this.#sink.whenWritable(() => {
      this.#blocked = false;
      this.#pump();
    });
  }

  #tryWrite(): number {
    try {
      const taken = this.#sink.write(this.#chunk);
      if (taken > 0) this.#torn = this.#chunk[taken - 1] !== LINE_FEED;
      return taken;
    } catch {
      // The reader is gone, or the disk is full. The guard goes on; the lines are counted.
      const lost = this.#chunk.reduce((lines, byte) => lines + (byte === LINE_FEED ? 1 : 0), 0);
      for (const kind of this.#chunkLines.slice(-lost)) this.#dropped[kind]++;
      return this.#chunk.length;
    }
  }

  /** The oldest lines, at least one. */
  #nextChunk(): Uint8Array {
    const parts: Uint8Array[] = this.#torn ? [Uint8Array.of(LINE_FEED)] : [];
    let length = 0;
    this.#chunkLines = [];
    for (let next = this.#queue.head; next !== undefined; next = this.#queue.head) {
      if (length > 0 && length + next.bytes.length > CHUNK_BYTES) break;
      this.#queue.shift();
      this.#chunkLines.push(next.kind);
      parts.push(next.bytes);
      length += next.bytes.length;
    }
    return Buffer.concat(parts);
  }

  #hasLines(): boolean {
    return this.#chunk.length > 0 || !this.#queue.isEmpty;
  }

  #isEmpty(): boolean {
    return !this.#hasLines() && this.#sink.isBusy !== true;
  }
}

function noLines(): Record<LineKind, number> {
  return Object.fromEntries(Object.keys(IMPORTANCE).map((kind) => [kind, 0])) as Record<LineKind, number>;
}
