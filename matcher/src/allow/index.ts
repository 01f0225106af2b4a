export type { BitNfa, NfaBlock } from "./bit-nfa.js";
export {
  type AllowLimits,
  type CompiledAllow,
  compileAllow,
  compileTable,
  DEFAULT_ALLOW_LIMITS,
} from "./compile-allow.js";
export type { RefusedPattern } from "./compile-nfa.js";
export { layOutAllow } from "./lay-out-allow.js";
export { matchArguments, matchLine } from "./match.js";
export { isOpenEnded } from "./open-end.js";
export { parsePattern } from "./parse-pattern.js";
export { PatternError, type PatternProblem } from "./pattern-error.js";
export { followLine, type PatternWalk, type Progress, walkPattern } from "./pattern-walk.js";
export { type Reach, reachOf } from "./reach.js";
export { type AllowTable, MAX_ALLOW_SETS } from "./table.js";
export { DEFAULT_MAX_ALLOW_BYTES } from "./walk.js";
