// What execwhacker says of processes.
export { boundSummaries, type Summary } from "./bound-summaries.js";
export { placeOfRule, reportLine, scopeText, summaryLine } from "./lines.js";
export { reportOf } from "./report.js";
export { addUntold, ReportLimit, type ReportLimits, reportLimits, type UntoldCounts } from "./report-limit.js";
export { SpareMemory } from "./spare-memory.js";
export { summaryOfTally } from "./summary.js";
export { createTeller, type Teller } from "./teller.js";
export { ACTION_OF_VERDICT, TALLIED_VERDICTS, type TalliedVerdict } from "./verdicts.js";
