export { ConfigError, type ConfigProblem } from "./config-error.js";
export { type LoadOptions, loadConfig, readWhole } from "./load.js";
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
export { type ConfigWatch, type WatchOptions, watchConfig } from "./watch.js";
