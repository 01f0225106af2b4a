// Config files on disk to rules: the way in at start and at each reload.
import { ConfigError, type ConfigProblem, readWhole, unreadable } from "../../../config/index.js";
import type { Rules } from "../types.js";
import { type MergeOptions, mergeRules } from "./merge.js";
import { type ActionMode, type ConfigFile, type ParseOptions, parseConfigFile } from "./parse.js";

export interface LoadOptions extends ParseOptions, MergeOptions {
  /** The command line's `--mode`; a file's own `mode` overrides it. */
  readonly defaultMode: ActionMode;
  /** Reads a whole file; throws errors with a `code`. */
  readonly readFile?: (file: string) => Uint8Array;
}

/**
 * Read, check and merge `files`. All their lists may be empty: whoever guards says then that nothing is banned.
 *
 * @throws ConfigError with the problems of all files.
 */
export function loadConfig(files: readonly string[], options: LoadOptions): Rules {
  const steps = loadSteps(files, options);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** The same, with turns for others between the files, and before they are merged. */
export async function loadConfigInTurns(files: readonly string[], options: LoadOptions): Promise<Rules> {
  const steps = loadSteps(files, options);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function* loadSteps(files: readonly string[], options: LoadOptions): Generator<undefined, Rules> {
  const { defaultMode, readFile = readWhole } = options;
  const problems: ConfigProblem[] = [];
  const parsed: ConfigFile[] = [];
  for (const file of files) {
    try {
      parsed.push(parseConfigFile(file, readFile(file), options));
    } catch (error) {
      const found = error instanceof ConfigError ? error.problems : [unreadable(file, error)];
      for (const problem of found) problems.push(problem); // there may be more than arguments of one call
    }
    yield;
  }
  if (files.length === 0) {
    const hint = 'give --config FILE with {"bannedCommandStrings": ["..."]}';
    problems.push({ file: "", place: "", expected: "at least one file", got: "none", hint });
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return mergeRules(parsed, defaultMode, options);
}
