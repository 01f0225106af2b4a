// The lists as they would be if the candidates were in force.
import { basename } from "node:path";
import { ConfigError, type ConfigProblem, nearest } from "../../../config/index.js";
import type { CandidateList, Rules } from "../types.js";
import { type ListName, listNames, type MergeOptions, mergeRules } from "./merge.js";
import type { ActionMode, ConfigFile } from "./parse.js";

/** What would decide if the candidates were in force: all files, with those that they replace left out. */
export interface CandidateRules {
  readonly rules: Rules;
  readonly lists: readonly CandidateList[];
}

/**
 * A candidate that replaces a list stands in its place, and goes by its name for patterns that name it.
 *
 * @throws ConfigError for a list that is not there, or that two candidates replace.
 */
export function mergeCandidate(
  inForce: readonly ConfigFile[],
  candidates: readonly ConfigFile[],
  defaultMode: ActionMode,
  options: MergeOptions,
): CandidateRules {
  const names = listNames(inForce.map(({ file }) => file));
  const lists = candidatesOf(candidates, names);
  const problems = candidates.flatMap((file, i) => replacesProblem(file, candidates.slice(0, i), names));
  if (problems.length > 0) throw new ConfigError(problems);
  const files: ConfigFile[] = [];
  const called: ListName[] = [];
  const add = (i: number, replaced: ConfigFile | undefined, name: string) => {
    const { mode: _, ...own } = candidates[i]!;
    const { mode, wallets } = replaced ?? {};
    // What is not compared stays as it is: what a find leads to, and wallets.
    files.push({ ...own, ...(mode === undefined ? {} : { mode }), ...(wallets === undefined ? {} : { wallets }) });
    called.push({ name, shown: lists[i]!.list });
  };
  for (const [at, name] of names.entries()) {
    const i = candidates.findIndex(({ candidate }) => candidate?.replaces === name);
    if (i >= 0) add(i, inForce[at], name);
    else {
      files.push(inForce[at]!);
      called.push({ name, shown: name });
    }
  }
  for (const [i, { candidate }] of candidates.entries())
    if (candidate?.replaces === undefined) add(i, undefined, lists[i]!.list);
  return { rules: mergeRules(files, defaultMode, { ...options, lists: called }), lists };
}

/** Their names, none of which is one of a list in force. */
function candidatesOf(candidates: readonly ConfigFile[], names: readonly string[]): CandidateList[] {
  const taken = new Set(names);
  return candidates.map(({ file, candidate }) => {
    let list = basename(file, ".json");
    while (taken.has(list)) list += ".candidate";
    taken.add(list);
    return { list, ...candidate };
  });
}

function replacesProblem(
  { file, candidate }: ConfigFile,
  before: readonly ConfigFile[],
  names: readonly string[],
): ConfigProblem[] {
  const replaces = candidate?.replaces;
  if (replaces === undefined) return [];
  if (!names.includes(replaces)) {
    const near = nearest(replaces, names);
    const hint = near === null ? `there are ${names.join(", ")}` : `did you mean "${near}"?`;
    return [{ file, place: "replaces", expected: "the name of a list in force", got: "another word", hint }];
  }
  const other = before.find((one) => one.candidate?.replaces === replaces);
  if (other === undefined) return [];
  return [
    { file, place: "replaces", expected: "one candidate for a list", got: `another, ${other.file}, for the same` },
  ];
}
