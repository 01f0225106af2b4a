// Log lines: the contract's keys in their nesting, then ours.
import {
  addProcess,
  cgroupPath,
  type Fields,
  type Level,
  type LineKind,
  type ProcessLine,
  type TimeOf,
} from "../../report/index.js";
import type { Identity } from "../../sensor/index.js";
import type { CgroupIdentity } from "../../types.js";
import { showAddress } from "./address.js";
import { type Entry, placeOf } from "./lists.js";
import type { FlowKind, FlowRecord, ScanWindow } from "./record.js";
import type { Untold } from "./tallies.js";

export const SOURCE = "flowkiller.bpf";

/** What became of a process or of its connect. */
export type Action =
  | "killed"
  | "missed-kill"
  | "kill-failed"
  | "would-kill"
  | "spared"
  | "refused"
  | "would-refuse"
  | "connect";

/** Why, in words that metrics have too. */
export type Because = "banned-ip" | "scan" | "pod-budget" | "node-budget" | "budget" | "unreachable";

const LEVELS: Readonly<Record<Action, { readonly event: string; readonly level: Level; readonly kind: LineKind }>> = {
  killed: { event: "Killed process", level: "info", kind: "kill" },
  "missed-kill": { event: "Process exited before we could kill it", level: "info", kind: "kill" },
  "kill-failed": { event: "Could not kill process", level: "error", kind: "kill" },
  "would-kill": { event: "Would kill process", level: "warning", kind: "would-kill" },
  spared: { event: "Not killing process", level: "info", kind: "spare" },
  refused: { event: "Refused destination", level: "info", kind: "refusal" },
  "would-refuse": { event: "Would refuse destination", level: "warning", kind: "would-kill" },
  connect: { event: "Connection established", level: "info", kind: "debug" },
};

/** What the kernel's word means in the log, where the agent has nothing to add. */
export const MEANINGS: Readonly<Record<FlowKind, { readonly action: Action; readonly because: Because | null }>> = {
  refused: { action: "refused", because: "banned-ip" },
  killed: { action: "killed", because: "banned-ip" },
  "would-kill": { action: "would-kill", because: "banned-ip" },
  "would-refuse": { action: "would-refuse", because: "banned-ip" },
  connect: { action: "connect", because: null },
  scan: { action: "killed", because: "scan" },
  "scan-killed": { action: "killed", because: "scan" },
  "over-pod-budget": { action: "refused", because: "pod-budget" },
  "over-node-budget": { action: "refused", because: "node-budget" },
  unreachable: { action: "refused", because: "unreachable" },
  "would-be-over-budget": { action: "would-refuse", because: "budget" },
  pod: { action: "connect", because: null },
};

/** What the agent adds to a record. */
export interface Told {
  readonly action: Action;
  readonly killedBy?: "kernel" | "agent";
  /** Of a kill that failed. */
  readonly error?: string;
  /** The entry that bans it, where it is known. */
  readonly entry?: Entry | null;
  /** The allow pattern that spares it. */
  readonly allowedBy?: string;
  /** Of a scan. */
  readonly scan?: {
    readonly window: ScanWindow;
    readonly addresses: Readonly<Record<string, number>>;
    readonly forgotten: number;
    readonly seconds: number;
  };
}

/** The line of one record. */
export function lineOf(record: FlowRecord, told: Told, timeOf: TimeOf): ProcessLine {
  const { event, level, kind } = LEVELS[told.action];
  const { because } = MEANINGS[record.kind];
  const { who } = record;
  return {
    kind,
    level,
    cgroup: who.cgroup,
    group: String(record.group),
    pid: who.pid,
    source: SOURCE,
    ...(told.action === "killed" && because !== null
      ? { killed: { pid: who.pid, ppid: who.ppid, startTimeNs: who.startTimeNs, countedAs: { reason: because } } }
      : {}),
    nestsContainer: true,
    fill(fields) {
      fields.set("pid", who.pid);
      addCommandLine(fields, who);
      if (told.scan !== undefined) addScan(fields, told.scan);
      else fields.set(because === "banned-ip" ? "banned-ip" : "ip", showAddress(record.address));
      fields.set("source", SOURCE);
      fields.set("action", told.action);
      if (told.allowedBy !== undefined) fields.text("allowedby", `allowed-pattern:${told.allowedBy}`);
      fields.set("event", event);
    },
    more(fields) {
      if (because !== null) fields.set("because", because);
      if (told.killedBy !== undefined) fields.set("killed_by", told.killedBy);
      if (told.error !== undefined) fields.set("error", told.error);
      if (told.entry) fields.text("rule", placeOf(told.entry));
      if (told.scan !== undefined) addWindow(fields, told.scan);
      else addDestination(fields, record);
      addWho(fields, who, timeOf);
    },
  };
}

type Scan = NonNullable<Told["scan"]>;

function addScan(fields: Fields, { window, addresses, forgotten }: Scan): void {
  fields.value("addresses", addresses);
  fields.set(
    "connections",
    window.slots.reduce((sum, { times }) => sum + times, 0),
  );
  if (forgotten > 0)
    fields.truncated("addresses", { total: window.slots.length, shown: window.slots.length - forgotten });
}

function addWindow(fields: Fields, { window, seconds }: Scan): void {
  fields.set("by", window.by);
  fields.set("threshold", window.most);
  fields.set("window_seconds", seconds);
}

function addDestination(fields: Fields, record: FlowRecord): void {
  fields.set("port", record.port);
  if (Buffer.compare(record.address, record.given) !== 0) fields.set("given", showAddress(record.given));
  fields.set("protocol", PROTOCOLS[record.protocol] ?? String(record.protocol));
  fields.set("hook", record.hook);
}

/** One line for many that have none of their own. */
export function summaryOf(untold: Untold<FlowKind>, cgroup: CgroupIdentity, timeOf: TimeOf): ProcessLine {
  const { action, because } = MEANINGS[untold.kind];
  const count = Number(untold.count);
  return {
    kind: "summary",
    level: LEVELS[action].level,
    cgroup,
    pid: untold.pid,
    source: SOURCE,
    nestsContainer: true,
    fill(fields) {
      fields.set(because === "banned-ip" ? "banned-ip" : "ip", showAddress(untold.address));
      fields.set("source", SOURCE);
      fields.set("action", `${action}-summary`);
      fields.set("event", `${LEVELS[action].event}: ${count} more ${count === 1 ? "time" : "times"}`);
      fields.set("count", count);
    },
    more(fields) {
      if (because !== null) fields.set("because", because);
      fields.set("port", untold.port);
      fields.set("first", timeOf(untold.firstNs));
      fields.set("last", timeOf(untold.lastNs));
      fields.set("last_pid", untold.pid);
      fields.set("uid", untold.uid);
      fields.text("cgroup", cgroupPath(cgroup));
    },
  };
}

/** linux include/uapi/linux/in.h */
const PROTOCOLS: Readonly<Record<number, string>> = {
  1: "icmp",
  6: "tcp",
  17: "udp",
  58: "icmpv6",
  132: "sctp",
  136: "udplite",
  262: "mptcp",
};

export function addCommandLine(fields: Fields, who: Pick<Identity, "args" | "argsBytes">): void {
  fields.list("cmdline", who.args);
  const captured = who.args.reduce((sum, { length }) => sum + length + 1, 0);
  if (captured < who.argsBytes) fields.truncated("cmdline", { total_bytes: who.argsBytes, captured_bytes: captured });
}

export function addWho(fields: Fields, who: Identity, timeOf: TimeOf): void {
  addProcess(fields, who, timeOf);
  fields.set("cgroup_id", who.cgroupId.toString());
  fields.set("pid_namespace", who.pidNamespace);
}
