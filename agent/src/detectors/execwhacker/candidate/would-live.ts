// Whether the candidate would let live what the lists in force have found: asked of what the kernel told of the process.
import { ALL_SCOPES, NARROW, SCOPE, type Scopes, scopesIn } from "@cryptnono/matcher";
import { contractLine } from "../../../report/index.js";
import type { ProcessFacts } from "../../../types.js";
import type { CompiledRules } from "../rules.js";
import type { Rule } from "../types.js";

export type Fate = "dies" | "lives" | "unknown";

/** As much of a path as the kernel tells beside the one that was given, without its NUL: EVENT_EXE_BYTES. */
const MOST_EXE_BYTES = 255;
/** The initial one's inode number (linux include/linux/proc_ns.h, PROC_PID_INIT_INO). */
const INITIAL_PID_NAMESPACE = 4_026_531_836;
const NOTHING = new Uint8Array(0);

/** @param rule - By which the lists in force have found it. */
export function fateByCandidate(
  rule: Rule,
  process: ProcessFacts,
  { judgeCandidate, isScoped, rules }: Pick<CompiledRules, "judgeCandidate" | "isScoped" | "rules">,
): Fate {
  // The same string, spared by the same patterns.
  if (judgeCandidate === null || rule.only !== "in-force") return "dies";
  if (!isWhole(process)) return "unknown";
  const { path, exe, interpreter, args } = process;
  const names = [contractLine(process), ...(exe === undefined ? [] : [[exe, ...args.slice(1)]])];
  // A script's path stands among its arguments.
  const paths = interpreter === undefined ? [path, ...(exe === undefined ? [] : [exe])] : [NOTHING];
  const fates = (isScoped ? placesOf(rule, process, rules.narrow?.length ?? 0) : [ALL_SCOPES]).map((scopes) =>
    paths.some((text) => judgeCandidate({ path: text, args }, { names, scopes }).kind === "banned"),
  );
  if (fates.every((isFound) => isFound)) return "dies";
  return fates.includes(true) ? "unknown" : "lives";
}

function isWhole({ args, argsBytes, exe }: ProcessFacts): boolean {
  const told = args.reduce((sum, { length }) => sum + length + 1, 0);
  return told >= argsBytes && (exe === undefined || exe.length < MOST_EXE_BYTES);
}

/**
 * Where it ran, as far as that is known: by the scope of what was found, or by its own pid namespace. Which narrow scopes held in its
 * container is not at hand: none or all of them.
 */
function placesOf({ scope }: Rule, { pidNamespace }: ProcessFacts, narrow: number): readonly Scopes[] {
  if (scope === SCOPE.host) return [scopesIn("host")];
  const isContained =
    (scope !== undefined && scope !== SCOPE.any) || (pidNamespace ?? INITIAL_PID_NAMESPACE) !== INITIAL_PID_NAMESPACE;
  const all = Array.from({ length: narrow }, (_, i) => NARROW.first + i);
  const contained = [scopesIn("containers"), ...(narrow === 0 ? [] : [scopesIn("containers", all)])];
  return isContained ? contained : [...contained, scopesIn("host")];
}
