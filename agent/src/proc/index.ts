export { openProc, type ProcFiles, type ProcOptions, StuckError } from "./files.js";
export { placeOf } from "./place.js";
export { readStat } from "./read-stat.js";
export { hasEnded, isDead, nsToTicks, type ProcStat, parseStat, ticksToNs } from "./stat.js";
export { bootTimeNs } from "./uptime.js";
