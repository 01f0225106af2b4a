// Log lines: the contract's keys in their nesting, then ours.
import { cgroupPath, type Fields, type Level, type LineKind, type OwnLine } from "../../report/index.js";
import type { Identity } from "../../sensor/index.js";
import type { CgroupIdentity } from "../../types.js";
import { showAddress } from "./address.js";
import { type Entry, placeOf } from "./lists.js";
import type { FlowKind, FlowRecord } from "./record.js";
import type { Untold } from "./tallies.js";

export const SOURCE = "flowkiller.bpf";

/** What became of a process or of its connect. */
export type Action = "killed" | "missed-kill" | "kill-failed" | "would-kill" | "refused" | "would-refuse" | "connect";

const ACTIONS: Readonly<Record<Action, { readonly event: string; readonly level: Level; readonly kind: LineKind }>> = {
  killed: { event: "Killed process", level: "info", kind: "kill" },
  "missed-kill": { event: "Process exited before we could kill it", level: "info", kind: "kill" },
  "kill-failed": { event: "Could not kill process", level: "error", kind: "kill" },
  "would-kill": { event: "Would kill process", level: "warning", kind: "would-kill" },
  refused: { event: "Refused destination", level: "info", kind: "refusal" },
  "would-refuse": { event: "Would refuse destination", level: "warning", kind: "would-kill" },
  connect: { event: "Connection established", level: "info", kind: "debug" },
};

export interface Told {
  readonly action: Action;
  readonly killedBy?: "kernel" | "agent";
  /** Of a kill that failed. */
  readonly error?: string;
  /** The entry that bans it, where it is known. */
  readonly entry: Entry | null;
  /** Nanoseconds since boot to a time of day. */
  readonly timeOf: (ns: bigint) => string;
}

/** The line of one record. */
export function lineOf(record: FlowRecord, { action, killedBy, error, entry, timeOf }: Told): OwnLine {
  const { event, level, kind } = ACTIONS[action];
  const { who } = record;
  return {
    kind,
    level,
    cgroup: who.cgroup,
    group: String(record.group),
    pid: who.pid,
    source: SOURCE,
    nestsContainer: true,
    fill(fields) {
      fields.set("pid", who.pid);
      addCommandLine(fields, who);
      if (action === "connect") fields.set("ip", showAddress(record.address));
      else fields.set("banned-ip", showAddress(record.address));
      fields.set("port", record.port);
      fields.set("source", SOURCE);
      fields.set("action", action);
      fields.set("event", event);
    },
    more(fields) {
      if (killedBy !== undefined) fields.set("killed_by", killedBy);
      if (error !== undefined) fields.set("error", error);
      if (entry !== null) fields.text("rule", placeOf(entry));
      if (!sameBytes(record.address, record.given)) fields.set("given", showAddress(record.given));
      fields.set("protocol", PROTOCOLS[record.protocol] ?? String(record.protocol));
      fields.set("hook", record.hook);
      addProcess(fields, who, timeOf);
    },
  };
}

/** One line for many that have none of their own. */
export function summaryOf(untold: Untold, cgroup: CgroupIdentity, timeOf: (ns: bigint) => string): OwnLine {
  const { level } = ACTIONS[untold.kind];
  const count = Number(untold.count);
  return {
    kind: "summary",
    level,
    cgroup,
    pid: untold.pid,
    source: SOURCE,
    nestsContainer: true,
    fill(fields) {
      fields.set("banned-ip", showAddress(untold.address));
      fields.set("port", untold.port);
      fields.set("source", SOURCE);
      fields.set("action", `${untold.kind}-summary`);
      fields.set("event", SUMMARIES[untold.kind](`${count} more ${count === 1 ? "time" : "times"}`));
      fields.set("count", count);
    },
    more(fields) {
      fields.set("first", timeOf(untold.firstNs));
      fields.set("last", timeOf(untold.lastNs));
      fields.set("last_pid", untold.pid);
      fields.set("uid", untold.uid);
      fields.text("cgroup", cgroupPath(cgroup));
    },
  };
}

const SUMMARIES: Readonly<Record<FlowKind, (times: string) => string>> = {
  killed: (times) => `Killed processes ${times}`,
  "would-kill": (times) => `Would kill processes ${times}`,
  refused: (times) => `Refused destinations ${times}`,
  "would-refuse": (times) => `Would refuse destinations ${times}`,
  connect: (times) => `Connections established ${times}`,
};

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

export function addProcess(fields: Fields, who: Identity, timeOf: (ns: bigint) => string): void {
  fields.bytes("comm", who.comm);
  fields.set("ppid", who.ppid);
  fields.bytes("parent", who.parentComm);
  fields.set("uid", who.uid);
  fields.set("start_time", timeOf(who.startTimeNs));
  fields.text("cgroup", cgroupPath(who.cgroup));
  fields.set("cgroup_id", who.cgroupId.toString());
  fields.set("pid_namespace", who.pidNamespace);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
