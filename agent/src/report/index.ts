export { boundedReport } from "./bounded-report.js";
export { type ClockSources, microsecondClock } from "./clock.js";
export { contractLine } from "./command-line.js";
export {
  Counter,
  Histogram,
  type Labels,
  type Metric,
  Reading,
} from "./exposition.js";
export { Fields } from "./fields.js";
export { GroupPlaces, groupOfLines } from "./groups.js";
export { type Endpoint, ListenError, type Readiness, serveHealth, serveMetrics } from "./http.js";
export { type LineCounts, LineWriter, type LineWriterOptions } from "./line-writer.js";
export {
  cgroupPath,
  createFormatter,
  type Level,
  type LineKind,
  type LogLine,
  type LogOptions,
  type OwnLine,
  type ReportFormatter,
} from "./log.js";
export { createLoopDelay, type LoopDelay } from "./loop-delay.js";
export {
  createMetrics,
  type Decision,
  type Metrics,
  type MetricsOptions,
  PrefixError,
  type ScanFailure,
  type Series,
} from "./metrics.js";
export { ReportLimit, type ReportLimits, reportLimits } from "./report-limit.js";
export { createReporter, type Reporter } from "./reporter.js";
export { openSink, type Sink } from "./sink.js";
export { SpareMemory } from "./spare-memory.js";
export { ACTION_OF_VERDICT, boundSummaries, type Summary, type SummedAction, TALLIED_VERDICTS } from "./summary.js";
export { type TokenLimits, Tokens } from "./tokens.js";
