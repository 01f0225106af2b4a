// The queue between the agent and a reader of its log who may be slow, halted or gone: bounded, and what matters least goes first.
import type { Importance, LogLine } from "./log.js";
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
const IMPORTANCES: readonly Importance[] = [0, 1, 2, 3];

/** Writes whole lines in their order. Never waits, never throws, never grows beyond its bound. */
export class LineWriter {
  readonly #sink: Sink;
  readonly #maxQueuedBytes: number;
  readonly #queues = IMPORTANCES.map(() => new Queue());
  readonly #dropped: Record<Importance, number> = { 0: 0, 1: 0, 2: 0, 3: 0 };
  /** What is being written: lines that have left the queues, so that none can be dropped half written. */
  #chunk: Uint8Array = new Uint8Array(0);
  #chunkLines: Importance[] = [];
  /** The last byte written was not a line's last: when the rest is lost, the next line must not be glued to it. */
  #torn = false;
  #queuedBytes = 0;
  #sequence = 0;
  #blocked = false;
  #scheduled = false;
  #onEmpty: (() => void) | undefined;

  constructor(options: LineWriterOptions = {}) {
    this.#sink = options.sink ?? openSink(1);
    this.#maxQueuedBytes = options.maxQueuedBytes ?? MAX_QUEUED_BYTES;
  }

  /** Lines that were given up, for want of room or of a reader, by importance. Only grows. */
  get dropped(): Readonly<Record<Importance, number>> {
    return this.#dropped;
  }

  write({ text, importance }: LogLine): void {
    const bytes = Buffer.from(text);
    if (!this.#makeRoom(bytes.length, importance)) {
      this.#dropped[importance]++;
      return;
    }
    this.#queues[importance]!.push({ bytes, sequence: this.#sequence++ });
    this.#queuedBytes += bytes.length;
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
    while (!this.#blocked && !this.#isEmpty()) {
      if (this.#chunk.length === 0) this.#chunk = this.#nextChunk();
      const taken = this.#tryWrite();
      this.#chunk = this.#chunk.subarray(taken);
      if (taken === 0) {
        this.#blocked = true;
        this.#sink.whenWritable(() => {
          this.#blocked = false;
          this.#pump();
        });
      }
    }
    if (this.#isEmpty()) this.#onEmpty?.();
  }

  #tryWrite(): number {
    try {
      const taken = this.#sink.write(this.#chunk);
      if (taken > 0) this.#torn = this.#chunk[taken - 1] !== LINE_FEED;
      return taken;
    } catch {
      // The reader is gone, or the disk is full. The guard goes on; the lines are counted.
      const lost = this.#chunk.reduce((lines, byte) => lines + (byte === LINE_FEED ? 1 : 0), 0);
      for (const importance of this.#chunkLines.slice(-lost)) this.#dropped[importance]++;
      return this.#chunk.length;
    }
  }

  /** The oldest lines, at least one. */
  #nextChunk(): Uint8Array {
    const parts: Uint8Array[] = this.#torn ? [Uint8Array.of(LINE_FEED)] : [];
    let length = 0;
    this.#chunkLines = [];
    for (;;) {
      const importance = this.#oldest();
      if (importance === undefined) break;
      const queue = this.#queues[importance]!;
      if (length > 0 && length + queue.head!.bytes.length > CHUNK_BYTES) break;
      const { bytes } = queue.shift();
      this.#chunkLines.push(importance);
      parts.push(bytes);
      length += bytes.length;
    }
    this.#queuedBytes -= length;
    return Buffer.concat(parts);
  }

  #oldest(): Importance | undefined {
    let oldest: Importance | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const importance of IMPORTANCES) {
      const sequence = this.#queues[importance]!.head?.sequence ?? Number.POSITIVE_INFINITY;
      if (sequence < least) {
        least = sequence;
        oldest = importance;
      }
    }
    return oldest;
  }

  /** Drops older lines of less or the same importance until `length` bytes fit. */
  #makeRoom(length: number, importance: Importance): boolean {
    if (length > this.#maxQueuedBytes) return false;
    for (const level of IMPORTANCES) {
      const queue = this.#queues[level]!;
      while (this.#queuedBytes + length > this.#maxQueuedBytes && queue.head !== undefined) {
        if (level > importance) return false;
        this.#queuedBytes -= queue.shift().bytes.length;
        this.#dropped[level]++;
      }
    }
    return true;
  }

  #isEmpty(): boolean {
    return this.#chunk.length === 0 && this.#queuedBytes === 0;
  }
}

interface QueuedLine {
  readonly bytes: Uint8Array;
  readonly sequence: number;
}

/** First in, first out, without moving the rest at each step. */
class Queue {
  #lines: QueuedLine[] = [];
  #first = 0;

  get head(): QueuedLine | undefined {
    return this.#lines[this.#first];
  }

  push(line: QueuedLine): void {
    this.#lines.push(line);
  }

  shift(): QueuedLine {
    const line = this.#lines[this.#first]!;
    this.#first++;
    if (this.#first * 2 > this.#lines.length) {
      this.#lines = this.#lines.slice(this.#first);
      this.#first = 0;
    }
    return line;
  }
}
