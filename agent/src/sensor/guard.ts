// The sensor in the agent's hands: lists swapped in whole, records read, pins taken over.
import { mkdirSync, readdirSync, readFileSync, rmdirSync, unlinkSync } from "node:fs";
import { basename, join } from "node:path";
import {
  KILL_RING,
  type Layout,
  layout,
  OTHER_RING,
  type RingIndex,
  Sensor,
  type SensorOptions,
} from "@cryptnono/native";
import { parseStat } from "../proc/index.js";
import type { SensorCounters } from "../types.js";
import { type MutableCounters, nameCounters } from "./counters.js";
import { decodeExecRecord, type ExecRecord } from "./decode.js";
import type { CompiledRules } from "./judge.js";

export interface GuardOptions extends SensorOptions {
  /** The BPF object file's bytes. */
  readonly object: Uint8Array;
  /** A directory on a BPF file system where the kernel's part outlives the agent; null: it ends with the agent. */
  readonly pinDir: string | null;
  /** Only descendants of this process are judged: for tests. 0: every process. */
  readonly scopePid?: number;
  readonly onRecord: (record: ExecRecord) => void;
  /** A record that cannot be read, or the ring itself. */
  readonly onError: (error: unknown) => void;
}

/** How long records are read before the rest of the agent gets a turn: signals, reloads, probes, metrics. */
const TURN_MS = 20;
/** How long an agent that leaves its pins behind reads on. A flood would never let it end; its successor reads the rest. */
const LAST_READ_MS = 500;

/** Lists whose numbers events may still carry. */
const REMEMBERED_LISTS = 4;

export class Guard {
  readonly #options: GuardOptions;
  readonly #layout: Layout;
  readonly #sensor: Sensor;
  readonly #lists = new Map<number, CompiledRules>();
  #slot: 0 | 1 = 0;
  #attached = false;
  #closed = false;
  #pinned: string | null = null;
  /** What earlier agents' sensors counted, so that no counter falls when a new agent takes over. */
  #inherited: MutableCounters | null = null;

  /** Begin to load programs and maps; {@link install} waits for it. Nothing is judged before {@link attach}. @throws NativeError */
  constructor(options: GuardOptions) {
    this.#options = options;
    this.#layout = layout();
    // The kernel's verifier works while the config is read: what it says comes with the first call on the sensor.
    this.#sensor = Sensor.open(options.object, { ...options, inBackground: true });
  }

  /** Put `compiled` in force: from one exec to the next, whole. @throws NativeError; the list before then stays. */
  install(compiled: CompiledRules): void {
    const slot = this.#slot === 0 ? 1 : 0;
    this.#sensor.fillSlot(slot, compiled.tables);
    this.#lists.set(compiled.generation, compiled);
    this.#sensor.setControl(this.#control("CONTROL_SLOT"), slot);
    this.#slot = slot;
    for (const generation of this.#lists.keys()) {
      if (this.#lists.size <= REMEMBERED_LISTS) break;
      this.#lists.delete(generation);
    }
  }

  /** The list that a record's numbers are from; undefined when it was an earlier agent's. */
  listOf({ generation }: ExecRecord): CompiledRules | undefined {
    return this.#lists.get(generation);
  }

  /** Begin to judge. @throws NativeError, with nothing attached. */
  attach(): void {
    const { scopePid = 0 } = this.#options;
    this.#sensor.setControl(this.#control("CONTROL_AGENT_TGID"), process.pid);
    this.#sensor.setControl(this.#control("CONTROL_SCOPE_TGID"), scopePid);
    this.#sensor.attach();
    this.#attached = true;
  }

  get isAttached(): boolean {
    return this.#attached;
  }

  /**
   * Begin to read records. With a pin directory: pin this sensor, then take over from those pinned before, so that at each
   * moment one or the other judges. Call after {@link attach}.
   *
   * @throws NativeError, PinError
   */
  start(): void {
    const { pinDir } = this.#options;
    if (pinDir !== null) this.#takeOver(pinDir);
    this.#sensor.onRecords(() => this.#readRings());
    this.#readRings();
  }

  /** The kernel's counters, those of earlier agents' sensors included; null once closed. */
  counters(): SensorCounters | null {
    if (this.#closed) return null;
    const own = nameCounters(this.#sensor.counters(), this.#layout);
    if (this.#inherited !== null) addCounters(own, this.#inherited);
    return own;
  }

  /** Execs at which the program could not run. */
  missedRuns(): number {
    return this.#closed ? 0 : this.#sensor.programStatistics().missed;
  }

  /** Read what the rings hold, once more, and stop. Without pins nothing judges from here on; with pins the kernel's part
   * goes on without an agent. */
  close(): void {
    if (this.#closed) return;
    this.#attached = false;
    if (this.#pinned === null) {
      this.#sensor.detach();
      this.#drain(this.#sensor);
    } else {
      this.#sensor.setControl(this.#control("CONTROL_AGENT_AWAY"), 1);
      for (const ring of [KILL_RING, OTHER_RING] as const) this.#readFor(LAST_READ_MS, ring);
    }
    this.#closed = true;
    this.#sensor.close();
  }

  #control(name: string): number {
    return this.#layout.constants[name]!;
  }

  /** On a wake-up. What one turn leaves is read in the next, so that the rest of the agent gets its turns. */
  #readRings(): void {
    if (this.#closed) return;
    const left = [this.#readFor(TURN_MS, KILL_RING), this.#readBatch(this.#sensor, OTHER_RING)].includes(true);
    if (left) setImmediate(() => this.#readRings());
    else this.#sensor.drained();
  }

  /** @returns whether there may be more. */
  #readFor(ms: number, ring: RingIndex): boolean {
    const until = performance.now() + ms;
    while (this.#readBatch(this.#sensor, ring)) if (performance.now() > until) return true;
    return false;
  }

  #drain(sensor: Sensor): void {
    for (const ring of [KILL_RING, OTHER_RING] as const) while (this.#readBatch(sensor, ring));
  }

  /** @returns whether there was anything. */
  #readBatch(sensor: Sensor, ring: RingIndex): boolean {
    let records: Uint8Array[];
    try {
      records = sensor.readRing(ring);
    } catch (error) {
      this.#options.onError(error);
      return false;
    }
    for (const bytes of records) {
      try {
        this.#options.onRecord(decodeExecRecord(bytes, this.#layout));
      } catch (error) {
        this.#options.onError(error);
      }
    }
    return records.length > 0;
  }

  #takeOver(pinDir: string): void {
    const earlier = pinnedSensors(pinDir);
    const own = join(pinDir, pinName(this.#layoutVersion));
    try {
      mkdirSync(own, { recursive: true });
      this.#sensor.pin(own);
    } catch (error) {
      removePins(own);
      throw new PinError(pinDir, error);
    }
    this.#pinned = own;
    for (const dir of earlier) {
      try {
        this.#inherit(dir);
      } catch (error) {
        // Half of an older layout, or being removed by someone else: it must not keep judging beside this sensor.
        this.#options.onError(error);
        removePins(dir);
      }
    }
  }

  get #layoutVersion(): number {
    return this.#layout.constants["LAYOUT_VERSION"]!;
  }

  /** End an earlier sensor's judging, then read what it still has to tell. */
  #inherit(dir: string): void {
    if (!basename(dir).startsWith(`${PIN_PREFIX}${this.#layoutVersion}-`)) {
      removePins(dir); // its records are laid out otherwise
      return;
    }
    const sensor = Sensor.openPinned(dir);
    try {
      // Its links may be held by a living agent, and go some time after their last pin: without this, a kill is told twice.
      sensor.setControl(this.#control("CONTROL_RETIRED_BY"), process.pid);
      removeLinkPins(dir);
      // A living agent (an upgrade in progress) reads its ring itself; two readers would tear it.
      if (!isAlive(dir)) this.#drain(sensor);
      const counted = nameCounters(sensor.counters(), this.#layout);
      this.#inherited = this.#inherited === null ? counted : addCounters(this.#inherited, counted);
    } finally {
      sensor.close();
    }
    removePins(dir);
  }
}

function addCounters(to: MutableCounters, more: SensorCounters): MutableCounters {
  for (const name of Object.keys(more) as (keyof SensorCounters)[]) to[name] += more[name];
  return to;
}

export class PinError extends Error {
  override readonly name = "PinError";
  readonly hint = "the directory must lie on a BPF file system that is writable: mount -t bpf bpf /sys/fs/bpf";
  constructor(dir: string, cause: unknown) {
    super(`pin to ${dir}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

// ---- pin directories ----

const PIN_PREFIX = "sensor-";

function pinnedSensors(pinDir: string): string[] {
  try {
    return readdirSync(pinDir)
      .filter((name) => name.startsWith(PIN_PREFIX))
      .map((name) => join(pinDir, name));
  } catch {
    return []; // it is made below
  }
}

/** The name of this agent's directory: the records' version, and the agent by process id and start time. */
function pinName(layoutVersion: number): string {
  return `${PIN_PREFIX}${layoutVersion}-${process.pid}-${startTicks(process.pid)}`;
}

/** The agent that pinned `dir` still runs. */
function isAlive(dir: string): boolean {
  const [pid, ticks] = basename(dir).split("-").slice(-2).map(Number);
  return pid !== undefined && startTicks(pid) === ticks;
}

function startTicks(pid: number): number | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`))?.startTicks;
  } catch {
    return undefined;
  }
}

/** In the order of removing: guard_skipped without the others would find every exec skipped. */
const LINK_PINS = ["guard_skipped", "guard_exec_3", "guard_exec_2", "guard_exec", "agent_exit"];

function removeLinkPins(dir: string): void {
  for (const name of LINK_PINS) tryRemove(join(dir, name));
}

function removePins(dir: string): void {
  removeLinkPins(dir);
  try {
    for (const name of readdirSync(dir)) tryRemove(join(dir, name));
    rmdirSync(dir);
  } catch {
    // Not there: nothing to remove.
  }
}

function tryRemove(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error) || error.code !== "ENOENT") throw error;
  }
}

/**
 * Remove everything pinned below `pinDir`, and the directory itself if it is empty then. From here on nothing judges, but a
 * living agent's sensor does until it ends.
 *
 * @returns how many sensors were removed.
 */
export function unpin(pinDir: string): number {
  const dirs = pinnedSensors(pinDir);
  for (const dir of dirs) removePins(dir);
  try {
    rmdirSync(pinDir);
  } catch {
    // A mount point, or not ours alone.
  }
  return dirs.length;
}
