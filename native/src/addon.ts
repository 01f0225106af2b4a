// The addon as it is, and the only file that loads it. What it throws becomes a NativeError.
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { nativeError } from "./native-error.js";

/** An opaque handle; a Sensor owns it. */
export type Handle = object;

export interface Addon {
  openSensor(object: Uint8Array): Handle;
  layout(sensor: Handle): unknown;
  setConstant(sensor: Handle, name: string, value: number): void;
  setMaxEntries(sensor: Handle, map: string, entries: number): void;
  skipProgram(sensor: Handle, program: string): void;
  continueMap(sensor: Handle, map: string, path: string): boolean;
  isLoading(sensor: Handle): boolean;
  shareMaps(sensor: Handle, other: Handle, own: readonly string[]): void;
  load(sensor: Handle): void;
  attach(
    sensor: Handle,
    programs: readonly string[],
    cgroups: readonly string[],
    optional: readonly number[],
  ): string[];
  detach(sensor: Handle): void;
  programStatistics(sensor: Handle, program: string): ProgramStatistics;
  testRun(
    sensor: Handle,
    program: string,
    context: Uint8Array,
    offsets: readonly number[],
    buffers: readonly Uint8Array[],
  ): number;
  closeSensor(sensor: Handle): void;
  mapShape(sensor: Handle, map: string): MapShape;
  mapGet(sensor: Handle, map: string, key: Uint8Array): Uint8Array | null;
  mapSet(sensor: Handle, map: string, key: Uint8Array, value: Uint8Array): void;
  mapDelete(sensor: Handle, map: string, key: Uint8Array): boolean;
  mapEntries(sensor: Handle, map: string): readonly [keys: Uint8Array, values: Uint8Array];
  fill(
    sensor: Handle,
    slot: number,
    outers: readonly string[],
    values: readonly Uint8Array[],
    keys: readonly (Uint8Array | null)[],
  ): void;
  readRing(sensor: Handle, ring: string): Uint8Array | null;
  onRecords(sensor: Handle, rings: readonly string[], callback: () => void): void;
  drained(sensor: Handle): void;
  pin(sensor: Handle, dir: string, maps: readonly string[]): void;
  openPinned(dir: string, maps: readonly string[]): Handle;
  isPinFileSystem(dir: string): boolean;
  hashStrings(area: Uint8Array, bytes: number, keys: Uint8Array): bigint;
  mountCgroup2(): number;
  setTicks(cpus: readonly number[], perSecond: number): void;
  ticks(): TickCounts;
  startComputing(ms: number): readonly number[];
  reap(pid: number): number;
  pidfdOpen(pid: number): number;
  pidfdSendSignal(fd: number, signal: number): void;
  closeFd(fd: number): void;
  readArea(
    pid: number,
    deadlineMs: number,
    from: number,
    limit: number,
    hash: bigint,
    environment: boolean,
  ): Promise<Answer>;
  checkName(pid: number, deadlineMs: number, path: Uint8Array, wantsHead: boolean): Promise<Answer>;
  listTimes(deadlineMs: number, from: number): Promise<Answer>;
  listCode(pid: number, deadlineMs: number, from: bigint): Promise<Answer>;
  prepareSearch(patterns: Uint8Array): void;
  searchExe(pid: number, deadlineMs: number, from: bigint, bytes: number): Promise<Answer>;
  searchMemory(pid: number, deadlineMs: number, from: bigint, bytes: number, known: Uint8Array): Promise<Answer>;
  tellTerminal(pid: number, deadlineMs: number, text: Uint8Array): Promise<Answer>;
  lostReads(): number;
  giveBackMemory(): void;
  watchLoop(): object;
  readTurns(watch: object): Uint8Array;
}

/** Of a read of another process; `error` is a positive errno, and what follows is there only when it is 0. */
export interface Answer {
  readonly error: number;
  readonly bytes: Uint8Array;
  readonly length: number;
  readonly hash: bigint;
  readonly answer: "same" | "other" | "none" | "unknown";
  readonly hasHead: boolean;
}

/** What the ticker's thread has done. */
export interface TickCounts {
  readonly ticks: number;
  /** Processors that the agent may not use. */
  readonly refused: number;
  readonly cpuNs: number;
}

export interface ProgramStatistics {
  readonly runs: number;
  readonly runTimeNs: number;
  /** Times at which the program could not run, as it was running on that CPU already. */
  readonly missed: number;
  readonly verifiedInstructions: number;
}

export interface MapShape {
  /** The kernel's own number: two names of one map have the same. */
  readonly id: number;
  readonly keySize: number;
  /** Of one CPU. */
  readonly valueSize: number;
  readonly maxEntries: number;
  /** CPUs that have a value of their own; 1 for a map that is no per-CPU one. */
  readonly cpus: number;
}

let loaded: Addon | undefined;

/** Call a method of the addon. @throws NativeError */
export function call<T>(method: (addon: Addon) => T): T {
  loaded ??= createRequire(import.meta.url)(addonPath()) as Addon;
  try {
    return method(loaded);
  } catch (error) {
    throw nativeError(error);
  }
}

/** Set by the bundle, whose place in the tree is another. */
declare const CRYPTNONO_ADDON_PATH: string | undefined;
function addonPath(): string {
  return typeof CRYPTNONO_ADDON_PATH === "string"
    ? CRYPTNONO_ADDON_PATH
    : fileURLToPath(new URL("../../../build/native/cryptnono.node", import.meta.url));
}
