export * from "./allow/index.js";
export { FOLD, fold, WORD } from "./fold.js";
export { counts, search } from "./oracle.js";
export { quoteArgument, quoteLine, SHELL_SAFE } from "./shell-quote.js";
export type { BannedString, CommandLine, Match, MatchMode } from "./types.js";
export { MAX_STRING_BYTES } from "./types.js";
