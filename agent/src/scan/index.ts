export { type Repeated, repeat } from "./repeat.js";
export { type ScanCounts, type ScanDependencies, scanProcesses } from "./scan.js";
