export { type LoadOptions, loadConfig } from "./load.js";
export { mergeRules } from "./merge.js";
export { openPatterns } from "./open-patterns.js";
export {
  type ActionMode,
  type ConfigFile,
  type ConfigString,
  type ParseOptions,
  type PatternFault,
  parseConfigFile,
} from "./parse.js";
