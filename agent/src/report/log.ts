// A report and what is known of its container to the contract's JSON lines.
import { uptime } from "node:os";
import { getSystemErrorName } from "node:util";
import { fold } from "@cryptnono/matcher";
import type { AllowedBy, CgroupIdentity, ContainerResult, Outcome, ProcessFacts, Report, Rule } from "../types.js";
import { microsecondClock } from "./clock.js";
import { showCommandLine } from "./command-line.js";
import { Fields } from "./fields.js";
import { type Summary, summaryLevel, summaryWords } from "./summary.js";
import { toJson } from "./text.js";

export interface LogOptions {
  /** The time of a line. */
  readonly timestamp?: () => string;
  /** The wall clock's milliseconds at boot. Taken once, so that a process has one start time in all its lines. */
  readonly bootTimeMs?: number;
  /** Most characters of `cmdline` in JSON. */
  readonly maxCmdlineChars?: number;
  /** `severity` beside `level`, in the words of Google Cloud's log. */
  readonly severity?: boolean;
}

/** One line with its line feed. */
export interface LogLine {
  readonly text: string;
  readonly kind: LineKind;
  /** Whose it is: a log's reader that is slow gets its share of everybody's. */
  readonly group?: string;
}

/** A line of a detector's own about one process. */
export interface OwnLine {
  readonly kind: LineKind;
  readonly level: Level;
  /** Where the process stood: its container is named. */
  readonly cgroup: CgroupIdentity;
  readonly group?: string;
  readonly pid: number;
  readonly source: string;
  /** The container's words stand in a `container` of their own, as tcpflowkiller's do, and not beside the rest. */
  readonly nestsContainer?: boolean;
  /** The detector's words, before the container's. May be called again, for a line that was too long. */
  fill(fields: Fields): void;
  /** Those behind the time. */
  more?(fields: Fields): void;
}

/** What a line tells: of one process, of many, or of the agent. `lookup`: why a container could not be named. */
export type LineKind =
  | "kill"
  | "would-kill"
  | "let-go"
  | "spare"
  | "refusal"
  | "lookup"
  | "summary"
  | "notice"
  | "debug";

export type Level = "debug" | "info" | "warning" | "error";

export interface ReportFormatter {
  /**
   * The report's line; before it, when the container could not be found, a line that says why.
   *
   * @param isBrief - Show an eighth of the command line, in an eighth of the time.
   */
  lines(report: Report, container: ContainerResult, isBrief?: boolean): LogLine[];
  /** A detector's own line; before it, when the container could not be found, a line that says why. */
  own(line: OwnLine, container: ContainerResult): LogLine[];
  /** One line for many processes. */
  summary(summary: Summary, container: ContainerResult): LogLine;
  /** A line about the agent itself. `fields` may hold anything JSON can; none of it may be a banned string. */
  notice(level: Level, event: string, fields?: Readonly<Record<string, unknown>>): LogLine;
}

/** 8 KiB: twice the longest path, and under the 16 KiB at which container runtimes split a line. */
const MAX_CMDLINE_CHARS = 8192;
/** Container runtimes split a longer line in two (containerd `max_container_log_line_size`, Docker's copier: 16 KiB). */
const MAX_LINE_BYTES = 16_384;
/** Halvings of the limits above after which every text of foreign origin is short. */
const MAX_SHRINK = 5;

export function createFormatter(options: LogOptions = {}): ReportFormatter {
  const {
    timestamp = microsecondClock(),
    bootTimeMs = bootTime(),
    maxCmdlineChars = MAX_CMDLINE_CHARS,
    severity = false,
  } = options;

  /** The line with all limits on foreign text halved until it fits: escapes and bytes beyond ASCII take more than a byte each. */
  function fitted(textAt: (shrink: number) => string): string {
    for (let shrink = 0; ; shrink++) {
      const text = textAt(shrink);
      if (Buffer.byteLength(text) <= MAX_LINE_BYTES || shrink === MAX_SHRINK) return text;
    }
  }

  /** The contract's last keys. */
  function addTime(fields: Fields, level: Level): void {
    fields.set("level", level);
    fields.set("timestamp", timestamp());
    if (severity) fields.set("severity", level.toUpperCase());
  }

  function reportText(report: Report, container: ContainerResult, shrink: number, isBrief: boolean): string {
    const { process, outcome, rule } = report;
    const shown = OUTCOMES[outcome.action];
    const fields = new Fields(shrink);
    const cmdlineChars = (isBrief ? maxCmdlineChars >> 3 : maxCmdlineChars) >> shrink;
    const cmdline = showCommandLine(process, rule, cmdlineChars, report.matchOffset);
    fields.set("pid", process.pid);
    fields.bytes("cmdline", cmdline.bytes);
    const matched = rule?.value ?? report.matched;
    if (matched !== undefined) fields.bytes("matched", fold(matched));
    fields.set("source", report.source);
    addContainer(fields, container);
    fields.set("action", outcome.action);
    if (outcome.action === "spared") fields.set("allowedby", allowedBy(outcome.allowedBy));
    if (outcome.action === "observed") fields.set("duration", Number(outcome.durationNs) / 1e9);
    fields.set("event", shown.event);
    addTime(fields, shown.level);
    addOutcome(fields, outcome);
    if (report.because !== undefined) fields.set("because", report.because);
    addProcess(fields, process);
    if (rule !== null) addRule(fields, rule);
    addContainerIdentity(fields, container);
    addContainerMore(fields, container);
    if (report.latencyNs !== undefined) fields.set("latency_us", Number(report.latencyNs) / 1000);
    if (report.matchOffset !== undefined) fields.set("match_offset", report.matchOffset);
    if (cmdline.truncated !== undefined) fields.truncated("cmdline", cmdline.truncated);
    return fields.line();
  }

  function addProcess(fields: Fields, process: ProcessFacts): void {
    const argv0 = process.args[0];
    fields.bytes("exe", process.interpreter ?? process.exe ?? process.path);
    if (argv0 !== undefined && !same(argv0, process.path) && !same(argv0, process.interpreter))
      fields.bytes("argv0", argv0);
    fields.bytes("comm", process.comm);
    fields.set("ppid", process.ppid);
    fields.bytes("parent", process.parentComm);
    fields.set("uid", process.uid);
    fields.set("start_time", timeOf(process.startTimeNs));
    fields.text("cgroup", cgroupPath(process.cgroup));
    if (process.cgroupId !== undefined) fields.set("cgroup_id", process.cgroupId.toString());
    if (process.pidNamespace !== undefined) fields.set("pid_namespace", process.pidNamespace);
  }

  function ownText(line: OwnLine, container: ContainerResult, shrink: number): string {
    const fields = new Fields(shrink);
    line.fill(fields);
    if (line.nestsContainer && container.kind !== "host") {
      fields.nested("container", (nested) => {
        addContainer(nested, container);
        addContainerIdentity(nested, container);
        addContainerMore(nested, container);
      });
    } else addContainer(fields, container);
    addTime(fields, line.level);
    line.more?.(fields);
    if (!line.nestsContainer) {
      addContainerIdentity(fields, container);
      addContainerMore(fields, container);
    }
    return fields.line();
  }

  function lookupFailedLine(
    { pid, source, group }: Pick<OwnLine, "pid" | "source" | "group">,
    failed: ContainerResult & { kind: "failed" },
  ): LogLine {
    const fields = new Fields();
    fields.set("pid", pid);
    fields.set("source", source);
    fields.set("action", "container-lookup-failed");
    fields.text("cgroupline", failed.cgroupLine);
    fields.text("event", failed.reason);
    addTime(fields, "warning");
    addContainerIdentity(fields, failed);
    return { text: fields.line(), kind: "lookup", ...groupOf({ group }) };
  }

  function summaryText(summary: Summary, container: ContainerResult, shrink: number): string {
    const fields = new Fields(shrink);
    const { rule, matched = rule?.value, allowedBy: by, cgroup, cgroupId } = summary;
    if (matched !== undefined) fields.bytes("matched", fold(matched));
    fields.set("source", summary.source);
    addContainer(fields, container);
    fields.set("action", `${summary.action}-summary`);
    if (by !== undefined) fields.set("allowedby", allowedBy(by));
    fields.set("event", summaryWords(summary));
    addTime(fields, summaryLevel(summary.action));
    fields.set("count", summary.count);
    if (summary.kinds !== undefined) fields.set("kinds", summary.kinds);
    addAllowRule(fields, by);
    if (rule !== null) addRule(fields, rule);
    if (summary.firstNs !== undefined) fields.set("first", timeOf(summary.firstNs));
    if (summary.lastNs !== undefined) fields.set("last", timeOf(summary.lastNs));
    if (summary.lastPid !== undefined) fields.set("last_pid", summary.lastPid);
    if (summary.uid !== undefined) fields.set("uid", summary.uid);
    if (cgroup !== undefined) fields.text("cgroup", cgroupPath(cgroup));
    if (cgroupId !== undefined) fields.set("cgroup_id", cgroupId.toString());
    addContainerIdentity(fields, container);
    addContainerMore(fields, container);
    return fields.line();
  }

  /** Nanoseconds since boot. */
  function timeOf(ns: bigint): string {
    return new Date(bootTimeMs + Number(ns / 1_000_000n)).toISOString();
  }

  return {
    lines(report, container, isBrief = false) {
      const text = fitted((shrink) => reportText(report, container, shrink, isBrief));
      const line: LogLine = { text, kind: OUTCOMES[report.outcome.action].kind, ...groupOf(report) };
      if (container.kind !== "failed") return [line];
      const { source, process } = report;
      return [lookupFailedLine({ pid: process.pid, source, ...groupOf(report) }, container), line];
    },
    own(own, container) {
      const line = { text: fitted((shrink) => ownText(own, container, shrink)), kind: own.kind, ...groupOf(own) };
      return container.kind === "failed" ? [lookupFailedLine(own, container), line] : [line];
    },
    summary(summary, container) {
      return { text: fitted((shrink) => summaryText(summary, container, shrink)), kind: "summary" };
    },
    notice(level, event, fields = {}) {
      const shown = {
        ...fields,
        event,
        level,
        timestamp: timestamp(),
        ...(severity ? { severity: level.toUpperCase() } : {}),
      };
      return { text: `${toJson(shown)}\n`, kind: level === "debug" ? "debug" : "notice" };
    },
  };
}

/** Longest difference that the 10 ms steps of /proc/uptime explain. */
const UPTIME_STEP_MS = 20;

/**
 * The wall clock's milliseconds at boot. The monotonic clock is exact but stands still while the machine sleeps; the uptime
 * counts sleep too, in steps of 10 ms. So the former, as long as both agree.
 */
function bootTime(): number {
  const monotonicMs = Number(process.hrtime.bigint()) / 1e6;
  const uptimeMs = uptime() * 1000;
  return Date.now() - (Math.abs(uptimeMs - monotonicMs) < UPTIME_STEP_MS ? monotonicMs : uptimeMs);
}

const OUTCOMES: Readonly<Record<Outcome["action"], { event: string; level: Level; kind: LineKind }>> = {
  killed: { event: "Killed process", level: "info", kind: "kill" },
  "missed-kill": { event: "Process exited before we could kill it", level: "info", kind: "kill" },
  "kill-failed": { event: "Could not kill process", level: "error", kind: "kill" },
  "would-kill": { event: "Would kill process", level: "warning", kind: "would-kill" },
  "let-go": { event: "Let process go without a verdict", level: "warning", kind: "let-go" },
  spared: { event: "Not killing process", level: "info", kind: "spare" },
  observed: { event: "New process", level: "debug", kind: "debug" },
};

function addOutcome(fields: Fields, outcome: Outcome): void {
  if (outcome.action === "killed") fields.set("killed_by", outcome.by);
  if (outcome.action === "kill-failed") fields.set("error", errorName(outcome.errno));
  if (outcome.action === "spared") addAllowRule(fields, outcome.allowedBy);
}

function addAllowRule(fields: Fields, by: AllowedBy | undefined): void {
  if (by !== undefined && by !== "is-substring") fields.set("allowed_rule", `${by.pattern.list}[${by.pattern.index}]`);
}

function errorName(errno: number): string {
  return errno > 0 ? getSystemErrorName(-errno) : "unknown";
}

function allowedBy(by: AllowedBy): string {
  return by === "is-substring" ? by : `allowed-pattern:${by.pattern.source}`;
}

function addRule(fields: Fields, { list, index, mode, note }: Rule): void {
  fields.set("rule", `${list}[${index}]`);
  fields.set("mode", mode);
  if (note !== undefined) fields.set("note", note);
}

function groupOf({ group }: { readonly group?: string | undefined }): { readonly group?: string } {
  return group === undefined ? {} : { group };
}

/** The contract's words for it. */
function addContainer(fields: Fields, container: ContainerResult): void {
  if (container.kind !== "container") return;
  fields.set("container_type", container.type);
  fields.words("labels", container.labels);
  fields.text("image", container.image);
}

function addContainerIdentity(fields: Fields, container: ContainerResult): void {
  if (container.kind === "host" || container.id === undefined) return;
  fields.text("container_id", container.id);
  if (container.kind === "container" && container.imageDigest !== undefined) {
    fields.text("image_digest", container.imageDigest);
  }
}

/** The chosen variables of the container's specification, and the container within it. */
function addContainerMore(fields: Fields, container: ContainerResult): void {
  if (container.kind === "host") return;
  if (container.kind === "container" && hasWords(container.envs)) fields.words("envs", container.envs);
  const { inner } = container;
  if (inner === undefined) return;
  fields.nested("inner", (within) => {
    if (inner.type !== undefined) {
      within.set("container_type", inner.type);
      within.words("labels", inner.labels);
      within.text("image", inner.image);
    }
    within.text("container_id", inner.id);
    if (inner.type !== undefined && inner.imageDigest !== undefined) within.text("image_digest", inner.imageDigest);
    if (inner.type !== undefined && hasWords(inner.envs)) within.words("envs", inner.envs);
  });
}

function hasWords(words: Readonly<Record<string, string>> | undefined): words is Readonly<Record<string, string>> {
  return words !== undefined && Object.keys(words).length > 0;
}

/** The most telling of a process's cgroup paths: the unified hierarchy's, or the deepest. */
export function cgroupPath(cgroup: CgroupIdentity): string {
  const paths =
    cgroup.source === "kernel"
      ? cgroup.paths
      : cgroup.lines.split("\n").map((line) => line.split(":").slice(2).join(":"));
  return paths.reduce((deepest, path) => (path.length > deepest.length ? path : deepest), "");
}

function same(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return b !== undefined && Buffer.compare(a, b) === 0;
}
