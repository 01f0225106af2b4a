// The typed face of the addon, and the only file that loads it. TypeScript gives meaning; C has memory and descriptors.
import { createRequire } from "node:module";
import { release } from "node:os";
import { fileURLToPath } from "node:url";
import { NativeError } from "./native-error.js";

export { NativeError };

/** An opaque handle; {@link Sensor} owns it. */
type Handle = object;

interface Addon {
  readonly layout: Layout;
  openSensor(object: Uint8Array, options: SensorOptions): Handle;
  openPinned(dir: string): Handle;
  fillSlot(sensor: Handle, slot: number, filters: Uint8Array, cells: Uint8Array, allow: Uint8Array): void;
  setControl(sensor: Handle, key: number, value: number): void;
  attach(sensor: Handle): void;
  detach(sensor: Handle): void;
  pin(sensor: Handle, dir: string): void;
  readRing(sensor: Handle, ring: number): Uint8Array | null;
  onRecords(sensor: Handle, callback: () => void): void;
  drained(sensor: Handle): void;
  counters(sensor: Handle): BigUint64Array;
  programStatistics(sensor: Handle): ProgramStatistics;
  judgeBuffer(sensor: Handle, path: Uint8Array, args: Uint8Array, script: boolean): BufferJudgement;
  closeSensor(sensor: Handle): void;
  pidfdOpen(pid: number): number;
  pidfdSendSignal(fd: number, signal: number): void;
  closeFd(fd: number): void;
  bootTimeNs(): bigint;
  giveBackMemory(): void;
}

/** Offsets and sizes in bytes of bpf/execwhacker.h, as the C compiler has them, and its constants. */
export interface Layout {
  readonly exec_event: Readonly<Record<string, number>>;
  readonly policy: Readonly<Record<string, number>>;
  readonly filters: Readonly<Record<string, number>>;
  readonly entry: Readonly<Record<string, number>>;
  readonly string_head: Readonly<Record<string, number>>;
  readonly allow_table: Readonly<Record<string, number>>;
  readonly constants: Readonly<Record<string, number>>;
}

export interface SensorOptions {
  /** Bytes, a power of two of at least a page; the object's own sizes when left out. */
  readonly killRingBytes?: number;
  readonly otherRingBytes?: number;
  /** Use the loop that kernels before 5.17 have. */
  readonly withoutBpfLoop?: boolean;
  /** Report each exec, found or not (`--debug`). */
  readonly reportAll?: boolean;
  /** Do not wait for the kernel's verifier: the next method called does, and throws its refusal. */
  readonly inBackground?: boolean;
  /** Load the test entry too, for {@link Sensor.judgeBuffer}. */
  readonly testEntry?: boolean;
}

export interface ProgramStatistics {
  readonly runs: number;
  readonly runTimeNs: number;
  /** Execs at which the program could not run, as it was running on that CPU already. */
  readonly missed: number;
  readonly verifiedInstructions: number;
}

/** What the test entry says of a buffer; numbers as in bpf/execwhacker.h. */
export interface BufferJudgement {
  readonly verdict: number;
  readonly stringId: number;
  readonly patternId: number;
  readonly flags: number;
  readonly matchOffset: number;
  readonly matchInPath: number;
  /** What the search and the verdict cost, in the units of `policy.max_work`. */
  readonly work: number;
  readonly elapsedNs: number;
}

/** A list's tables, as @cryptnono/matcher compiles them. */
export interface TableBytes {
  readonly filters: Uint8Array;
  readonly cells: Uint8Array;
  readonly allow: Uint8Array;
}

/** The event rings: kills have one of their own. */
export const KILL_RING = 0;
export const OTHER_RING = 1;
export type RingIndex = typeof KILL_RING | typeof OTHER_RING;

let loaded: Addon | undefined;

function addon(): Addon {
  loaded ??= createRequire(import.meta.url)(addonPath()) as Addon;
  return loaded;
}

/** Set by the bundle, whose place in the tree is another. */
declare const CRYPTNONO_ADDON_PATH: string | undefined;
function addonPath(): string {
  return typeof CRYPTNONO_ADDON_PATH === "string"
    ? CRYPTNONO_ADDON_PATH
    : fileURLToPath(new URL("../../../build/native/cryptnono.node", import.meta.url));
}

export function layout(): Layout {
  return addon().layout;
}

/** Nanoseconds since boot, suspended time included: the clock of processes' start times. */
export function bootTimeNs(): bigint {
  return addon().bootTimeNs();
}

/** Freed heap, and pages of program code that only the start ran: some 30 MB. What runs again comes from the page cache. */
export function giveBackMemory(): void {
  addon().giveBackMemory();
}

/** pidfds by number. Errors are NativeErrors whose `code` is the errno's name: `ESRCH` when there is no such process. */
export const pidfd = {
  pidfdOpen: (pid: number): number => call(() => addon().pidfdOpen(pid)),
  pidfdSendSignal: (fd: number, signal: number): void => call(() => addon().pidfdSendSignal(fd, signal)),
  close: (fd: number): void => call(() => addon().closeFd(fd)),
};

/**
 * Programs, maps, links and rings as one.
 *
 * Every method throws NativeError when the kernel refuses, and, but for {@link close}, once the sensor is closed.
 */
export class Sensor {
  readonly #handle: Handle;

  private constructor(handle: Handle) {
    this.#handle = handle;
  }

  /** Load programs and maps from an object file's bytes. Nothing is attached yet. */
  static open(object: Uint8Array, options: SensorOptions = {}): Sensor {
    return new Sensor(call(() => addon().openSensor(object, options)));
  }

  /** What an earlier agent pinned in `dir`: rings, counters and controls. */
  static openPinned(dir: string): Sensor {
    return new Sensor(call(() => addon().openPinned(dir)));
  }

  /** Copy a list's tables into `slot`, which must not be the one in force. */
  fillSlot(slot: 0 | 1, { filters, cells, allow }: TableBytes): void {
    call(() => addon().fillSlot(this.#handle, slot, filters, cells, allow));
  }

  /** @param key - One of `CONTROL_*`. */
  setControl(key: number, value: number): void {
    call(() => addon().setControl(this.#handle, key, value));
  }

  /** Attach both programs, or none and an error. */
  attach(): void {
    call(() => addon().attach(this.#handle));
  }

  detach(): void {
    call(() => addon().detach(this.#handle));
  }

  /** Pin links and maps as files in `dir`, an empty directory of a BPF file system. */
  pin(dir: string): void {
    call(() => addon().pin(this.#handle, dir));
  }

  /** Take up to about 1 MiB of records out of a ring; none are left when it answers with an empty array. */
  readRing(ring: RingIndex): Uint8Array[] {
    const batch = call(() => addon().readRing(this.#handle, ring));
    return batch === null ? [] : splitBatch(batch);
  }

  /** Call back when a ring has records; each time {@link drained} must follow once they are read. */
  onRecords(callback: () => void): void {
    call(() => addon().onRecords(this.#handle, callback));
  }

  drained(): void {
    call(() => addon().drained(this.#handle));
  }

  /** Sums over CPUs, by `COUNTER_*`. */
  counters(): BigUint64Array {
    return call(() => addon().counters(this.#handle));
  }

  programStatistics(): ProgramStatistics {
    return call(() => addon().programStatistics(this.#handle));
  }

  /** Search and judge bytes of ours by the programs' own code (`testEntry`). `path` ends with a NUL. */
  judgeBuffer(path: Uint8Array, args: Uint8Array, script = false): BufferJudgement {
    return call(() => addon().judgeBuffer(this.#handle, path, args, script));
  }

  /** Detach, free. What is pinned stays and goes on deciding. */
  close(): void {
    call(() => addon().closeSensor(this.#handle));
  }
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

function call<T>(method: () => T): T {
  try {
    return method();
  } catch (error) {
    throw asNativeError(error);
  }
}

function asNativeError(error: unknown): unknown {
  if (!(error instanceof Error) || !("operation" in error) || !("code" in error)) return error;
  const operation = String(error.operation);
  const code = String(error.code);
  return new NativeError(operation, code, lastLine(error.message), hintFor(operation, code, error.message), error);
}

/** libbpf says the most general thing last and the cause before; one line has the place for one of them. */
function lastLine(text: string): string {
  const lines = text.trim().split("\n");
  return (
    lines.findLast(
      (line) => !/^(processed |-- END |libbpf: (failed to load|prog .*: (failed to load|-- BEGIN)))/.test(line),
    ) ?? ""
  ).trim();
}

/** tp_btf programs and all else that is used are there from this kernel on (test/vm/README.md). */
const OLDEST_KERNEL = [5, 15] as const;

function hintFor(operation: string, code: string, detail: string): string | undefined {
  const [major = 0, minor = 0] = release().split(".").map(Number);
  if (major < OLDEST_KERNEL[0] || (major === OLDEST_KERNEL[0] && minor < OLDEST_KERNEL[1]))
    return `this machine's kernel is ${release()}: ${OLDEST_KERNEL.join(".")} or later is needed`;
  if (/BTF/i.test(detail) && /vmlinux/.test(detail)) {
    return "this kernel has no BTF: it needs CONFIG_DEBUG_INFO_BTF=y and /sys/kernel/btf/vmlinux readable";
  }
  if (/^processed \d+ insns/m.test(detail))
    return `the verifier of kernel ${release()} refuses the program: a fault of this version's, please report it with this message`;
  if (code === "EPERM" || code === "EACCES") {
    return "the capabilities BPF and PERFMON are needed (and no kernel lockdown in confidentiality mode): run as root, or add them to the container";
  }
  if (operation.startsWith("pin") && code === "EINVAL")
    return "the pin directory must lie on a BPF file system (mount -t bpf)";
  return undefined;
}
