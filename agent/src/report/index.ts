export { caseNumber } from "./case-number.js";
export { bootClock, type ClockSources, microsecondClock, type TimeOf } from "./clock.js";
export { contractLine, memberOffsets, type ShownCommandLine, showCommandLine } from "./command-line.js";
export type { Counter, Histogram, Labels, Read } from "./exposition.js";
export { Fields } from "./fields.js";
export { GroupPlaces, groupOfLines } from "./groups.js";
export { type Endpoint, ListenError, type Readiness, serveHealth, serveMetrics } from "./http.js";
export { type LineCounts, LineWriter, type LineWriterOptions } from "./line-writer.js";
export {
  cgroupPath,
  createFormatter,
  type Killed,
  type Level,
  type LineKind,
  type LogLine,
  type LogOptions,
  type ProcessLine,
  type ReportFormatter,
} from "./log.js";
export { createLoopDelay, type LoopDelay } from "./loop-delay.js";
export {
  ALL_ACTIONS,
  createMetrics,
  type Metrics,
  type MetricsOptions,
  PrefixError,
  SECONDS,
  type SeriesMaker,
  type SummedAction,
} from "./metrics.js";
export { addProcess } from "./process.js";
export { createReporter, type Reporter } from "./reporter.js";
export { openSink, type Sink } from "./sink.js";
export { createTerminals, type TerminalResult, type Terminals } from "./terminals.js";
export { type TokenLimits, Tokens } from "./tokens.js";
