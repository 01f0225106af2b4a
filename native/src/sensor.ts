// Programs, maps, links and rings as one, by the names that the object gives them.
import { call, type Handle, type ProgramStatistics } from "./addon.js";
import type { Layout } from "./layout.js";
import { SensorMap } from "./map.js";

export interface SensorOptions {
  /** The BPF object file's bytes. */
  readonly object: Uint8Array;
  /** Values of the object's `const volatile` variables. */
  readonly constants?: Readonly<Record<string, number | boolean>>;
  /** Sizes of maps, instead of the object's own: entries, or bytes of a ring (a power of two of at least a page). */
  readonly maxEntries?: Readonly<Record<string, number>>;
  /** Programs that are not loaded. */
  readonly skip?: readonly string[];
  /** Weak kernel functions that are taken for absent: this kernel has them in another form, which libbpf refuses. */
  readonly absent?: readonly string[];
}

/** A program and, for one that is attached to a cgroup, the cgroup's path. */
export interface Attachment {
  readonly program: string;
  readonly cgroup?: string;
  /** Not every kernel takes it, and the others work without. */
  readonly optional?: boolean;
}

/** What an inner map gets: an array's values in the order of its keys, or each entry's key and value. */
export type SlotContent = Uint8Array | { readonly keys: Uint8Array; readonly values: Uint8Array };

/** For a slot; several are for it and for those that lie {@link SLOTS} behind it, one after the other. */
export type SlotContents = SlotContent | readonly SlotContent[];

/** One is in force while the other is filled. */
const SLOTS = 2;

/** Every method throws NativeError when the kernel refuses, and, but for {@link close}, once the sensor is closed. */
export class Sensor {
  readonly #handle: Handle;
  readonly #maps = new Map<string, SensorMap>();

  private constructor(handle: Handle) {
    this.#handle = handle;
  }

  /** Read an object. The first method that needs the kernel loads it; {@link load} begins that in the background. */
  static open({ object, constants = {}, maxEntries = {}, skip = [], absent = [] }: SensorOptions): Sensor {
    return call((addon) => {
      const handle = addon.openSensor(absent.reduce(rename, object));
      for (const [name, value] of Object.entries(constants)) addon.setConstant(handle, name, Number(value));
      for (const [name, entries] of Object.entries(maxEntries)) addon.setMaxEntries(handle, name, entries);
      for (const name of skip) addon.skipProgram(handle, name);
      return new Sensor(handle);
    });
  }

  /** These maps of what is pinned in `dir`. Its links stay as they are. */
  static openPinned(dir: string, maps: readonly string[]): Sensor {
    return new Sensor(call((addon) => addon.openPinned(dir, maps)));
  }

  /** The border's types, out of the object's own BTF. */
  layout(): Layout {
    return call((addon) => addon.layout(this.#handle)) as Layout;
  }

  /**
   * Go on with the map that is pinned at `path` instead of making it anew. Before the load.
   *
   * @returns false when that one is of another shape, and is left alone.
   */
  continueMap(name: string, path: string): boolean {
    return call((addon) => addon.continueMap(this.#handle, name, path));
  }

  /**
   * Use the maps of a sensor of the same object instead of making them anew. Before the load.
   *
   * @param own - Those that are made anew.
   */
  shareMaps(other: Sensor, own: readonly string[]): void {
    call((addon) => addon.shareMaps(this.#handle, other.#handle, own));
  }

  /** Begin to load: the verifier works on a thread of its own. The next method that needs the kernel waits, and throws what
   * became of it. */
  load(): void {
    call((addon) => addon.load(this.#handle));
  }

  /** The next method that needs the kernel would have to wait. */
  get isLoading(): boolean {
    return call((addon) => addon.isLoading(this.#handle));
  }

  map(name: string): SensorMap {
    const known = this.#maps.get(name);
    if (known !== undefined) return known;
    const map = new SensorMap(this.#handle, name);
    this.#maps.set(name, map);
    return map;
  }

  /** Give slot `slot` of outer maps a fresh inner map each. It must not be the slot in force. */
  fill(slot: number, contents: Readonly<Record<string, SlotContents>>): void {
    const lists = Object.entries(contents).map(([outer, content]) => [outer, listOf(content)] as const);
    const most = Math.max(...lists.map(([, list]) => list.length));
    for (let set = 0; set < most; set++) {
      const all = lists.flatMap(([outer, { [set]: content }]) => (content === undefined ? [] : [{ outer, content }]));
      const values = all.map(({ content }) => (content instanceof Uint8Array ? content : content.values));
      const keys = all.map(({ content }) => (content instanceof Uint8Array ? null : content.keys));
      const outers = all.map(({ outer }) => outer);
      call((addon) => addon.fill(this.#handle, slot + set * SLOTS, outers, values, keys));
    }
  }

  /** Attach all of the programs, in this order, or none and an error. @returns the optional ones that failed. */
  attach(attachments: readonly Attachment[]): string[] {
    const programs = attachments.map(({ program }) => program);
    const cgroups = attachments.map(({ cgroup = "" }) => cgroup);
    const optional = attachments.map(({ optional = false }) => Number(optional));
    return call((addon) => addon.attach(this.#handle, programs, cgroups, optional));
  }

  /** In the reverse order. What is pinned goes on. */
  detach(): void {
    call((addon) => addon.detach(this.#handle));
  }

  /** Pin all links and these maps as files in `dir`, an empty directory of a BPF file system. */
  pin(dir: string, maps: readonly string[]): void {
    call((addon) => addon.pin(this.#handle, dir, maps));
  }

  /** Take up to about 128 KiB of records out of a ring; none are left when it answers with an empty array. */
  readRing(ring: string): Uint8Array[] {
    const batch = call((addon) => addon.readRing(this.#handle, ring));
    return batch === null ? [] : splitBatch(batch);
  }

  /** Call back when one of the rings has records; each time {@link drained} must follow once they are read. */
  onRecords(rings: readonly string[], callback: () => void): void {
    call((addon) => addon.onRecords(this.#handle, rings, callback));
  }

  drained(): void {
    call((addon) => addon.drained(this.#handle));
  }

  statistics(program: string): ProgramStatistics {
    return call((addon) => addon.programStatistics(this.#handle, program));
  }

  /**
   * Run a `SEC("syscall")` program once.
   *
   * @param context - What it is given, and may change.
   * @param addresses - Buffers of ours: each one's address stands at its offset in the context.
   * @returns what the program returned.
   */
  testRun(
    program: string,
    context: Uint8Array,
    addresses: readonly (readonly [offset: number, buffer: Uint8Array])[] = [],
  ): number {
    const offsets = addresses.map(([offset]) => offset);
    const buffers = addresses.map(([, buffer]) => buffer);
    return call((addon) => addon.testRun(this.#handle, program, context, offsets, buffers));
  }

  /** Detach, free. What is pinned stays and goes on. */
  close(): void {
    call((addon) => addon.closeSensor(this.#handle));
  }
}

function listOf(content: SlotContents): readonly SlotContent[] {
  return Array.isArray(content) ? content : [content as SlotContent];
}

/** The object with `name` called what no kernel function is called, in its symbols and in its BTF. */
function rename(object: Uint8Array, name: string): Uint8Array {
  const bytes = Buffer.from(object);
  const [wanted, other] = [Buffer.from(`\0${name}\0`), Buffer.from(`\0${"x".repeat(name.length)}\0`)];
  for (let at = bytes.indexOf(wanted); at >= 0; at = bytes.indexOf(wanted, at + 1)) other.copy(bytes, at);
  return bytes;
}

function splitBatch(batch: Uint8Array): Uint8Array[] {
  const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
  const records: Uint8Array[] = [];
  for (let at = 0; at < batch.length; ) {
    const length = Number(view.getBigUint64(at, true));
    records.push(batch.subarray(at + 8, at + 8 + length));
    at += 8 + Math.ceil(length / 8) * 8;
  }
  return records;
}
