// From reports to lines: what is too much to be told whole is counted, and told by its number now and then.
import { GroupPlaces, groupOfLines, type ProcessLine, type TimeOf, Tokens } from "../../../report/index.js";
import type { Report } from "../types.js";
import { boundSummaries, type Summary } from "./bound-summaries.js";
import { boundedReport } from "./bounded-report.js";
import { reportLine, summaryLine } from "./lines.js";
import type { ReportLimit } from "./report-limit.js";

export interface Teller {
  /** Log what the kernel sent, which has bounded it; `sinceMs` is when the process was first looked at (performance.now()). */
  tell(report: Report, sinceMs: number): void;
  /** Log what the agent found, or count it when that is too much. */
  offer(report: Report, sinceMs: number): void;
  /** Count what is not told. */
  count(report: Report): void;
  /**
   * Log how many were not told whole since the last time: these, and what the agent counted.
   *
   * @param kernel - What the kernel counted.
   */
  tellCounts(kernel: readonly Summary[]): void;
}

export interface TellerParts {
  /** Takes a line over, and names its container. */
  readonly tell: (line: ProcessLine, sinceMs: number) => void;
  /** What the agent finds, bounded. */
  readonly limit: ReportLimit;
  readonly timeOf: TimeOf;
  readonly nowMs?: () => number;
}

/** Captured arguments that are shown at length, in bytes: what a long line costs the agent is up to 2 ms for 8 KiB. */
const LONG_LINES = { burst: 1 << 20, perSecond: 64 * 1024 };

export function createTeller(parts: TellerParts): Teller {
  const { limit, timeOf, nowMs = () => performance.now() } = parts;
  const places = new GroupPlaces();
  const longLines = new Tokens(LONG_LINES, nowMs());

  function tell(report: Report, sinceMs: number): void {
    if (report.group !== undefined) places.remember(report.group, report.process.cgroup);
    const isBrief = limit.isOn && !longLines.take(capturedBytes(report), nowMs());
    parts.tell(reportLine(boundedReport(report), timeOf, isBrief), sinceMs);
  }

  function tellSummary(summary: Summary): void {
    const cgroup = summary.cgroup ?? (summary.group === undefined ? undefined : places.get(summary.group));
    parts.tell(summaryLine(cgroup === undefined ? summary : { ...summary, cgroup }, timeOf), nowMs());
  }

  return {
    tell,
    offer(report, sinceMs) {
      const grouped = withGroup(report);
      if (limit.admit(grouped)) tell(grouped, sinceMs);
    },
    count: (report) => limit.count(withGroup(report)),
    tellCounts(kernel) {
      for (const summary of boundSummaries([...kernel, ...limit.take()])) tellSummary(summary);
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
