// The verdict on one command line, in user space: what bpf/execwhacker/execwhacker.bpf.c decides with the same tables.
import { type CompiledAllow, DEFAULT_MAX_ALLOW_BYTES, matchArguments } from "./allow/index.js";
import type { CompilableString, Tables } from "./compile.js";
import type { Action } from "./layout.js";
import { isPlainPath } from "./plain-path.js";
import { searchQuoted } from "./quoted.js";
import { ALL_SCOPES, isInScope, type Scopes } from "./scope.js";
import type { CommandLine, Indexed } from "./types.js";
import { type Cut, walkTables } from "./walk.js";

/** A list that is ready to judge by. */
export interface Judge {
  readonly strings: Indexed<CompilableString>;
  readonly tables: Tables;
  /** Those of `strings` that are looked for in the quoted line too. */
  readonly quoted: readonly number[];
  readonly allow: CompiledAllow;
  /** Strings that are audited, whatever their action is, by their numbers; nothing said: none. */
  readonly demoted?: ReadonlySet<number>;
  /** As in `CompileOptions`. */
  readonly maxAllowBytes?: number;
}

/** Of a list with a candidate beside it: whose verdict is asked for. */
export type Which = "in-force" | "candidate";

/**
 * What becomes of a command line. `index` is a string of the list, one of those that decided.
 * - `banned`: it stands there, and no pattern of its allow set matches.
 * - `spared`: for each allow set with a string that stands there, a pattern of the set matches; `pattern` is one.
 * - `out-of-scope`: strings stand there, and none of them counts where the process is. One that stands in the quoted line alone is
 *   not looked for where it does not count.
 * - `is-substring`: strings occur, as parts of longer words alone.
 */
export type Judgement =
  | { readonly kind: "none" }
  | { readonly kind: "banned"; readonly action: Action; readonly index: number }
  | { readonly kind: "spared"; readonly index: number; readonly pattern: number }
  | { readonly kind: "out-of-scope"; readonly index: number }
  | { readonly kind: "is-substring"; readonly index: number };

/**
 * @param line - What is searched.
 * @param names - The line as allow patterns see it, once for each name that the process truly has: the path, then the arguments
 *   that count. A path that is not plain says nothing of the file that runs, and no pattern sees such a line: give the file's
 *   own path instead where it is known.
 * @param cut - As for `walkTables`, and `scopes`.
 * @param which - By which of two lists. The action of a candidate's own string is `audit`: it says that the candidate finds it.
 */
export function judgeLine(
  list: Judge,
  line: CommandLine,
  names: Names,
  cut?: Cut,
  scopes: Scopes = ALL_SCOPES,
  which: Which = "in-force",
): Judgement {
  const other = which === "in-force" ? "candidate" : "in-force";
  const has = (index: number) => list.strings.at(index)!.only !== other;
  const found = walkTables(list.tables, line, cut, scopes, list.demoted, has);
  const plain = names.filter(([path]) => path !== undefined && isPlainPath(path));
  const quoted = findQuoted(list, names, plain).filter(
    (index) => has(index) && isInScope(list.strings.at(index)!.scope, scopes),
  );
  let spared: Judgement | undefined;
  for (const action of ["enforce", "audit"] as const) {
    const inQuoted = quoted
      .filter((index) => actionOf(list, index) === action)
      .map((index) => [list.strings.at(index)!.allowSet ?? 0, index] as const);
    for (const [allowSet, index] of [...found[action], ...inQuoted].sort(([a], [b]) => a - b)) {
      const pattern = sparedBy(list, allowSet, plain);
      if (pattern < 0) return { kind: "banned", action, index };
      spared ??= { kind: "spared", index, pattern };
    }
  }
  if (spared !== undefined) return spared;
  if (found.outOfScope >= 0) return { kind: "out-of-scope", index: found.outOfScope };
  return found.substring < 0 ? { kind: "none" } : { kind: "is-substring", index: found.substring };
}

function actionOf({ strings, demoted }: Judge, index: number): Action {
  return demoted?.has(index) === true ? "audit" : (strings.at(index)!.action ?? "enforce");
}

/** Under the first name, and under the others where that one does not say which file runs. */
function findQuoted(list: Judge, [first, ...others]: Names, plain: Names): number[] {
  if (list.quoted.length === 0 || first === undefined) return [];
  const seen = plain.includes(first) ? [first] : [first, ...others.filter((name) => plain.includes(name))];
  return [...new Set(seen.flatMap((name) => searchQuoted(list.strings, name, list.quoted)))];
}

type Names = readonly (readonly Uint8Array[])[];

/** The first pattern of a set that matches the line under a plain name; -1 for none. */
export function sparedBy(
  { allow, maxAllowBytes = DEFAULT_MAX_ALLOW_BYTES }: Judge,
  allowSet: number,
  names: Names,
): number {
  if (allowSet === 0) return -1;
  for (const line of names) {
    const pattern = matchArguments(allow, line, allowSet, maxAllowBytes);
    if (pattern >= 0) return pattern;
  }
  return -1;
}
