export {
  type Account,
  type AccountableList,
  accountsOf,
  type Occurrence,
  type PatternAccount,
  type StringAccount,
} from "./account.js";
export * from "./allow/index.js";
export { joinArguments, lowerCase } from "./bytes.js";
export { type CompilableString, CompileError, type CompileOptions, compileTables, type Tables } from "./compile.js";
export { counts } from "./counts.js";
export { FOLD, fold, WORD } from "./fold.js";
export { type Judge, type Judgement, judgeLine, sparedBy, type Which } from "./judge.js";
export {
  ACTION,
  type Action,
  DFA_KIND,
  KIND_MEMBER,
  LAYOUT,
  MODE,
  NARROW,
  NFA_WORK,
  POLICY,
  SCOPE,
  WAY,
  type Way,
} from "./layout.js";
export * from "./lint/index.js";
export { Matcher } from "./matcher.js";
export { matchedText, memberStrings, membersOf } from "./members.js";
export { search, type Verdict, verdict } from "./oracle.js";
export { isPlainPath } from "./plain-path.js";
export { quotedPiece, searchQuoted } from "./quoted.js";
export { ALL_SCOPES, isInScope, isNarrow, NARROW_SCOPES, type Place, type Scopes, scopesIn } from "./scope.js";
export { quoteArgument, quoteLine, SHELL_SAFE } from "./shell-quote.js";
export { OpenQuoteError, type ShellAct, type ShellWords, shellSplit } from "./shell-split.js";
export type { BannedString, CommandLine, Indexed, Match, MatchMode } from "./types.js";
export { MAX_STRING_BYTES, MIN_MEMBER_BYTES } from "./types.js";
export { type Cut, type Finds, OVERLAP_BYTES, walkTables } from "./walk.js";
