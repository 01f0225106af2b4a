// Log lines: the contract's keys, then the evidence.
import {
  addProcess,
  cgroupPath,
  type Fields,
  type Level,
  type LineKind,
  type ProcessLine,
  showCommandLine,
  type TimeOf,
} from "../../report/index.js";
import type { Identity } from "../../sensor/index.js";
import type { CgroupIdentity } from "../../types.js";
import type { Finding, Place } from "./memory/scan.js";
import type { AllowPattern } from "./patterns.js";
import type { MoneroRecord, Rule, Seen } from "./record.js";

export const KERNEL_SOURCE = "monero.bpf";
export const MEMORY_SOURCE = "monero.memory";
export type Source = typeof KERNEL_SOURCE | typeof MEMORY_SOURCE;

/** What became of a process. */
export type Action = "killed" | "missed-kill" | "kill-failed" | "would-kill" | "spared";

export const ACTIONS: Readonly<Record<Action, { event: string; level: Level; kind: LineKind; more: string }>> = {
  killed: { event: "Killed process", level: "info", kind: "kill", more: "Killed processes" },
  "missed-kill": {
    event: "Process exited before we could kill it",
    level: "info",
    kind: "kill",
    more: "Processes exited before we could kill them",
  },
  "kill-failed": { event: "Could not kill process", level: "error", kind: "kill", more: "Could not kill processes" },
  "would-kill": { event: "Would kill process", level: "warning", kind: "would-kill", more: "Would kill processes" },
  spared: { event: "Not killing process", level: "info", kind: "spare", more: "Not killing processes" },
};

export interface Told {
  readonly action: Action;
  readonly killedBy?: "kernel" | "agent";
  /** Of a kill that failed. */
  readonly error?: string;
  readonly allowedBy?: AllowPattern;
  /** The file that runs, where it could still be read. */
  readonly exe?: Uint8Array;
  /** User and system time of the whole process, where it could still be read. */
  readonly cpuSeconds?: number;
  readonly timeOf: TimeOf;
}

/** 8 KiB, as everywhere. */
const MAX_CMDLINE_CHARS = 8192;

/** The line of one record. */
export function lineOf(record: MoneroRecord, told: Told): ProcessLine {
  const { who, rule, seen } = record;
  return ownLine(who, String(record.group), KERNEL_SOURCE, rule, told, (fields) => {
    addSeen(fields, seen);
    fields.set("age_seconds", seconds(record.timeNs - who.startTimeNs));
    fields.set("cpu_seconds", told.cpuSeconds ?? seconds(record.cpuNs));
    fields.set("thread_cpu_seconds", seconds(record.threadCpuNs));
    if (told.action === "killed" && told.killedBy === "kernel") fields.set("sent_at", record.place);
  });
}

/** The line of what the memory scan found. */
export function findingLine(finding: Finding, who: Identity, group: string, told: Told): ProcessLine {
  const { algorithm, families, places, burning, atExec } = finding;
  return ownLine(who, group, MEMORY_SOURCE, "algorithm", told, (fields) => {
    fields.set("algorithm", algorithm.name);
    if (algorithm.variant !== undefined) fields.set("variant", algorithm.variant);
    fields.nested("constants", (nested) => {
      for (const [name, words] of families) nested.set(name, words);
    });
    fields.set("mappings", places.map(showPlace).join(", "));
    if (atExec !== undefined) fields.set("file_at_exec", atExec.name);
    fields.set("cpu_share", Math.round(burning.share * 100) / 100);
    if (told.cpuSeconds !== undefined) fields.set("cpu_seconds", told.cpuSeconds);
  });
}

function showPlace({ kind, isExecutable, bytes }: Place): string {
  return `${kind} ${isExecutable ? "r-x" : "r--"} ${Math.ceil(bytes / 1024)} KiB`;
}

/** @param addEvidence - What the rule saw. */
export function ownLine(
  who: Identity,
  group: string,
  source: Source,
  rule: Rule,
  told: Told,
  addEvidence: (fields: Fields) => void,
): ProcessLine {
  const { action, exe, allowedBy, timeOf } = told;
  const { event, level, kind } = ACTIONS[action];
  return {
    kind,
    level,
    cgroup: who.cgroup,
    group,
    pid: who.pid,
    source,
    ...(action === "killed"
      ? { killed: { pid: who.pid, ppid: who.ppid, startTimeNs: who.startTimeNs, countedAs: { rule } } }
      : {}),
    fill(fields) {
      fields.set("pid", who.pid);
      addCommandLine(fields, who, exe);
      fields.set("source", source);
      fields.set("action", action);
      if (allowedBy !== undefined) fields.text("allowedby", `allowed-pattern:${allowedBy.source}`);
      fields.set("event", event);
    },
    more(fields) {
      fields.set("rule", rule);
      if (told.killedBy !== undefined) fields.set("killed_by", told.killedBy);
      if (told.error !== undefined) fields.set("error", told.error);
      if (allowedBy !== undefined) fields.set("allowed_rule", `${allowedBy.list}[${allowedBy.index}]`);
      addEvidence(fields);
      if (exe !== undefined) fields.bytes("exe", exe);
      addWho(fields, who, timeOf);
    },
  };
}

/** One line for many that have none of their own. */
export interface Untold {
  readonly source: Source;
  readonly action: Action;
  readonly rule: Rule;
  readonly group: string;
  readonly cgroup: CgroupIdentity;
  readonly count: number;
  /** Of the last one. */
  readonly pid: number;
  readonly uid: number;
}

export function summaryOf({ source, action, rule, group, cgroup, count, pid, uid }: Untold): ProcessLine {
  const { level, more } = ACTIONS[action];
  return {
    kind: "summary",
    level,
    cgroup,
    group,
    pid,
    source,
    fill(fields) {
      fields.set("source", source);
      fields.set("action", `${action}-summary`);
      fields.set("event", `${more}: ${count} more`);
      fields.set("count", count);
    },
    more(fields) {
      fields.set("rule", rule);
      fields.set("last_pid", pid);
      fields.set("uid", uid);
      fields.text("cgroup", cgroupPath(cgroup));
    },
  };
}

function addSeen(fields: Fields, seen: Seen): void {
  const { nearest, down, up, zero } = seen.counts;
  const all = nearest + down + up + zero;
  fields.nested("samples", (nested) => {
    for (const [mode, count] of Object.entries(seen.counts)) nested.set(mode, count);
    nested.set("ftz_daz", seen.ftzDaz);
    nested.set("taken", seen.samples);
  });
  if (all > 0) fields.set("directed_share", Math.round(((all - nearest) / all) * 1000) / 1000);
  if (seen.constants.length > 0) fields.set("constants", seen.constants.join(" "));
}

/** The path of the file that runs where it is known, else `argv[0]`; then the arguments. */
function addCommandLine(fields: Fields, who: Identity, exe: Uint8Array | undefined): void {
  const path = exe ?? who.args[0] ?? who.comm;
  const shown = showCommandLine(
    { ...who, path, args: who.args.length === 0 ? [path] : who.args, argsBytes: who.argsBytes },
    null,
    MAX_CMDLINE_CHARS,
  );
  fields.bytes("cmdline", shown.bytes);
  if (shown.truncated !== undefined) fields.truncated("cmdline", shown.truncated);
}

function addWho(fields: Fields, who: Identity, timeOf: TimeOf): void {
  addProcess(fields, who, timeOf);
  if (who.cgroupId !== 0n) fields.set("cgroup_id", who.cgroupId.toString());
  if (who.pidNamespace !== 0) fields.set("pid_namespace", who.pidNamespace);
}

function seconds(ns: bigint): number {
  return Math.round(Number(ns) / 1e6) / 1e3;
}
