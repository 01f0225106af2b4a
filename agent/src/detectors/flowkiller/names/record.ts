// One record of the names object to what the rest understands. Odd content is data.
import { type Layout, structLayout } from "@cryptnono/native";
import { type Identity, identityDecoder } from "../../../sensor/index.js";
import { DecodeError, numbered } from "../record.js";

/** `enum evidence`, in words. */
export type Evidence =
  | "question"
  | "answer"
  | "address"
  | "sni"
  | "host"
  | "proxy"
  | "stratum"
  | "egress"
  | "seen"
  | "unknown-pod";

export const EVIDENCE: Readonly<Record<string, Evidence>> = {
  EVIDENCE_QUESTION: "question",
  EVIDENCE_ANSWER: "answer",
  EVIDENCE_ADDRESS: "address",
  EVIDENCE_SNI: "sni",
  EVIDENCE_HOST: "host",
  EVIDENCE_PROXY: "proxy",
  EVIDENCE_STRATUM: "stratum",
  EVIDENCE_EGRESS: "egress",
  EVIDENCE_SEEN: "seen",
  EVIDENCE_UNKNOWN: "unknown-pod",
};

const OUTCOMES = {
  OUTCOME_TOLD: "told",
  OUTCOME_DROPPED: "dropped",
  OUTCOME_REFUSED: "refused",
  OUTCOME_KILLED: "killed",
} as const;
export type NamesOutcome = (typeof OUTCOMES)[keyof typeof OUTCOMES];

const METHODS: readonly (readonly [flag: string, method: string])[] = [
  ["JSON_SUBSCRIBE", "mining.subscribe"],
  ["JSON_AUTHORIZE", "mining.authorize"],
  ["JSON_CONFIGURE", "mining.configure"],
  ["JSON_ETH_LOGIN", "eth_submitLogin"],
  ["JSON_LOGIN", "login"],
];

/** Who opened a socket: what is kept with it. */
export interface Owner {
  readonly pid: number;
  readonly uid: number;
  readonly startTimeNs: bigint;
  readonly cgroupId: bigint;
  readonly comm: Uint8Array;
  /** The pod that it is counted for, see `struct tally_key`. */
  readonly group: bigint;
  /** Where it was connected to: sixteen bytes, an IPv4 address behind ::ffff:. */
  readonly address: Uint8Array;
  readonly port: number;
}

export interface NamesRecord {
  readonly evidence: Evidence;
  readonly outcome: NamesOutcome;
  /** The listed name, by its number in the lists of `generation`; null when there is none. */
  readonly entry: number | null;
  readonly generation: number;
  /** Whether the kernel killed: `sent`, `not-tried`, or a positive errno. */
  readonly signal: "sent" | "not-tried" | number;
  readonly owner: Owner;
  /** Null when the packet left in another's context. */
  readonly who: Identity | null;
  /** What was asked for, as bytes of a stranger's; empty when it is not known. */
  readonly name: Uint8Array;
  /** `stratum`: who logs in; empty when it is not known yet. */
  readonly wallet: Uint8Array;
  /** `stratum` */
  readonly method: string | null;
  readonly isWebSocket: boolean;
  /** The name or the login came behind a proxy's request. */
  readonly isProxied: boolean;
  /** The question went, or the destination is reached, by UDP. */
  readonly isDatagram: boolean;
  /** Packets until the flow was known for what it is. */
  readonly packets: number;
  /** `answer`: addresses that are remembered. */
  readonly answers: number;
  /** `address`: who asked; 0: not known. */
  readonly askedBy: number;
  /** The tally's key, where it is a destination's. */
  readonly apart: number;
  /** Nanoseconds since boot. */
  readonly timeNs: bigint;
}

/** What a tally of the names object is of. */
export interface TalliedNames {
  readonly evidence: Evidence;
  readonly outcome: NamesOutcome;
  /** The listed name, by its number in the lists of `generation`; null when there is none, and where destinations are counted. */
  readonly entry: number | null;
  /** The number of a destination that is counted by itself. */
  readonly apart: number;
  readonly generation: number;
  /** As it was asked for the first time; its end, if it is long; empty: none was. */
  readonly name: Uint8Array;
}

const APART: readonly Evidence[] = ["egress", "seen", "unknown-pod"];
const NO_ENTRY = 0xffffffff;
const SIGNAL_NOT_SENT = 1;

/** @returns a function that throws DecodeError or RangeError when program and agent were not built together. */
export function namesDecoder(layout: Layout): (record: Uint8Array) => NamesRecord {
  const { size, offsets: at, sizes } = structLayout(layout, "names_event");
  const owner = structLayout(layout, "owner");
  const evidences = numbered(layout, "evidence", EVIDENCE);
  const outcomes = numbered(layout, "names_outcome", OUTCOMES);
  const flagsOf = { ...layout.enums["names_event_flags"], ...layout.enums["json_flags"] };
  const whoOf = identityDecoder(layout);

  return (record) => {
    if (record.length < size) throw new DecodeError(`record of ${record.length} bytes is none of ${size}`);
    const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
    const u32 = (field: string) => view.getUint32(at[field]!, true);
    const evidence = evidences.get(u32("evidence"));
    const outcome = outcomes.get(u32("outcome"));
    if (evidence === undefined || outcome === undefined)
      throw new DecodeError(`record of evidence ${u32("evidence")} is unknown`);
    const has = (flag: string) => (u32("flags") & flagsOf[flag]!) !== 0;
    const result = view.getInt32(at["signal_result"]!, true);
    const entry = u32("entry");
    const text = (field: "name" | "wallet") => {
      const length = Math.min(view.getUint16(at[`${field}_bytes`]!, true), sizes[field]!);
      const bytes = record.slice(at[field]!, at[field]! + length);
      const nul = bytes.indexOf(0);
      return nul < 0 ? bytes : bytes.subarray(0, nul);
    };
    return {
      evidence,
      outcome,
      entry: entry === NO_ENTRY ? null : entry,
      generation: u32("generation"),
      signal: result === 0 ? "sent" : result === SIGNAL_NOT_SENT ? "not-tried" : -result,
      owner: ownerAt(at["owner"]!),
      who: has("NAMES_EVENT_OWNER") ? whoOf(record, at["who"]!) : null,
      name: text("name"),
      wallet: text("wallet"),
      method: METHODS.find(([flag]) => (u32("method") & flagsOf[flag]!) !== 0)?.[1] ?? null,
      isWebSocket: has("NAMES_EVENT_WEBSOCKET"),
      isProxied: has("NAMES_EVENT_PROXIED"),
      isDatagram: has("NAMES_EVENT_DATAGRAM"),
      packets: u32("packets"),
      answers: u32("answers"),
      askedBy: u32("asked_by"),
      apart: u32("apart"),
      timeNs: view.getBigUint64(at["time_ns"]!, true),
    };

    function ownerAt(from: number): Owner {
      const place = (field: string) => from + owner.offsets[field]!;
      const comm = record.slice(place("comm"), place("comm") + 16);
      const nul = comm.indexOf(0);
      return {
        pid: view.getUint32(place("pid"), true),
        uid: view.getUint32(place("uid"), true),
        startTimeNs: view.getBigUint64(place("start_time_ns"), true),
        cgroupId: view.getBigUint64(place("cgroup_id"), true),
        comm: nul < 0 ? comm : comm.subarray(0, nul),
        group: view.getBigUint64(place("group"), true),
        address: record.slice(place("address"), place("address") + 16),
        port: view.getUint32(place("port"), true),
      };
    }
  };
}

/** @returns a function that answers null where this agent has no word for it. */
export function tallyDecoder(layout: Layout): (key: Uint8Array, tally: Uint8Array) => TalliedNames | null {
  const at = structLayout(layout, "tally_key").offsets;
  const tally = structLayout(layout, "tally");
  const evidences = numbered(layout, "evidence", EVIDENCE);
  const outcomes = numbered(layout, "names_outcome", OUTCOMES);
  return (key, value) => {
    const view = new DataView(key.buffer, key.byteOffset, key.byteLength);
    const u32 = (field: string) => view.getUint32(at[field]!, true);
    const [evidence, outcome] = [evidences.get(u32("evidence")), outcomes.get(u32("outcome"))];
    if (evidence === undefined || outcome === undefined) return null;
    const isApart = APART.includes(evidence);
    const name = value.subarray(tally.offsets["name"]!, tally.offsets["name"]! + tally.sizes["name"]!);
    const nul = name.indexOf(0);
    return {
      evidence,
      outcome,
      entry: isApart || u32("entry") === NO_ENTRY ? null : u32("entry"),
      apart: isApart ? u32("entry") : 0,
      generation: u32("generation"),
      name: nul < 0 ? name : name.subarray(0, nul),
    };
  };
}
