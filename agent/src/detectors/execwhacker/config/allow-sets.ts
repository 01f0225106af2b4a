// Which strings each allow pattern spares: those of its own file, unless it says otherwise.
import { MAX_ALLOW_SETS } from "@cryptnono/matcher";
import { type ConfigProblem, nearest } from "../../../config/index.js";
import type { ConfigFile, ConfigPattern } from "./parse.js";

export interface AllowSets {
  /** By file: the allow set of its strings; 0 where no pattern spares them. */
  readonly ofFile: readonly number[];
  /** Set 1 and on: the patterns that spare its strings, ascending. */
  readonly sets: readonly (readonly number[])[];
}

/** A pattern that is in force, with the file that it stands in. */
export interface PlacedPattern {
  readonly pattern: ConfigPattern;
  readonly file: number;
}

/**
 * Strings that the same patterns spare are one set.
 *
 * @param names - Of the files' lists.
 * @param acrossLists - A pattern that says nothing spares the strings of all files.
 */
export function allowSetsOf(
  files: readonly ConfigFile[],
  names: readonly string[],
  patterns: readonly PlacedPattern[],
  acrossLists: boolean,
): AllowSets {
  const sets: number[][] = [];
  const numbers = new Map<string, number>([["", 0]]);
  const ofFile = names.map((name, file) => {
    if (hasNoRules(files[file]!)) return 0;
    const covering = [...patterns.keys()].filter((i) => spares(patterns[i]!, file, name));
    const key = covering.join();
    const known = numbers.get(key);
    if (known !== undefined) return known;
    numbers.set(key, sets.push(covering));
    return sets.length;
  });
  return { ofFile, sets };

  function spares({ pattern, file: own }: PlacedPattern, file: number, name: string): boolean {
    // Patterns in a file without strings are meant for the strings of others.
    if (pattern.for === undefined) return acrossLists || file === own || hasNoRules(files[own]!);
    return pattern.for === "all" || pattern.for.some((list) => list.name === name);
  }
}

function hasNoRules({ strings, wallets = [] }: ConfigFile): boolean {
  return strings.length === 0 && wallets.length === 0;
}

/** What is wrong with the lists that patterns name, and with how many sets they make. */
export function allowProblems(
  files: readonly ConfigFile[],
  names: readonly string[],
  { sets }: AllowSets,
): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  for (const { file, patterns } of files) {
    for (const { name, place } of patterns.flatMap((pattern) => (Array.isArray(pattern.for) ? pattern.for : []))) {
      if (names.includes(name)) continue;
      const near = nearest(name, names);
      const hint = near === null ? `there are ${names.join(", ")}` : `did you mean "${near}"?`;
      problems.push({ file, place, expected: "the name of a list", got: "another word", hint });
    }
  }
  if (sets.length >= MAX_ALLOW_SETS) {
    problems.push({
      file: "",
      place: "allowedCommandPatterns",
      expected: `at most ${MAX_ALLOW_SETS - 1} different sets of patterns, over all lists`,
      got: `${sets.length}`,
      hint: 'write lists that have the same patterns in one file, or a pattern for several lists once with "for"',
    });
  }
  return problems;
}
