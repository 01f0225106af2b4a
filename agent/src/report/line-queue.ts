// Lines that wait for a slow reader, bounded in bytes. What matters least goes first, and among what matters alike the oldest
// of whoever has most waiting: a flood of one pod drops its own lines.
import type { LineKind, LogLine } from "./log.js";

/**
 * How much a line would be missed. A kill's line is the only word of one process, a summary stands for many; what the agent
 * says of itself is little, and says whether it guards.
 */
export const IMPORTANCE: Readonly<Record<LineKind, number>> = {
  debug: 0,
  lookup: 1,
  spare: 1,
  "let-go": 2,
  refusal: 2,
  "would-kill": 2,
  kill: 3,
  summary: 4,
  notice: 4,
};

export interface QueuedLine {
  readonly bytes: Uint8Array;
  readonly kind: LineKind;
}

interface Entry extends QueuedLine {
  readonly group: string;
  /** Empty once it is dropped. */
  bytes: Uint8Array;
}

/** The lines of one group and one importance, oldest first. */
class Share {
  readonly #lines = new Fifo<Entry>();
  size = 0;

  get isEmpty(): boolean {
    return this.#lines.length === 0;
  }

  push(entry: Entry): void {
    this.#lines.push(entry);
    this.size += sizeOf(entry);
  }

  shift(): Entry {
    const entry = this.#lines.shift()!;
    this.size -= sizeOf(entry);
    return entry;
  }
}

/** What a line costs beside its bytes: its buffer, its places in two queues. */
const ENTRY_BYTES = 256;
const DROPPED = new Uint8Array(0);
const LEVELS = 1 + Math.max(...Object.values(IMPORTANCE));

export class LineQueue {
  readonly #maxBytes: number;
  readonly #onDrop: (kind: LineKind) => void;
  /** All lines in their order; dropped ones stay until their turn, or until they are more than the others. */
  #order = new Fifo<Entry>();
  readonly #levels = Array.from({ length: LEVELS }, () => new Map<string, Share>());
  #lines = 0;
  #size = 0;

  constructor(maxBytes: number, onDrop: (kind: LineKind) => void) {
    this.#maxBytes = maxBytes;
    this.#onDrop = onDrop;
  }

  get isEmpty(): boolean {
    return this.#lines === 0;
  }

  /** Less than half of the room is taken. */
  get isRoomy(): boolean {
    return this.#size < this.#maxBytes / 2;
  }

  push({ text, kind, group = "" }: LogLine): void {
    const entry: Entry = { bytes: ownBytes(text), kind, group };
    const level = IMPORTANCE[kind];
    if (!this.#makeRoom(sizeOf(entry), level, group)) {
      this.#onDrop(kind);
      return;
    }
    const shares = this.#levels[level]!;
    let share = shares.get(group);
    if (share === undefined) {
      share = new Share();
      shares.set(group, share);
    }
    share.push(entry);
    this.#order.push(entry);
    this.#lines++;
    this.#size += sizeOf(entry);
  }

  /** The oldest line, which stays. */
  get head(): QueuedLine | undefined {
    while (this.#order.head?.bytes === DROPPED) this.#order.shift();
    return this.#order.head;
  }

  /** The oldest line, which goes. */
  shift(): QueuedLine | undefined {
    if (this.head === undefined) return undefined;
    const { kind, group } = this.#order.shift()!;
    return this.#take(IMPORTANCE[kind], group);
  }

  /** Drops lines of less or the same importance until `size` bytes fit. */
  #makeRoom(size: number, importance: number, group: string): boolean {
    if (size > this.#maxBytes) return false;
    for (let level = 0; this.#size + size > this.#maxBytes; ) {
      const greediest = this.#greediest(level, level === importance ? group : null, size);
      if (greediest === null) {
        if (++level > importance) return false;
        continue;
      }
      const entry = this.#take(level, greediest);
      entry.bytes = DROPPED;
      this.#onDrop(entry.kind);
    }
    this.#compact();
    return true;
  }

  /** The group with most waiting; the newcomer's own counts with what is to come. */
  #greediest(level: number, newcomer: string | null, size: number): string | null {
    let greediest: string | null = null;
    let most = 0;
    for (const [group, share] of this.#levels[level]!) {
      const waiting = share.size + (group === newcomer ? size : 0);
      if (waiting <= most) continue;
      most = waiting;
      greediest = group;
    }
    return greediest;
  }

  /** The oldest of a share, out of it. */
  #take(level: number, group: string): Entry {
    const shares = this.#levels[level]!;
    const share = shares.get(group)!;
    const entry = share.shift();
    if (share.isEmpty) shares.delete(group);
    this.#lines--;
    this.#size -= sizeOf(entry);
    return entry;
  }

  /** A reader that halts must not let the places of dropped lines pile up. */
  #compact(): void {
    if (this.#order.length < 2 * this.#lines + 64) return;
    const order = new Fifo<Entry>();
    for (const entry of this.#order) if (entry.bytes !== DROPPED) order.push(entry);
    this.#order = order;
  }
}

/** Not from Node's pool: one line that stays would keep 8 KiB of others' there. */
function ownBytes(text: string): Uint8Array {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}

function sizeOf({ bytes }: QueuedLine): number {
  return bytes.length + ENTRY_BYTES;
}

/** First in, first out, without moving the rest at each step. */
class Fifo<T> {
  #items: (T | undefined)[] = [];
  #first = 0;

  get length(): number {
    return this.#items.length - this.#first;
  }

  get head(): T | undefined {
    return this.#items[this.#first];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    const item = this.#items[this.#first];
    if (item === undefined) return undefined;
    this.#items[this.#first++] = undefined;
    if (this.#first * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
    return item;
  }

  *[Symbol.iterator](): Iterator<T> {
    for (let i = this.#first; i < this.#items.length; i++) yield this.#items[i]!;
  }
}
