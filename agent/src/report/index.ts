export { type ClockSources, microsecondClock } from "./clock.js";
export { contractLine } from "./command-line.js";
export { type Endpoint, ListenError, type Readiness, serveHealth, serveMetrics } from "./http.js";
export { LineWriter, type LineWriterOptions } from "./line-writer.js";
export {
  createFormatter,
  type Importance,
  type Level,
  type LogLine,
  type LogOptions,
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
} from "./metrics.js";
export { createReporter, type Reporter } from "./reporter.js";
export { openSink, type Sink } from "./sink.js";
export { SpareMemory } from "./spare-memory.js";
