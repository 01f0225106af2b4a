// Log lines about names: what became of a process, by which name of which list, and the evidence in words.
import { cgroupPath, type Level, type LineKind, type ProcessLine, type TimeOf } from "../../../report/index.js";
import type { CgroupIdentity } from "../../../types.js";
import { showAddress, showDestination } from "../address.js";
import { addCommandLine, addWho } from "../lines.js";
import type { Untold } from "../tallies.js";
import type { NameEntry } from "./lists.js";
import type { NamesRecord, TalliedNames } from "./record.js";

export const SOURCE = "flowkiller.names";

/** What became of a process, of its question or of its connect. */
export type Action =
  | "killed"
  | "missed-kill"
  | "kill-failed"
  | "would-kill"
  | "dropped"
  | "would-drop"
  | "refused"
  | "observed";

const LEVELS: Readonly<Record<Action, { readonly event: string; readonly level: Level; readonly kind: LineKind }>> = {
  killed: { event: "Killed process", level: "info", kind: "kill" },
  "missed-kill": { event: "Process exited before we could kill it", level: "info", kind: "kill" },
  "kill-failed": { event: "Could not kill process", level: "error", kind: "kill" },
  "would-kill": { event: "Would kill process", level: "warning", kind: "would-kill" },
  dropped: { event: "Dropped question", level: "info", kind: "refusal" },
  "would-drop": { event: "Would drop question", level: "warning", kind: "would-kill" },
  refused: { event: "Refused destination", level: "info", kind: "refusal" },
  observed: { event: "Remembered answer", level: "info", kind: "debug" },
};

export interface Told {
  readonly action: Action;
  readonly killedBy?: "kernel" | "agent";
  /** Of a kill that failed. */
  readonly error?: string;
  /** The listed name, where it is known. */
  readonly entry: NameEntry | null;
  /** Where the process stood. */
  readonly cgroup: CgroupIdentity;
}

/** `/ban-config/pools/names:17`, or `FlowKiller.allowed_names[0]`. */
export function placeOf({ list, line }: Pick<NameEntry, "list" | "line">): string {
  return list.startsWith("FlowKiller.") ? `${list}[${line}]` : `${list}:${line}`;
}

/** The line of one record. */
export function lineOf(record: NamesRecord, told: Told, timeOf: TimeOf): ProcessLine {
  const { event, level, kind } = LEVELS[told.action];
  const { owner, who } = record;
  return {
    kind,
    level,
    cgroup: told.cgroup,
    group: String(owner.group),
    pid: owner.pid,
    source: SOURCE,
    ...(told.action === "killed"
      ? {
          killed: {
            pid: owner.pid,
            ppid: who?.ppid ?? 0,
            startTimeNs: owner.startTimeNs,
            countedAs: { reason: "name" },
          },
        }
      : {}),
    nestsContainer: true,
    fill(fields) {
      fields.set("pid", owner.pid);
      if (who !== null) addCommandLine(fields, who);
      if (told.entry !== null) fields.text("matched", told.entry.name);
      fields.set("source", SOURCE);
      fields.set("action", told.action);
      fields.set("event", event);
    },
    more(fields) {
      fields.set("because", record.evidence);
      fields.text("evidence", wordsOf(record));
      if (record.name.length > 0) fields.bytes("name", record.name);
      if (record.wallet.length > 0) fields.bytes("login", record.wallet);
      if (record.method !== null) fields.set("method", record.method);
      if (told.entry !== null) fields.text("rule", placeOf(told.entry));
      fields.set("ip", showAddress(owner.address));
      fields.set("port", owner.port);
      fields.set("protocol", record.isDatagram ? "udp" : "tcp");
      if (record.packets > 0) fields.set("packets", record.packets);
      if (record.isWebSocket) fields.value("websocket", true);
      if (record.isProxied) fields.value("behind_proxy", true);
      if (record.askedBy !== 0) fields.set("asked_by_pid", record.askedBy);
      if (told.killedBy !== undefined) fields.set("killed_by", told.killedBy);
      if (told.error !== undefined) fields.set("error", told.error);
      if (who !== null) {
        addWho(fields, who, timeOf);
      } else {
        fields.bytes("comm", owner.comm);
        fields.set("uid", owner.uid);
        fields.set("start_time", timeOf(owner.startTimeNs));
        fields.text("cgroup", cgroupPath(told.cgroup));
        fields.set("cgroup_id", owner.cgroupId.toString());
      }
    },
  };
}

/** One line for many that have none of their own. */
export function summaryOf(untold: Untold<TalliedNames>, told: Told, timeOf: TimeOf): ProcessLine {
  const { kind, group, pid, uid, address, port, firstNs, lastNs } = untold;
  const { action, entry, cgroup } = told;
  const { event, level } = LEVELS[action];
  const count = Number(untold.count);
  return {
    kind: "summary",
    level,
    cgroup,
    group: String(group),
    pid,
    source: SOURCE,
    nestsContainer: true,
    fill(fields) {
      if (entry !== null) fields.text("matched", entry.name);
      fields.set("source", SOURCE);
      fields.set("action", `${action}-summary`);
      fields.set("event", `${event}: ${count} more ${count === 1 ? "time" : "times"}`);
      fields.set("count", count);
    },
    more(fields) {
      fields.set("because", kind.evidence);
      if (kind.name.length > 0) fields.bytes("name", kind.name);
      if (entry !== null) fields.text("rule", placeOf(entry));
      fields.set("ip", showAddress(address));
      fields.set("port", port);
      fields.set("first", timeOf(firstNs));
      fields.set("last", timeOf(lastNs));
      fields.set("last_pid", pid);
      fields.set("uid", uid);
      fields.text("cgroup", cgroupPath(cgroup));
    },
  };
}

/** What was seen, as a sentence without its end. */
export function wordsOf(record: NamesRecord): string {
  const { evidence, owner } = record;
  const name = shownName(record.name);
  const to = showDestination(owner.address, owner.port);
  switch (evidence) {
    case "question":
      return `asked ${to} for ${name}`;
    case "answer":
      return `an answer to ${name} had ${record.answers} ${record.answers === 1 ? "address" : "addresses"}`;
    case "address":
      return `asked for ${name}, ${record.isDatagram ? "sent to" : "connected to"} ${to}`;
    case "sni":
      return `connected to ${to}, and to ${name} by TLS`;
    case "host":
      return `connected to ${to}, and asked for ${name} by HTTP`;
    case "proxy":
      return `connected to ${to}, and asked it to connect to ${name}`;
    case "stratum":
      return `connected to ${to}, and logged in as a miner does`;
    case "egress":
    case "unknown-pod":
      return record.name.length === 0
        ? `${to} is the answer to no question, and in no network that may be reached`
        : `asked for ${name}, which is no name that may be reached, and connected to ${to}`;
    case "seen":
      return record.name.length === 0 ? `connected to ${to}` : `asked for ${name}, connected to ${to}`;
  }
}

/** A name is a stranger's: what is not a name's character is told by its number. */
export function shownName(name: Uint8Array): string {
  return Buffer.from(name)
    .toString("latin1")
    .replace(/[^a-z0-9._-]/gi, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`);
}
