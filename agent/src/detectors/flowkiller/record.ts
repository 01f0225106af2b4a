// One record of an event ring to what the rest understands. Odd content is data.
import { type Layout, structLayout } from "@cryptnono/native";
import { type Identity, identityDecoder } from "../../sensor/index.js";

/** `enum flow_event_kind`, in words. */
export type FlowKind =
  | "refused"
  | "killed"
  | "would-kill"
  | "would-refuse"
  | "connect"
  | "scan"
  | "scan-killed"
  | "over-pod-budget"
  | "over-node-budget"
  | "unreachable"
  | "would-be-over-budget"
  | "pod";

export interface FlowRecord {
  readonly kind: FlowKind;
  readonly who: Identity;
  /** Nanoseconds since boot. */
  readonly timeNs: bigint;
  /** Unwrapped: sixteen bytes, an IPv4 address behind ::ffff:. */
  readonly address: Uint8Array;
  /** As it was given. */
  readonly given: Uint8Array;
  readonly port: number;
  /** IPPROTO_* */
  readonly protocol: number;
  readonly hook: "connect" | "sendmsg" | "state";
  /** The entry that bans it, by its number in the lists of `generation`; null when there is none. */
  readonly entry: number | null;
  readonly generation: number;
  /** Whether the kernel killed: `sent`, `not-tried`, or a positive errno. */
  readonly signal: "sent" | "not-tried" | number;
  /** The pod that it is counted for, see `struct tally_key`. */
  readonly group: bigint;
  readonly netnsCookie: bigint;
  /** Of a `scan` and of a `scan-killed`. */
  readonly window: ScanWindow | null;
}

/** A window with more destinations than it may have. */
export interface ScanWindow {
  /** `struct window_key`, as it stands in the maps. */
  readonly key: Uint8Array;
  readonly by: "process" | "session" | "pod";
  readonly most: number;
  /** Destinations by their hashes (`destinations`), and how often each was reached for: 255 is that or more. */
  readonly slots: readonly { readonly hash: number; readonly times: number }[];
}

const WINDOW_KINDS = { WINDOW_PROCESS: "process", WINDOW_SESSION: "session", WINDOW_POD: "pod" } as const;

const FLOW_KINDS: Readonly<Record<string, FlowKind>> = {
  FLOW_REFUSED: "refused",
  FLOW_KILLED: "killed",
  FLOW_WOULD_KILL: "would-kill",
  FLOW_WOULD_REFUSE: "would-refuse",
  FLOW_CONNECT: "connect",
  FLOW_SCAN: "scan",
  FLOW_SCAN_KILLED: "scan-killed",
  FLOW_OVER_POD_BUDGET: "over-pod-budget",
  FLOW_OVER_NODE_BUDGET: "over-node-budget",
  FLOW_UNREACHABLE: "unreachable",
  FLOW_WOULD_BE_OVER_BUDGET: "would-be-over-budget",
  FLOW_POD: "pod",
};

const HOOK_NAMES = { HOOK_CONNECT: "connect", HOOK_SENDMSG: "sendmsg", HOOK_STATE: "state" } as const;
const NO_ENTRY = 0xffffffff;
const SIGNAL_NOT_SENT = 1;

export class DecodeError extends Error {
  override readonly name = "DecodeError";
}

/** @returns a function that throws DecodeError or RangeError when program and agent were not built together. */
export function flowDecoder(layout: Layout): (record: Uint8Array) => FlowRecord {
  const { size, offsets: at } = structLayout(layout, "flow_event");
  const kinds = numbered(layout, "flow_event_kind", FLOW_KINDS);
  const hooks = numbered(layout, "flow_hook", HOOK_NAMES);
  const whoOf = identityDecoder(layout);
  const windowOf = windowDecoder(layout);
  return (record) => {
    if (record.length < size) throw new DecodeError(`record of ${record.length} bytes is none of ${size}`);
    const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
    const u32 = (field: string) => view.getUint32(at[field]!, true);
    const u64 = (field: string) => view.getBigUint64(at[field]!, true);
    const kind = kinds.get(u32("kind"));
    const hook = hooks.get(u32("hook"));
    if (kind === undefined || hook === undefined) throw new DecodeError(`record of kind ${u32("kind")} is unknown`);
    const result = view.getInt32(at["signal_result"]!, true);
    const entry = u32("entry");
    return {
      kind,
      who: whoOf(record, at["who"]!),
      timeNs: u64("time_ns"),
      address: record.slice(at["address"]!, at["address"]! + 16),
      given: record.slice(at["given"]!, at["given"]! + 16),
      port: u32("port"),
      protocol: u32("protocol"),
      hook,
      entry: entry === NO_ENTRY ? null : entry,
      generation: u32("generation"),
      signal: result === 0 ? "sent" : result === SIGNAL_NOT_SENT ? "not-tried" : -result,
      group: u64("group"),
      netnsCookie: u64("netns_cookie"),
      window: kind === "scan" || kind === "scan-killed" ? windowOf(record) : null,
    };
  };
}

/** @returns a function that answers what a tally of the object's is of; null: this agent has no word for it. */
export function flowKindOf(layout: Layout): (key: Uint8Array) => FlowKind | null {
  const at = structLayout(layout, "tally_key").offsets["kind"]!;
  const kinds = numbered(layout, "flow_event_kind", FLOW_KINDS);
  return (key) => kinds.get(new DataView(key.buffer, key.byteOffset).getUint32(at, true)) ?? null;
}

function windowDecoder(layout: Layout): (record: Uint8Array) => ScanWindow {
  const { offsets: at, sizes } = structLayout(layout, "flow_event");
  const key = structLayout(layout, "window_key");
  const kinds = numbered(layout, "window_kind", WINDOW_KINDS);
  return (record) => {
    const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
    const number = view.getUint32(at["key"]! + key.offsets["kind"]!, true);
    const by = kinds.get(number);
    if (by === undefined) throw new DecodeError(`window of kind ${number} is unknown`);
    const slots = [];
    for (let offset = 0; offset < sizes["slots"]!; offset += 8) {
      const slot = view.getBigUint64(at["slots"]! + offset, true);
      if (slot !== 0n) slots.push({ hash: Number(slot >> 32n), times: Number(slot & 0xffn) });
    }
    return { key: record.slice(at["key"]!, at["key"]! + key.size), by, most: view.getUint32(at["most"]!, true), slots };
  };
}

/** Words by the numbers that the object gives their names. */
export function numbered<T>(
  layout: Layout,
  enumName: string,
  words: Readonly<Record<string, T>>,
): ReadonlyMap<number, T> {
  const numbers = layout.enums[enumName] ?? {};
  return new Map(Object.entries(words).map(([name, word]) => [numbers[name]!, word]));
}
