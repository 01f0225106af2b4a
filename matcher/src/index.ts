export { FOLD, fold, WORD } from "./fold.js";
export { counts, search } from "./oracle.js";
export type { BannedString, CommandLine, Match, MatchMode } from "./types.js";
export { MAX_STRING_BYTES } from "./types.js";
