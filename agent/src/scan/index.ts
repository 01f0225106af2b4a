export { type Repeated, repeat } from "./repeat.js";
export { type ScanCounts, type ScanDependencies, type ScanVerdict, scanProcesses } from "./scan.js";
