export type { ExecMemory, SparedAtExec } from "./exec-memory.js";
export { type LookCounts, type LookDependencies, Looker } from "./look.js";
export { Rounds, type ScanCounts, scanProcesses } from "./scan.js";
export type { ListInForce } from "./verdict.js";
export { YoungSweep } from "./young.js";
