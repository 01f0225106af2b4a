// What became of the looks at files that begin to run, where who asks and the next agent find it: two maps of the kernel's.
import { constant, type Layout, type SensorMap, structLayout } from "@cryptnono/native";
import type { ExecRecord } from "../record.js";
import type { Algorithm } from "./algorithms.js";
import type { ExecResult } from "./at-exec.js";

/** `waits`: or is being searched. `untold`: too many programs began. */
export type LookOutcome = "waits" | "untold" | Exclude<ExecResult, "vanished">;

export interface Look extends ExecRecord {
  readonly outcome: LookOutcome;
  /** Milliseconds since 1970; null: not looked at. */
  readonly lookedMs: number | null;
}

export interface Mark {
  readonly pid: number;
  /** Nanoseconds since boot. */
  readonly startTimeNs: bigint;
  /** Milliseconds since 1970. */
  readonly markedMs: number;
  readonly algorithm: Algorithm;
}

export interface LookMaps {
  readonly looks: Pick<SensorMap, "get" | "set" | "entries" | "maxEntries">;
  readonly marks: Pick<SensorMap, "get" | "set" | "entries">;
}

const OUTCOMES: Readonly<Record<LookOutcome, string>> = {
  waits: "LOOK_WAITS",
  untold: "LOOK_UNTOLD",
  searched: "LOOK_SEARCHED",
  cached: "LOOK_CACHED",
  "put-off": "LOOK_PUT_OFF",
  unreadable: "LOOK_UNREADABLE",
};

export class Looks {
  readonly #maps: LookMaps;
  readonly #layout: Layout;

  constructor(maps: LookMaps, layout: Layout) {
    this.#maps = maps;
    this.#layout = layout;
  }

  /** Files are looked into; where they are not, nothing is kept. */
  get areMade(): boolean {
    return this.#maps.looks.maxEntries > 1;
  }

  put({ pid, startTimeNs, timeNs }: ExecRecord, outcome: LookOutcome, nowMs = Date.now()): void {
    const { size, offsets: at } = structLayout(this.#layout, "look");
    const view = new DataView(new ArrayBuffer(size));
    view.setBigUint64(at["start_time_ns"]!, startTimeNs, true);
    view.setBigUint64(at["exec_ns"]!, timeNs, true);
    view.setBigUint64(at["looked_ms"]!, BigInt(nowMs), true);
    view.setUint32(at["outcome"]!, constant(this.#layout, OUTCOMES[outcome]), true);
    this.#maps.looks.set(pid, new Uint8Array(view.buffer));
  }

  putMark({ pid, startTimeNs }: ExecRecord, { name, variant = "" }: Algorithm, nowMs = Date.now()): void {
    const { size, offsets: at, sizes } = structLayout(this.#layout, "mark");
    const bytes = Buffer.alloc(size);
    bytes.writeBigUInt64LE(startTimeNs, at["start_time_ns"]);
    bytes.writeBigUInt64LE(BigInt(nowMs), at["marked_ms"]);
    bytes.write(name, at["algorithm"]!, sizes["algorithm"]!, "latin1");
    bytes.write(variant, at["variant"]!, sizes["variant"]!, "latin1");
    this.#maps.marks.set(pid, bytes);
  }

  /** Of the process that has this number last, which may be gone. */
  look(pid: number): Look | null {
    const bytes = this.#maps.looks.get(pid);
    return bytes === null ? null : this.#lookOf(pid, bytes);
  }

  /** As {@link look}. */
  mark(pid: number): Mark | null {
    const bytes = this.#maps.marks.get(pid);
    return bytes === null ? null : this.#markOf(pid, bytes);
  }

  all(): Look[] {
    return this.#maps.looks.entries().map(({ key, value }) => this.#lookOf(pidOf(key), value));
  }

  allMarks(): Mark[] {
    return this.#maps.marks.entries().map(({ key, value }) => this.#markOf(pidOf(key), value));
  }

  #lookOf(pid: number, bytes: Uint8Array): Look {
    const { offsets: at } = structLayout(this.#layout, "look");
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const number = view.getUint32(at["outcome"]!, true);
    const outcome = (Object.keys(OUTCOMES) as LookOutcome[]).find(
      (name) => constant(this.#layout, OUTCOMES[name]) === number,
    );
    if (outcome === undefined) throw new Error(`a look with outcome ${number} is unknown`);
    const lookedMs = Number(view.getBigUint64(at["looked_ms"]!, true));
    return {
      pid,
      startTimeNs: view.getBigUint64(at["start_time_ns"]!, true),
      timeNs: view.getBigUint64(at["exec_ns"]!, true),
      outcome,
      lookedMs: lookedMs === 0 ? null : lookedMs,
    };
  }

  #markOf(pid: number, bytes: Uint8Array): Mark {
    const { offsets: at, sizes } = structLayout(this.#layout, "mark");
    const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const text = (field: string) =>
      view.toString("latin1", at[field]!, at[field]! + sizes[field]!).replace(/\0.*$/s, "");
    const variant = text("variant");
    return {
      pid,
      startTimeNs: view.readBigUInt64LE(at["start_time_ns"]),
      markedMs: Number(view.readBigUInt64LE(at["marked_ms"])),
      algorithm: { name: text("algorithm"), ...(variant === "" ? {} : { variant }) },
    };
  }
}

function pidOf(key: Uint8Array): number {
  return new DataView(key.buffer, key.byteOffset, key.byteLength).getUint32(0, true);
}
