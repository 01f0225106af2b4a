// Config files on disk to rules: the way in at start and at each reload.
import { ConfigError, type ConfigProblem, readWhole, unreadable } from "../../../config/index.js";
import type { Rules } from "../types.js";
import { type MergeOptions, mergeRules } from "./merge.js";
import { type CandidateRules, mergeCandidate } from "./merge-candidate.js";
import { type ActionMode, CandidateError, type ConfigFile, type ParseOptions, parseConfigFile } from "./parse.js";

export interface LoadOptions extends Omit<ParseOptions, "isCandidate">, Pick<MergeOptions, "allowAcrossLists"> {
  /** The command line's `--mode`; a file's own `mode` overrides it. */
  readonly defaultMode: ActionMode;
  /** Files of candidates, whatever is written in them. */
  readonly candidates?: readonly string[];
  /** Reads a whole file; throws errors with a `code`. */
  readonly readFile?: (file: string) => Uint8Array;
}

export interface Lists {
  readonly inForce: Rules;
  /** null: there is none, or it is refused. */
  readonly candidate: CandidateRules | null;
  /** What is wrong with the candidate: it takes nothing from the lists in force. */
  readonly refused: ConfigError | null;
}

/**
 * Read, check and merge `files`. All their lists may be empty: whoever guards says then that nothing is banned.
 *
 * @throws ConfigError with the problems of all files that are no candidates.
 */
export function loadLists(files: readonly string[], options: LoadOptions): Lists {
  const steps = loadSteps(files, options);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** The lists in force alone. @throws as {@link loadLists} */
export function loadConfig(files: readonly string[], options: LoadOptions): Rules {
  return loadLists(files, options).inForce;
}

/** As {@link loadLists}, with turns for others between the files, and before they are merged. */
export async function loadListsInTurns(files: readonly string[], options: LoadOptions): Promise<Lists> {
  const steps = loadSteps(files, options);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function* loadSteps(files: readonly string[], options: LoadOptions): Generator<undefined, Lists> {
  const { defaultMode, readFile = readWhole, candidates = [] } = options;
  const problems: ConfigProblem[] = [];
  const ofCandidates: ConfigProblem[] = [];
  const inForce: ConfigFile[] = [];
  const beside: ConfigFile[] = [];
  for (const [i, file] of [...files, ...candidates].entries()) {
    const isCandidate = i >= files.length;
    try {
      const parsed = parseConfigFile(file, readFile(file), { ...options, isCandidate });
      (parsed.candidate === undefined ? inForce : beside).push(parsed);
    } catch (error) {
      const found = error instanceof ConfigError ? error.problems : [unreadable(file, error)];
      const all = isCandidate || error instanceof CandidateError ? ofCandidates : problems;
      for (const problem of found) all.push(problem); // there may be more than arguments of one call
    }
    yield;
  }
  if (files.length === 0) {
    const hint = 'give --config FILE with {"bannedCommandStrings": ["..."]}';
    problems.push({ file: "", place: "", expected: "at least one file", got: "none", hint });
  }
  if (problems.length > 0) throw new ConfigError(problems);
  const rules = mergeRules(inForce, defaultMode, options);
  if (ofCandidates.length > 0) return { inForce: rules, candidate: null, refused: new ConfigError(ofCandidates) };
  if (beside.length === 0) return { inForce: rules, candidate: null, refused: null };
  const tooMany = tooManyStrings(beside);
  if (tooMany !== null) return { inForce: rules, candidate: null, refused: new ConfigError([tooMany]) };
  yield;
  try {
    return { inForce: rules, candidate: mergeCandidate(inForce, beside, defaultMode, options), refused: null };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { inForce: rules, candidate: null, refused: error };
  }
}

/** Above any list in use; what is compiled beside the lists in force must not be what stops the agent. */
const MAX_CANDIDATE_STRINGS = 200_000;

function tooManyStrings(candidates: readonly ConfigFile[]): ConfigProblem | null {
  const count = candidates.reduce((sum, { strings }) => sum + strings.length, 0);
  if (count <= MAX_CANDIDATE_STRINGS) return null;
  const { file } = candidates[0]!;
  const expected = `at most ${MAX_CANDIDATE_STRINGS} strings in all candidates`;
  return { file, place: "bannedCommandStrings", expected, got: `${count}`, hint: "try a part of them" };
}
