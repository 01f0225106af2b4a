// From reports to lines: the container's name is looked up, the line written, both without anyone waiting for them. What is too
// much to be told whole is counted, and told by its number now and then.
import type { CgroupIdentity, ContainerLookup, ContainerResult, Report } from "../types.js";
import { boundedReport } from "./bounded-report.js";
import { GroupPlaces, groupOfLines } from "./groups.js";
import type { LineCounts, LineWriter } from "./line-writer.js";
import type { Level, OwnLine, ReportFormatter } from "./log.js";
import type { Metrics } from "./metrics.js";
import type { ReportLimit } from "./report-limit.js";
import { boundSummaries, type Summary } from "./summary.js";
import { Tokens } from "./tokens.js";

export interface Reporter {
  /** Log what the kernel sent, which has bounded it; `sinceMs` is when the process was first looked at (performance.now()). */
  tell(report: Report, sinceMs: number): void;
  /** Log a line of the detector's own, which has bounded it. */
  tellOwn(line: OwnLine, sinceMs: number): void;
  /** Log what the agent found, or count it when that is too much. */
  offer(report: Report, sinceMs: number): void;
  /** Count what is not told. */
  count(report: Report): void;
  /** Log something about the agent itself. */
  notice(level: Level, event: string, fields: Readonly<Record<string, unknown>>): void;
  /** Log and count a fault of the agent. */
  fault(error: unknown): void;
  /**
   * Log how many were not told whole: these, and what the agent counted; and how many lines were dropped. When the log's reader
   * does not keep up, all that waits for the next time.
   *
   * @param take - What the kernel counted. From then on it is told.
   * @returns whether it was told; not, and nothing taken, while the log's reader is behind.
   */
  tellCounts(take: () => readonly Summary[], isLast?: boolean): boolean;
  /** Name containers from now on. */
  lookUpWith(containers: ContainerLookup): void;
  /** Resolves when every report told so far is written. */
  settle(): Promise<void>;
}

export interface ReporterParts {
  readonly formatter: ReportFormatter;
  readonly writer: LineWriter;
  readonly metrics: Metrics;
  /** What the agent finds, bounded. */
  readonly limit: ReportLimit;
  readonly nowMs?: () => number;
}

/** Reports that wait for a container's name. A flood beyond it is logged without one. */
const MAX_PENDING = 512;
/** Captured arguments that are shown at length, in bytes: what a long line costs the agent is up to 2 ms for 8 KiB. */
const LONG_LINES = { burst: 1 << 20, perSecond: 64 * 1024 };
/** Lines about faults; one that repeats itself a thousand times a second says no more than one. */
const FAULTS = { burst: 20, perSecond: 0.2 };

export function createReporter({
  formatter,
  writer,
  metrics,
  limit,
  nowMs = () => performance.now(),
}: ReporterParts): Reporter {
  let containers: ContainerLookup | null = null;
  const pending = new Set<Promise<void>>();
  const places = new GroupPlaces();
  const longLines = new Tokens(LONG_LINES, nowMs());
  const faults = new Tokens(FAULTS, nowMs());
  let faultsUntold = 0;
  let droppedTold: LineCounts = { ...writer.dropped };

  function write(report: Report, container: ContainerResult, sinceMs: number): void {
    if (container.kind === "failed") metrics.lookupFailed(container.why);
    const isBrief = limit.isOn && !longLines.take(capturedBytes(report), nowMs());
    for (const line of formatter.lines(report, container, isBrief)) writer.write(line);
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

  function tell(report: Report, sinceMs: number): void {
    if (report.outcome.action === "observed") {
      write(report, { kind: "host" }, sinceMs);
      return;
    }
    if (report.group !== undefined) places.remember(report.group, report.process.cgroup);
    const bounded = boundedReport(report);
    named(report.process.cgroup, (container) => write(bounded, container, sinceMs));
  }

  function tellSummary(summary: Summary): void {
    const cgroup = summary.cgroup ?? (summary.group === undefined ? undefined : places.get(summary.group));
    const whole = cgroup === undefined ? summary : { ...summary, cgroup };
    const then = (container: ContainerResult): void => writer.write(formatter.summary(whole, container));
    if (cgroup === undefined) then({ kind: "host" });
    else named(cgroup, then);
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
    tell,
    tellOwn(line, sinceMs) {
      named(line.cgroup, (container) => {
        if (container.kind === "failed") metrics.lookupFailed(container.why);
        for (const text of formatter.own(line, container)) writer.write(text);
        metrics.loggedAndKilled((nowMs() - sinceMs) / 1000);
      });
    },
    offer(report, sinceMs) {
      const grouped = withGroup(report);
      if (limit.admit(grouped)) tell(grouped, sinceMs);
    },
    count: (report) => limit.count(withGroup(report)),
    notice: (level, event, fields) => writer.write(formatter.notice(level, event, fields)),
    fault,
    tellCounts(take, isLast = false) {
      if (!writer.isRoomy && !isLast) return false;
      for (const summary of boundSummaries([...take(), ...limit.take()])) tellSummary(summary);
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

function withGroup(report: Report): Report {
  const { cgroup } = report.process;
  if (report.group !== undefined || cgroup.source !== "proc") return report;
  return { ...report, group: groupOfLines(cgroup.lines) };
}

function capturedBytes({ process: { args } }: Report): number {
  return args.reduce((sum, { length }) => sum + length, 0);
}

function tooMany(cgroup: CgroupIdentity): ContainerResult {
  const cgroupLine = cgroup.source === "kernel" ? (cgroup.paths[0] ?? "") : cgroup.lines;
  const reason = "look up container: too many look-ups are under way";
  return { kind: "failed", why: "too-many", reason, cgroupLine };
}
