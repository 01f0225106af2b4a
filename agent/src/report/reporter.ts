// From a detector's lines to the log: the container's name is looked up, the line written, both without anyone waiting for them.
import type { CgroupIdentity, ContainerLookup, ContainerResult } from "../types.js";
import type { LineCounts, LineWriter } from "./line-writer.js";
import type { Killed, Level, ProcessLine, ReportFormatter } from "./log.js";
import type { Metrics } from "./metrics.js";
import { Tokens } from "./tokens.js";

export interface Reporter {
  /** Log a line, which the detector has bounded; `sinceMs` is when the process was first looked at (performance.now()). */
  tell(line: ProcessLine, sinceMs: number): void;
  /** Log something about the agent itself. */
  notice(level: Level, event: string, fields: Readonly<Record<string, unknown>>): void;
  /** Log and count a fault of the agent. */
  fault(error: unknown): void;
  /**
   * Log how many were not told, and how many lines were dropped. When the log's reader does not keep up, all that waits for the
   * next time.
   *
   * @param tellCounts - Tells what was counted.
   * @returns whether it was told; not while the log's reader is behind.
   */
  tellCounts(tellCounts: () => void, isLast?: boolean): boolean;
  /** Name containers from now on. */
  lookUpWith(containers: ContainerLookup): void;
  /** Resolves when every line told so far is written. */
  settle(): Promise<void>;
}

export interface ReporterParts {
  readonly formatter: ReportFormatter;
  readonly writer: LineWriter;
  readonly metrics: Metrics;
  /** The case's number of a process that was killed. */
  readonly numberOf?: (killed: Killed) => string;
  readonly nowMs?: () => number;
}

/** Lines that wait for a container's name. A flood beyond it is logged without one. */
const MAX_PENDING = 512;
/** Lines about faults; one that repeats itself a thousand times a second says no more than one. */
const FAULTS = { burst: 20, perSecond: 0.2 };

export function createReporter({
  formatter,
  writer,
  metrics,
  numberOf,
  nowMs = () => performance.now(),
}: ReporterParts): Reporter {
  let containers: ContainerLookup | null = null;
  const pending = new Set<Promise<void>>();
  const faults = new Tokens(FAULTS, nowMs());
  let faultsUntold = 0;
  let droppedTold: LineCounts = { ...writer.dropped };

  function write(line: ProcessLine, container: ContainerResult, sinceMs: number): void {
    for (const text of formatter.lines(line, container)) writer.write(text);
    if (line.kind === "summary") return;
    if (line.killed !== undefined && numberOf !== undefined)
      metrics.killed(line.killed.countedAs, numberOf(line.killed), container);
    if (container.kind === "failed") metrics.lookupFailed(container.why);
    metrics.loggedAndKilled((nowMs() - sinceMs) / 1000);
  }

  function fault(error: unknown): void {
    metrics.unexpectedError();
    if (!faults.take(1, nowMs())) {
      faultsUntold++;
      return;
    }
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    const more = faultsUntold > 0 ? { others_before: faultsUntold } : {};
    faultsUntold = 0;
    writer.write(formatter.notice("error", "Unexpected error", { error: text, ...more }));
  }

  /** When `container` is known, now or later. */
  function named(cgroup: CgroupIdentity, then: (container: ContainerResult) => void): void {
    if (containers === null || pending.size >= MAX_PENDING) {
      then(containers === null ? { kind: "host" } : tooMany(cgroup));
      return;
    }
    const told: Promise<void> = containers
      .lookup(cgroup)
      .then(then)
      .catch(fault)
      .finally(() => pending.delete(told));
    pending.add(told);
  }

  function tellDropped(): void {
    const dropped = writer.dropped;
    const news = Object.entries(dropped).map(([kind, count]) => [kind, count - droppedTold[kind as keyof LineCounts]]);
    const lost = news.filter(([, count]) => count !== 0);
    if (lost.length === 0) return;
    droppedTold = { ...dropped };
    writer.write(formatter.notice("warning", "Log lines dropped: the reader was slow", Object.fromEntries(lost)));
  }

  return {
    tell(line, sinceMs) {
      if (line.cgroup === null) write(line, { kind: "host" }, sinceMs);
      else named(line.cgroup, (container) => write(line, container, sinceMs));
    },
    notice: (level, event, fields) => writer.write(formatter.notice(level, event, fields)),
    fault,
    tellCounts(tellCounts, isLast = false) {
      if (!writer.isRoomy && !isLast) return false;
      tellCounts();
      tellDropped();
      return true;
    },
    lookUpWith(lookup) {
      containers = lookup;
    },
    async settle() {
      containers?.hurry();
      await Promise.all(pending);
    },
  };
}

function tooMany(cgroup: CgroupIdentity): ContainerResult {
  const cgroupLine = cgroup.source === "kernel" ? (cgroup.paths[0] ?? "") : cgroup.lines;
  const reason = "look up container: too many look-ups are under way";
  return { kind: "failed", why: "too-many", reason, cgroupLine };
}
