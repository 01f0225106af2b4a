export { type Lists, type LoadOptions, loadConfig, loadLists, loadListsInTurns } from "./load.js";
export { mergeRules } from "./merge.js";
export { openPatterns } from "./open-patterns.js";
export { type PackedRules, packRules, unpackRules } from "./packed-rules.js";
export {
  type ActionMode,
  type ConfigFile,
  type ConfigString,
  type ParseOptions,
  type PatternFault,
  parseConfigFile,
} from "./parse.js";
export { unite } from "./unite.js";
