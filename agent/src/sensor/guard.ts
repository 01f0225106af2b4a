// One detector's sensor in the agent's hands: content swapped in whole, records read, pins taken over. It knows the maps that
// every program has (bpf/lib), and of a detector's own no more than their names.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import {
  type Attachment,
  constant,
  type Layout,
  layoutVersion,
  Sensor,
  type SensorMap,
  type SlotContents,
} from "@cryptnono/native";
import type { Counters } from "../types.js";
import { addCounters, nameCounters } from "./counters.js";
import {
  listPins,
  makePinDir,
  ownPins,
  PinError,
  type Pins,
  removeLinkPins,
  removePins,
  retireFormer,
} from "./pins.js";

/** What a guard has to know of a detector's BPF object: names. */
export interface SensorParts {
  /** The detector's name, and its directory's below the pin directory. */
  readonly detector: string;
  /** In the order of attaching, which is the order of running. */
  readonly programs: readonly Attachment[];
  /** The one whose runs are the detector's looks: where it could not run, nobody looked. */
  readonly mainProgram: string;
  /** Programs of the object that are not wanted. */
  readonly skip: readonly string[];
  /** Weak kernel functions that this kernel has in another form. */
  readonly absent?: readonly string[];
  /** Values of the object's `const volatile` variables that are not its own. */
  readonly constants: Readonly<Record<string, number | boolean>>;
  /** Sizes of maps and rings that are not the object's own. */
  readonly maxEntries: Readonly<Record<string, number>>;
  /** The event rings. The first is emptied before the others get a turn. */
  readonly rings: readonly string[];
  /** Maps that the next agent goes on with, as it does with the counters. */
  readonly kept?: readonly string[];
}

/** More of the same object's programs, loaded while others of it judge already. */
export interface MoreParts extends Pick<SensorParts, "programs" | "skip" | "absent" | "constants" | "maxEntries"> {
  /** Maps that are theirs alone; all others are shared. */
  readonly own: readonly string[];
}

/** The calls of the native addon, for a test to stand in. */
export interface SensorFactory {
  open: typeof Sensor.open;
  openPinned: typeof Sensor.openPinned;
}

export interface GuardOptions {
  /** The BPF object file's bytes. */
  readonly object: Uint8Array;
  /** A directory on a BPF file system where the kernel's part outlives the agent; null: it ends with the agent. */
  readonly pinDir: string | null;
  /** Only descendants of this process are judged: for tests. 0: every process. */
  readonly scopePid?: number;
  /** A record of one of the rings. The bytes are the callee's. */
  readonly onRecord: (record: Uint8Array) => void;
  /** A record that cannot be read, or the ring itself. */
  readonly onError: (error: unknown) => void;
  /** All records are read, and the maps are there for the last time. `isDetached`: nothing judges any more. */
  readonly onEnd?: (isDetached: boolean) => void;
}

/** How long records are read before the rest of the agent gets a turn: signals, reloads, probes, metrics. */
const TURN_MS = 20;
/** How long an agent that leaves its pins behind reads on. A flood would never let it end; its successor reads the rest. */
const LAST_READ_MS = 500;

/** How often a load in the background is asked whether it has ended. */
const LOOK_AT_LOAD_MS = 10;

/** The maps that every program has. */
const CONTROL = "control";
const COUNTERS = "counters";

export class Guard {
  readonly layout: Layout;
  readonly #parts: SensorParts;
  readonly #options: GuardOptions;
  readonly #native: SensorFactory;
  readonly #sensor: Sensor;
  /** What was loaded after it, over its maps. */
  readonly #more: Sensor[] = [];
  /** This detector's part of the pin directory. */
  readonly #pinDir: string | null;
  #slot: 0 | 1 = 0;
  #attached = false;
  #closed = false;
  #pinned: string | null = null;
  #retiredBy: number | null = null;
  /** What earlier sensors counted in maps that this one could not go on with. */
  #inherited: Counters | null = null;

  /**
   * Begin to load programs and maps; {@link install} waits for it. Nothing is judged before {@link attach}.
   *
   * @throws NativeError, PinError
   */
  constructor(parts: SensorParts, options: GuardOptions, native: SensorFactory = Sensor) {
    const { object, pinDir } = options;
    const { constants, maxEntries, skip, absent = [] } = parts;
    this.#parts = parts;
    this.#options = options;
    this.#native = native;
    this.#pinDir = pinDir === null ? null : makePinDir(pinDir, parts.detector);
    this.#sensor = native.open({ object, constants, maxEntries, skip, absent });
    this.layout = this.#sensor.layout();
    this.#continueCounters();
    // The kernel's verifier works while the config is read: what it says comes with the first call on the sensor.
    this.#sensor.load();
  }

  /** Put `contents`, by outer map, in force: from one event to the next, whole. @throws NativeError; what was before stays. */
  install(contents: Readonly<Record<string, SlotContents>>): void {
    const slot = this.#slot === 0 ? 1 : 0;
    this.#sensor.fill(slot, contents);
    this.#setControl(this.#sensor, "CONTROL_SLOT", slot);
    this.#slot = slot;
  }

  /** Begin to judge. @throws NativeError, with nothing attached. */
  attach(): void {
    const { scopePid = 0 } = this.#options;
    this.#setControl(this.#sensor, "CONTROL_AGENT_TGID", process.pid);
    this.#setControl(this.#sensor, "CONTROL_SCOPE_TGID", scopePid);
    this.#sensor.attach(this.#parts.programs);
    this.#attached = true;
  }

  /**
   * Load more programs over the maps that there are, while others get their turns, and have them judge too.
   *
   * @throws NativeError; all is as before then.
   */
  async extend({ programs, skip, absent = [], constants, maxEntries, own }: MoreParts): Promise<void> {
    const more = this.#native.open({ object: this.#options.object, constants, maxEntries, skip, absent });
    try {
      more.shareMaps(this.#sensor, own);
      more.load();
      while (more.isLoading) await new Promise((resolve) => setTimeout(resolve, LOOK_AT_LOAD_MS));
      if (!this.isAttached) return more.close();
      more.attach(programs);
      if (this.#pinned !== null) more.pin(this.#pinned, []);
    } catch (error) {
      more.close();
      throw error;
    }
    this.#more.push(more);
  }

  /** This sensor judges. */
  get isAttached(): boolean {
    return this.#attached && this.retiredBy() === null;
  }

  /** The process whose sensor has taken over from this one; asks the kernel. */
  retiredBy(): number | null {
    if (this.#retiredBy === null && this.#pinned !== null && !this.#closed) {
      const pid = Number(this.#sensor.map(CONTROL).sum(constant(this.layout, "CONTROL_RETIRED_BY")));
      if (pid !== 0) this.#retiredBy = pid;
    }
    return this.#retiredBy;
  }

  /**
   * Begin to read records. With a pin directory: pin this sensor, then take over from those pinned before, so that at each
   * moment one or the other judges. Call after {@link attach}.
   *
   * @throws NativeError, PinError
   */
  start(): void {
    if (this.#pinDir !== null) this.#takeOver(this.#pinDir);
    this.#sensor.onRecords(this.#parts.rings, () => this.#readRings());
    this.#readRings();
  }

  /** The kernel's counters, those of earlier agents' sensors included; null when others go on with them, and once closed. */
  counters(): Counters | null {
    if (this.#closed || this.retiredBy() !== null) return null;
    const own = nameCounters(this.#sensor.map(COUNTERS).sums(), this.layout);
    return this.#inherited === null ? own : addCounters(own, this.#inherited);
  }

  /** Times at which the main program could not run. */
  missedRuns(): number {
    return this.#closed ? 0 : this.#sensor.statistics(this.#parts.mainProgram).missed;
  }

  /** One of the sensor's maps. Not once closed. */
  map(name: string): SensorMap {
    return this.#sensor.map(name);
  }

  /** Let go of the programs, which do nothing any more once another sensor has taken over. Records are read to the end. */
  retire(): void {
    this.#attached = false;
    if (this.#closed) return;
    for (const more of this.#more) more.detach();
    this.#sensor.detach();
  }

  /** Read what the rings hold, once more, and stop. Without pins nothing judges from here on; with pins the kernel's part
   * goes on without an agent. */
  close(): void {
    if (this.#closed) return;
    this.#attached = false;
    if (this.#pinned === null) {
      for (const more of this.#more) more.detach();
      this.#sensor.detach();
      this.#drain(this.#sensor);
    } else {
      for (const ring of this.#parts.rings) this.#readFor(LAST_READ_MS, ring);
    }
    this.#options.onEnd?.(this.#pinned === null);
    this.#closed = true;
    for (const more of this.#more) more.close();
    this.#sensor.close();
  }

  #setControl(sensor: Sensor, name: string, value: number): void {
    sensor.map(CONTROL).set(constant(this.layout, name), value);
  }

  /** On a wake-up. What one turn leaves is read in the next, so that the rest of the agent gets its turns. */
  #readRings(): void {
    if (this.#closed) return;
    const [first, ...others] = this.#parts.rings;
    const left = first !== undefined && this.#readFor(TURN_MS, first);
    const more = others.map((ring) => this.#readBatch(this.#sensor, ring));
    if (left || more.includes(true)) setImmediate(() => this.#readRings());
    else this.#sensor.drained();
  }

  /** @returns whether there may be more. */
  #readFor(ms: number, ring: string): boolean {
    const until = performance.now() + ms;
    while (this.#readBatch(this.#sensor, ring)) if (performance.now() > until) return true;
    return false;
  }

  #drain(sensor: Sensor): void {
    for (const ring of this.#parts.rings) while (this.#readBatch(sensor, ring));
  }

  /** @returns whether there was anything. */
  #readBatch(sensor: Sensor, ring: string): boolean {
    let records: Uint8Array[];
    try {
      records = sensor.readRing(ring);
    } catch (error) {
      this.#options.onError(error);
      return false;
    }
    for (const bytes of records) {
      try {
        this.#options.onRecord(bytes);
      } catch (error) {
        this.#options.onError(error);
      }
    }
    return records.length > 0;
  }

  // ---- pins ----

  get #version(): string {
    return layoutVersion(this.layout);
  }

  get #pinnedMaps(): readonly string[] {
    return [CONTROL, ...this.#keptMaps, ...this.#parts.rings];
  }

  get #keptMaps(): readonly string[] {
    return [COUNTERS, ...(this.#parts.kept ?? [])];
  }

  /** Count on in the map of the sensor before: no counter falls, however many agents come and go. */
  #continueCounters(): void {
    if (this.#pinDir === null) return;
    for (const { dir, version } of listPins(this.#pinDir)) {
      if (version !== this.#version) continue;
      try {
        if (this.#keptMaps.map((map) => this.#sensor.continueMap(map, join(dir, map))).includes(true)) return;
      } catch {
        // Half of its pins are gone, and it is removed below.
      }
    }
  }

  #takeOver(pinDir: string): void {
    const earlier = listPins(pinDir);
    const own = ownPins(pinDir, this.#version);
    try {
      mkdirSync(own);
      this.#sensor.pin(own, this.#pinnedMaps);
    } catch (error) {
      removePins(own);
      throw new PinError(own, error);
    }
    this.#pinned = own;
    for (const pins of earlier) {
      try {
        this.#inherit(pins);
      } catch (error) {
        // Half of its pins are gone, or are being removed by someone else: it must not keep judging beside this sensor.
        this.#options.onError(error);
        removePins(pins.dir);
      }
    }
    if (this.#options.pinDir !== null) retireFormer(this.#options.pinDir);
  }

  /** End an earlier sensor's judging, then read what it still has to tell. */
  #inherit({ dir, version, isAlive }: Pins): void {
    this.#retire(dir);
    removeLinkPins(dir);
    if (version === this.#version) {
      const sensor = this.#native.openPinned(dir, this.#pinnedMaps);
      try {
        // A living agent (an upgrade in progress) reads its ring itself; two readers would tear it.
        if (!isAlive()) this.#drain(sensor);
        const counters = sensor.map(COUNTERS);
        if (counters.id !== this.#sensor.map(COUNTERS).id) {
          const counted = nameCounters(counters.sums(), this.layout);
          this.#inherited = this.#inherited === null ? counted : addCounters(this.#inherited, counted);
        }
      } finally {
        sensor.close();
      }
    }
    removePins(dir);
  }

  /** Its links may be held by a living agent, and go some time after their last pin: without this, a kill is told twice. */
  #retire(dir: string): void {
    const sensor = this.#native.openPinned(dir, [CONTROL]);
    try {
      sensor.map(CONTROL).set(RETIRED_BY, process.pid);
    } finally {
      sensor.close();
    }
  }
}

/** CONTROL_RETIRED_BY of any version. */
const RETIRED_BY = 0;
