// A report and what is known of its container to the contract's JSON lines.
import { uptime } from "node:os";
import { getSystemErrorName } from "node:util";
import { fold } from "@cryptnono/matcher";
import type { CgroupIdentity, ContainerResult, Outcome, ProcessFacts, Report, Rule } from "../types.js";
import { microsecondClock } from "./clock.js";
import { showCommandLine } from "./command-line.js";
import { cut, decode, toJson } from "./text.js";

export interface LogOptions {
  /** The time of a line. */
  readonly timestamp?: () => string;
  /** The wall clock's milliseconds at boot. Taken once, so that a process has one start time in all its lines. */
  readonly bootTimeMs?: number;
  /** Most characters of `cmdline` in JSON. */
  readonly maxCmdlineChars?: number;
}

/** One line with its line feed, and how much it would be missed. */
export interface LogLine {
  readonly text: string;
  readonly importance: Importance;
}

/** 3: a process was to die. 2: one would have, or was let go. 1: one was spared; a look-up failed. 0: debugging. */
export type Importance = 0 | 1 | 2 | 3;

export type Level = "debug" | "info" | "warning" | "error";

export interface ReportFormatter {
  /** The report's line; before it, when the container could not be found, a line that says why. */
  lines(report: Report, container: ContainerResult): LogLine[];
  /** A line about the agent itself. `fields` may hold anything JSON can; none of it may be a banned string. */
  notice(level: Level, event: string, fields?: Readonly<Record<string, unknown>>): LogLine;
}

/** 8 KiB: twice the longest path, and under the 16 KiB at which container runtimes split a line. */
const MAX_CMDLINE_CHARS = 8192;
/** For every other text of foreign origin: `argv[0]` may have 128 KiB, an image's label any length. */
const MAX_FIELD_CHARS = 1024;
const MAX_LABELS_CHARS = 4096;
/** Container runtimes split a longer line in two (containerd `max_container_log_line_size`, Docker's copier: 16 KiB). */
const MAX_LINE_BYTES = 16_384;
/** Halvings of the limits above after which every text of foreign origin is short. */
const MAX_SHRINK = 5;

export function createFormatter(options: LogOptions = {}): ReportFormatter {
  const { timestamp = microsecondClock(), bootTimeMs = bootTime(), maxCmdlineChars = MAX_CMDLINE_CHARS } = options;

  /** The line with all limits on foreign text halved until it fits: escapes and bytes beyond ASCII take more than a byte each. */
  function reportLine(report: Report, container: ContainerResult): LogLine {
    for (let shrink = 0; ; shrink++) {
      const line = shrunkLine(report, container, shrink);
      if (Buffer.byteLength(line.text) <= MAX_LINE_BYTES || shrink === MAX_SHRINK) return line;
    }
  }

  function shrunkLine(report: Report, container: ContainerResult, shrink: number): LogLine {
    const { process, outcome, rule } = report;
    const shown = OUTCOMES[outcome.action];
    const fields = new Fields(shrink);
    const cmdline = showCommandLine(process, rule, maxCmdlineChars >> shrink, report.matchOffset);
    fields.set("pid", process.pid);
    fields.bytes("cmdline", cmdline.bytes);
    const matched = rule?.value ?? report.matched;
    if (matched !== undefined) fields.bytes("matched", fold(matched));
    fields.set("source", report.source);
    if (container.kind === "container") {
      fields.set("container_type", container.type);
      fields.words("labels", container.labels);
      fields.text("image", container.image);
    }
    fields.set("action", outcome.action);
    if (outcome.action === "spared") fields.set("allowedby", allowedBy(outcome.allowedBy));
    if (outcome.action === "observed") fields.set("duration", Number(outcome.durationNs) / 1e9);
    fields.set("event", shown.event);
    fields.set("level", shown.level);
    fields.set("timestamp", timestamp());
    addOutcome(fields, outcome);
    if (report.because !== undefined) fields.set("because", report.because);
    addProcess(fields, process);
    if (rule !== null) addRule(fields, rule);
    addContainerIdentity(fields, container);
    addContainerMore(fields, container);
    if (report.latencyNs !== undefined) fields.set("latency_us", Number(report.latencyNs) / 1000);
    if (report.matchOffset !== undefined) fields.set("match_offset", report.matchOffset);
    if (cmdline.truncated !== undefined) fields.truncated("cmdline", cmdline.truncated);
    return { text: fields.line(), importance: shown.importance };
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
    fields.set("start_time", new Date(bootTimeMs + Number(process.startTimeNs / 1_000_000n)).toISOString());
    fields.text("cgroup", cgroupPath(process.cgroup));
    if (process.cgroupId !== undefined) fields.set("cgroup_id", process.cgroupId.toString());
    if (process.pidNamespace !== undefined) fields.set("pid_namespace", process.pidNamespace);
  }

  function lookupFailedLine(report: Report, failed: ContainerResult & { kind: "failed" }): LogLine {
    const fields = new Fields();
    fields.set("pid", report.process.pid);
    fields.set("source", report.source);
    fields.set("action", "container-lookup-failed");
    fields.text("cgroupline", failed.cgroupLine);
    fields.text("event", failed.reason);
    fields.set("level", "warning");
    fields.set("timestamp", timestamp());
    addContainerIdentity(fields, failed);
    return { text: fields.line(), importance: 1 };
  }

  return {
    lines(report, container) {
      const line = reportLine(report, container);
      return container.kind === "failed" ? [lookupFailedLine(report, container), line] : [line];
    },
    notice(level, event, fields = {}) {
      const text = `${toJson({ ...fields, event, level, timestamp: timestamp() })}\n`;
      return { text, importance: level === "debug" ? 0 : level === "info" ? 1 : 2 };
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

const OUTCOMES: Readonly<Record<Outcome["action"], { event: string; level: Level; importance: Importance }>> = {
  killed: { event: "Killed process", level: "info", importance: 3 },
  "missed-kill": { event: "Process exited before we could kill it", level: "info", importance: 3 },
  "kill-failed": { event: "Could not kill process", level: "error", importance: 3 },
  "would-kill": { event: "Would kill process", level: "warning", importance: 2 },
  "let-go": { event: "Let process go without a verdict", level: "warning", importance: 2 },
  spared: { event: "Not killing process", level: "info", importance: 1 },
  observed: { event: "New process", level: "debug", importance: 0 },
};

function addOutcome(fields: Fields, outcome: Outcome): void {
  if (outcome.action === "killed") fields.set("killed_by", outcome.by);
  if (outcome.action === "kill-failed") fields.set("error", errorName(outcome.errno));
  if (outcome.action === "spared" && outcome.allowedBy !== "is-substring") {
    fields.set("allowed_rule", `${outcome.allowedBy.pattern.list}[${outcome.allowedBy.pattern.index}]`);
  }
}

function errorName(errno: number): string {
  return errno > 0 ? getSystemErrorName(-errno) : "unknown";
}

function allowedBy(by: (Outcome & { action: "spared" })["allowedBy"]): string {
  return by === "is-substring" ? by : `allowed-pattern:${by.pattern.source}`;
}

function addRule(fields: Fields, { list, index, mode, note }: Rule): void {
  fields.set("rule", `${list}[${index}]`);
  fields.set("mode", mode);
  if (note !== undefined) fields.set("note", note);
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
function cgroupPath(cgroup: CgroupIdentity): string {
  const paths =
    cgroup.source === "kernel"
      ? cgroup.paths
      : cgroup.lines.split("\n").map((line) => line.split(":").slice(2).join(":"));
  return paths.reduce((deepest, path) => (path.length > deepest.length ? path : deepest), "");
}

function same(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return b !== undefined && Buffer.compare(a, b) === 0;
}

/** The fields of one line in their order, with what had to be cut from them. */
class Fields {
  readonly #fields: Record<string, unknown> = {};
  readonly #truncated: Record<string, unknown> = {};
  readonly #shrink: number;
  readonly #maxFieldChars: number;
  readonly #maxLabelsChars: number;

  /** @param shrink - How often the limits are halved. */
  constructor(shrink = 0) {
    this.#shrink = shrink;
    this.#maxFieldChars = MAX_FIELD_CHARS >> shrink;
    this.#maxLabelsChars = MAX_LABELS_CHARS >> shrink;
  }

  set(key: string, value: string | number): void {
    this.#fields[key] = value;
  }

  /** Text of foreign origin, cut to a field's length. */
  text(key: string, text: string): void {
    const max = this.#maxFieldChars;
    this.#fields[key] = cut(text, max);
    if (text.length > max) this.truncated(key, { total_chars: text.length, shown_chars: max });
  }

  /**
   * Bytes as text; when they are not UTF-8, `<key>_base64` has the exact ones. `cmdline` comes cut already, and `matched` is
   * a banned string's length.
   */
  bytes(key: string, bytes: Uint8Array): void {
    const max = key === "cmdline" || key === "matched" ? bytes.length : this.#maxFieldChars;
    const shown = bytes.subarray(0, max);
    const { text, exact } = decode(shown);
    this.#fields[key] = text;
    if (!exact) this.#fields[`${key}_base64`] = Buffer.from(shown).toString("base64");
    if (bytes.length > max) this.truncated(key, { total_bytes: bytes.length, shown_bytes: max });
  }

  /** Labels or variables as far as they fit: an image may bring any number of any length. */
  words(field: string, words: Readonly<Record<string, string>>): void {
    const shown: Record<string, string> = {};
    const total = Object.keys(words).length;
    let chars = 0;
    let count = 0;
    for (const [key, value] of Object.entries(words)) {
      chars += key.length + value.length;
      if (chars > this.#maxLabelsChars) continue;
      // A label may be called `__proto__`.
      Object.defineProperty(shown, key, { value, enumerable: true });
      count++;
    }
    this.#fields[field] = shown;
    if (count < total) this.truncated(field, { total, shown: count });
  }

  /** An object of its own, with what had to be cut from it. */
  nested(key: string, fill: (fields: Fields) => void): void {
    const fields = new Fields(this.#shrink);
    fill(fields);
    this.#fields[key] = fields.#whole();
  }

  truncated(key: string, what: unknown): void {
    this.#truncated[key] = what;
  }

  line(): string {
    return `${toJson(this.#whole())}\n`;
  }

  #whole(): Readonly<Record<string, unknown>> {
    const isCut = Object.keys(this.#truncated).length > 0;
    return isCut ? { ...this.#fields, truncated: this.#truncated } : this.#fields;
  }
}
