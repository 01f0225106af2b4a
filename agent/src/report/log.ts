// A detector's words, and what is known of a process's container, to the contract's JSON lines.
import type { CgroupIdentity, ContainerResult } from "../types.js";
import { microsecondClock } from "./clock.js";
import type { Labels } from "./exposition.js";
import { Fields } from "./fields.js";
import { toJson } from "./text.js";

export interface LogOptions {
  /** The time of a line. */
  readonly timestamp?: () => string;
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

/** A process that is dead by a detector's verdict. */
export interface Killed {
  readonly pid: number;
  /** 0: not known. */
  readonly ppid: number;
  /** Nanoseconds since boot. */
  readonly startTimeNs: bigint;
  /** The labels of the series that counts it, of the detector's `processes_killed_total`. */
  readonly countedAs: Labels;
}

/** A detector's line about a process, or about many. */
export interface ProcessLine {
  readonly kind: LineKind;
  readonly level: Level;
  /** Where the process stood: its container is named. null: it need not be. */
  readonly cgroup: CgroupIdentity | null;
  readonly group?: string;
  /** Of the last one, when they are many. */
  readonly pid: number;
  readonly source: string;
  /** Absent for what was not killed, and for many. */
  readonly killed?: Killed;
  /** The container's words stand in a `container` of their own, as tcpflowkiller's do, and not beside the rest. */
  readonly nestsContainer?: boolean;
  /** The detector's words, before the container's. May be called again, for a line that was too long. */
  fill(fields: Fields): void;
  /** What became of it, between the container's and the time. */
  verdict?(fields: Fields): void;
  /** Those behind the time, before the rest of the container's. */
  more?(fields: Fields): void;
  /** The last ones. */
  last?(fields: Fields): void;
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
  /** The line; before it, when the container of a process could not be found, a line that says why. */
  lines(line: ProcessLine, container: ContainerResult): LogLine[];
  /** A line about the agent itself. `fields` may hold anything JSON can; none of it may be a banned string. */
  notice(level: Level, event: string, fields?: Readonly<Record<string, unknown>>): LogLine;
}

/** Container runtimes split a longer line in two (containerd `max_container_log_line_size`, Docker's copier: 16 KiB). */
const MAX_LINE_BYTES = 16_384;
/** Halvings of the limits above after which every text of foreign origin is short. */
const MAX_SHRINK = 5;

export function createFormatter(options: LogOptions = {}): ReportFormatter {
  const { timestamp = microsecondClock(), severity = false } = options;

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

  function textOf(line: ProcessLine, container: ContainerResult, shrink: number): string {
    const fields = new Fields(shrink);
    line.fill(fields);
    if (line.nestsContainer && container.kind !== "host") {
      fields.nested("container", (nested) => {
        addContainer(nested, container);
        addContainerIdentity(nested, container);
        addContainerMore(nested, container);
      });
    } else addContainer(fields, container);
    line.verdict?.(fields);
    addTime(fields, line.level);
    line.more?.(fields);
    if (!line.nestsContainer) {
      addContainerIdentity(fields, container);
      addContainerMore(fields, container);
    }
    line.last?.(fields);
    return fields.line();
  }

  function lookupFailedLine(
    { pid, source, group }: Pick<ProcessLine, "pid" | "source" | "group">,
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

  return {
    lines(line, container) {
      const text = fitted((shrink) => textOf(line, container, shrink));
      const whole = { text, kind: line.kind, ...groupOf(line) };
      // Of many, that their container has no name was told with the first of them.
      const isTold = line.kind !== "summary" && container.kind === "failed";
      return isTold ? [lookupFailedLine(line, container), whole] : [whole];
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
