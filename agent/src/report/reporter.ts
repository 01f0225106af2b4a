// From reports to lines: the container's name is looked up, the line written, both without anyone waiting for them.

import type { CgroupIdentity, ContainerLookup, ContainerResult, Report } from "../types.js";
import type { Level, LineWriter, Metrics, ReportFormatter } from "./index.js";

export interface Reporter {
  /** Log `report`; `sinceMs` is when the process was first looked at (performance.now()). */
  tell(report: Report, sinceMs: number): void;
  /** Log something about the agent itself. */
  notice(level: Level, event: string, fields: Readonly<Record<string, unknown>>): void;
  /** Log and count a fault of the agent. */
  fault(error: unknown): void;
  /** Name containers from now on. */
  lookUpWith(containers: ContainerLookup): void;
  /** Resolves when every report told so far is written. */
  settle(): Promise<void>;
}

/** Reports that wait for a container's name. A flood beyond it is logged without one. */
const MAX_PENDING = 4096;

export function createReporter(formatter: ReportFormatter, writer: LineWriter, metrics: Metrics): Reporter {
  let containers: ContainerLookup | null = null;
  const pending = new Set<Promise<void>>();

  function write(report: Report, container: ContainerResult, sinceMs: number): void {
    if (container.kind === "failed") metrics.lookupFailed(container.why);
    for (const line of formatter.lines(report, container)) writer.write(line);
    metrics.loggedAndKilled((performance.now() - sinceMs) / 1000);
  }

  function fault(error: unknown): void {
    metrics.unexpectedError();
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    writer.write(formatter.notice("error", "Unexpected error", { error: text }));
  }

  return {
    tell(report, sinceMs) {
      if (report.outcome.action === "observed" || containers === null) return write(report, { kind: "host" }, sinceMs);
      if (pending.size >= MAX_PENDING) return write(report, tooMany(report.process.cgroup), sinceMs);
      const told: Promise<void> = containers
        .lookup(report.process.cgroup)
        .then((container) => write(report, container, sinceMs))
        .catch(fault)
        .finally(() => pending.delete(told));
      pending.add(told);
    },
    notice: (level, event, fields) => writer.write(formatter.notice(level, event, fields)),
    fault,
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
