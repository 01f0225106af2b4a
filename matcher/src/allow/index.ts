// AllowPatterns has an entry of its own, `@cryptnono/matcher/allow-patterns`: RE2 is large and seldom needed.
export { type AllowLimits, type CompiledAllow, compileAllow, DEFAULT_ALLOW_LIMITS } from "./compile-allow.js";
export { parsePattern } from "./parse-pattern.js";
export { PatternError, type PatternProblem } from "./pattern-error.js";
export { type AllowTable, MAX_ALLOW_SETS } from "./table.js";
export { DEFAULT_MAX_ALLOW_BYTES, walkAllow, walkAllowArguments } from "./walk.js";
