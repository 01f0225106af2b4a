// One record of the ring, and one entry of the map of processes, to what the rest understands.
import { type Layout, structLayout } from "@cryptnono/native";
import { type Identity, identityDecoder } from "../../sensor/index.js";

/** Which rule found a process, as log and metrics name it. */
export type Rule = "registers" | "four-modes" | "algorithm";
/** Those of the kernel's part. */
export type RoundingRule = Exclude<Rule, "algorithm">;

export type VerdictKind = "killed" | "would-kill" | "asked" | "kill-failed";

/** A constant of RandomX, by its name in the specification's words. */
export type Constant = "scale-mask" | "mantissa-mask" | "aes-key";

/** What was seen of a process since its exec. */
export interface Seen {
  /** Nanoseconds since boot. */
  readonly startTimeNs: bigint;
  readonly firstNs: bigint;
  readonly lastNs: bigint;
  /** Samples by rounding mode, fading with the half-life. */
  readonly counts: Readonly<Record<"nearest" | "down" | "up" | "zero", number>>;
  /** Of them, those that flush results and operands to zero. */
  readonly ftzDaz: number;
  /** Every involuntary switch since exec, and those with a directed mode. */
  readonly samples: number;
  readonly directed: number;
  readonly constants: readonly Constant[];
}

export interface MoneroRecord {
  readonly kind: VerdictKind;
  readonly rule: RoundingRule;
  readonly who: Identity;
  readonly tid: number;
  /** Nanoseconds since boot. */
  readonly timeNs: bigint;
  /** Of the process, but for threads that live beside the first one and the sampled one. */
  readonly cpuNs: bigint;
  readonly threadCpuNs: bigint;
  /** Where the signal was sent: as the process left the CPU, or as it came back. */
  readonly place: "deactivated" | "activated";
  /** `kill-failed`: a positive errno. */
  readonly errno: number;
  /** The pod that it is counted for. */
  readonly group: bigint;
  readonly seen: Seen;
}

const KINDS: Readonly<Record<string, VerdictKind>> = {
  VERDICT_KILLED: "killed",
  VERDICT_WOULD_KILL: "would-kill",
  VERDICT_ASKED: "asked",
  VERDICT_KILL_FAILED: "kill-failed",
};
const RULES: Readonly<Record<string, RoundingRule>> = { RULE_REGISTERS: "registers", RULE_FOUR_MODES: "four-modes" };
const PLACES = { PLACE_DEACTIVATED: "deactivated", PLACE_ACTIVATED: "activated" } as const;
const CONSTANTS: Readonly<Record<string, Constant>> = {
  CONSTANT_SCALE_MASK: "scale-mask",
  CONSTANT_MANTISSA_MASK: "mantissa-mask",
  CONSTANT_AES_KEY: "aes-key",
};

export class DecodeError extends Error {
  override readonly name = "DecodeError";
}

/** @returns a function that throws DecodeError or RangeError when program and agent were not built together. */
export function recordDecoder(layout: Layout): (record: Uint8Array) => MoneroRecord {
  const { size, offsets: at } = structLayout(layout, "monero_event");
  const kinds = numbered(layout, "verdict_kind", KINDS);
  const rules = numbered(layout, "rule", RULES);
  const places = numbered(layout, "place", PLACES);
  const whoOf = identityDecoder(layout);
  const seenOf = seenDecoder(layout);
  return (record) => {
    if (record.length < size) throw new DecodeError(`record of ${record.length} bytes is none of ${size}`);
    const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
    const u32 = (field: string) => view.getUint32(at[field]!, true);
    const u64 = (field: string) => view.getBigUint64(at[field]!, true);
    const [kind, rule, place] = [kinds.get(u32("kind")), rules.get(u32("rule")), places.get(u32("place"))];
    if (kind === undefined || rule === undefined || place === undefined)
      throw new DecodeError(`record of kind ${u32("kind")}, rule ${u32("rule")} is unknown`);
    return {
      kind,
      rule,
      place,
      who: whoOf(record, at["who"]!),
      tid: u32("tid"),
      timeNs: u64("time_ns"),
      cpuNs: u64("cpu_ns"),
      threadCpuNs: u64("thread_cpu_ns"),
      errno: -view.getInt32(at["signal_result"]!, true),
      group: u64("group"),
      seen: seenOf(record.subarray(at["seen"]!)),
    };
  };
}

/** A decoder of `struct seen`. */
export function seenDecoder(layout: Layout): (bytes: Uint8Array) => Seen {
  const { offsets: at } = structLayout(layout, "seen");
  const constants = numbered(layout, "constant", CONSTANTS);
  const modes = layout.enums["rounding"] ?? {};
  return (bytes) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const u32 = (field: string) => view.getUint32(at[field]!, true);
    const u64 = (field: string) => view.getBigUint64(at[field]!, true);
    const count = (mode: string) => view.getUint32(at["counts"]! + 4 * modes[mode]!, true);
    return {
      startTimeNs: u64("start_time_ns"),
      firstNs: u64("first_ns"),
      lastNs: u64("last_ns"),
      counts: {
        nearest: count("ROUND_NEAREST"),
        down: count("ROUND_DOWN"),
        up: count("ROUND_UP"),
        zero: count("ROUND_ZERO"),
      },
      ftzDaz: u32("ftz_daz"),
      samples: u32("samples"),
      directed: u32("directed"),
      constants: [...constants].flatMap(([bit, name]) => (u32("constants") & bit ? [name] : [])),
    };
  };
}

/** A program that began. */
export interface ExecRecord {
  readonly pid: number;
  /** Nanoseconds since boot, as `timeNs`. */
  readonly startTimeNs: bigint;
  readonly timeNs: bigint;
}

/** A decoder that returns null for a record of another size, which is another record. */
export function execDecoder(layout: Layout): (record: Uint8Array) => ExecRecord | null {
  const { size, offsets: at } = structLayout(layout, "exec_event");
  return (record) => {
    if (record.length !== size) return null;
    const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
    return {
      pid: view.getUint32(at["pid"]!, true),
      startTimeNs: view.getBigUint64(at["start_time_ns"]!, true),
      timeNs: view.getBigUint64(at["time_ns"]!, true),
    };
  };
}

function numbered<T>(layout: Layout, enumName: string, words: Readonly<Record<string, T>>): ReadonlyMap<number, T> {
  const numbers = layout.enums[enumName] ?? {};
  return new Map(Object.entries(words).map(([name, word]) => [numbers[name]!, word]));
}
