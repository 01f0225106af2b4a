// The verdict on a running process: its line searched, and under all the names that it truly has.
import type { CommandLine, Cut, Indexed, Scopes } from "@cryptnono/matcher";
import type { ProcFiles } from "../../../proc/index.js";
import type { NarrowScope } from "../narrow/scope.js";
import type { AllowPattern, JudgeVerdict, Rule } from "../types.js";
import { splitArguments } from "./arguments.js";
import type { SparedAtExec } from "./exec-memory.js";
import { type ReadLine, searchInPieces, type Window } from "./line.js";
import { type Claim, claimsOf, isTrue, linesUnder, type NamedLine } from "./names.js";

/** The list in force, as far as a look needs it. */
export interface ListInForce {
  readonly generation: number;
  readonly rules: {
    readonly strings: Indexed<Rule>;
    readonly wallets?: readonly Rule[];
    readonly allow: readonly AllowPattern[];
    readonly narrow?: readonly NarrowScope[];
  };
  /** Some string counts in some places alone. */
  readonly isScoped: boolean;
  /**
   * @param seen - `names`: the line as patterns see it, once for each name; `cut`: at which ends it goes on; `scopes`: those that
   *   hold where the process is.
   */
  judge(
    line: CommandLine,
    seen: { readonly names: readonly NamedLine[]; readonly cut?: Cut; readonly scopes?: Scopes },
  ): JudgeVerdict;
  /** The same of an environment, or a piece of it; nothing said or null: nothing is looked for there. */
  readonly judgeEnvironment?:
    | ((
        text: Uint8Array,
        seen: { readonly names: readonly NamedLine[]; readonly cut?: Cut; readonly scopes?: Scopes },
      ) => JudgeVerdict)
    | null;
  /** The same by the candidate; nothing without one. */
  readonly judgeCandidate?: ListInForce["judge"] | null;
}

/** What is to be judged. */
export interface Subject {
  /** A thread of it that still has memory and executable. */
  readonly task: number;
  readonly line: ReadLine;
  /** null: it is not searched. */
  readonly environment: ReadLine | null;
  /** What /proc/PID/exe names; null when it names nothing. */
  readonly exe: Uint8Array | null;
  /** Strings are looked for in the executable's path too. */
  readonly isPathSearched: boolean;
  readonly spared: SparedAtExec | null;
  /** Those that hold where it is. */
  readonly scopes: Scopes;
  readonly list: ListInForce;
}

export interface Found {
  readonly verdict: JudgeVerdict;
  /** Where it was found. */
  readonly window: Window | null;
  /** As it was searched. */
  readonly line: ReadLine;
  /** The path that the log shows, and the interpreter when it is a script's. */
  readonly path: Uint8Array;
  readonly interpreter?: Uint8Array;
  /** It is banned unless it has a name that cannot be looked up. */
  readonly isUnverified: boolean;
}

/** What was done, for a share of the scan to be charged with. */
export interface Spending {
  searched(bytes: number): void;
  lookedUp(): void;
}

const NOWHERE = new Uint8Array(0);
const NUL = 0;
const WEIGHT = { none: 0, spared: 1, audit: 2, enforce: 3 } as const;

/** @throws StuckError and the errors of /proc. */
export async function verdictOn(subject: Subject, proc: ProcFiles, spend: Spending): Promise<Found> {
  const { task, exe, line, spared } = subject;
  const args = splitArguments(line.head, line.isCut);
  const truth = exe ?? args[0] ?? NOWHERE;
  const given = spared?.path ?? null;
  const names: NamedLine[] = [...(given === null ? [] : linesUnder(given, args)), [truth, ...args.slice(1)]];
  const shown = { path: given ?? truth, isUnverified: false };
  // What the process claims is first taken for true: only if that would spare it, it is worth looking up.
  const claims = given === null ? claimsOf(exe, args) : [];
  const claimed = await search(subject, [...names, ...linesOf(claims)], proc, spend);
  if (claims.length === 0 || !isSparedByPattern(claimed.verdict)) return { ...claimed, ...shown };
  const strict = await search(subject, names, proc, spend);
  if (strict.verdict.kind !== "banned") return { ...strict, ...shown };
  const unknown: Claim[] = [];
  for (const claim of claims) {
    spend.lookedUp();
    const answer = await isTrue(task, claim, proc);
    if (answer === null) unknown.push(claim);
    if (answer !== true) continue;
    names.push(claim.line);
    const verified = await search(subject, names, proc, spend);
    if (verified.verdict.kind !== "banned") return { ...verified, ...shown, ...asClaimed(claim) };
  }
  if (unknown.length === 0) return { ...strict, ...shown };
  const { verdict } = await search(subject, [...names, ...linesOf(unknown)], proc, spend);
  return { ...strict, ...shown, isUnverified: verdict.kind !== "banned" };
}

/** The heaviest verdict on any piece of the line. */
async function search(
  { task, line, environment, exe, isPathSearched, list, scopes }: Subject,
  names: readonly NamedLine[],
  proc: ProcFiles,
  spend: Spending,
): Promise<Pick<Found, "verdict" | "window" | "line">> {
  let verdict: JudgeVerdict = { kind: "none" };
  let found: Window | null = null;
  const members = new Set<number>();
  const searched = await searchInPieces(task, line, proc, (window) => {
    spend.searched(window.text.length);
    const path = isPathSearched && !window.cut.start ? (exe ?? NOWHERE) : NOWHERE;
    const cut = { ...window.cut, members };
    const here = list.judge({ path, args: argv0AndRest(window) }, { names, cut, scopes });
    if (weight(here) > weight(verdict)) [verdict, found] = [here, window];
    return weight(verdict) < WEIGHT.enforce;
  });
  if (environment === null || !list.judgeEnvironment || weight(verdict) === WEIGHT.enforce)
    return { verdict, window: found, line: searched };
  const judge = list.judgeEnvironment;
  const ofVariables = new Set<number>();
  await searchInPieces(
    task,
    environment,
    proc,
    ({ text, cut }) => {
      spend.searched(text.length);
      const here = judge(text, { names, cut: { ...cut, members: ofVariables }, scopes });
      if (weight(here) > weight(verdict)) [verdict, found] = [here, null];
      return weight(verdict) < WEIGHT.enforce;
    },
    "environment",
  );
  return { verdict, window: found, line: searched };
}

/** The rest may stay in one piece: arguments are joined by NUL for the search. */
function argv0AndRest({ text, cut }: Window): readonly Uint8Array[] {
  const end = cut.start ? -1 : text.indexOf(NUL);
  return end < 0 ? [text] : [text.subarray(0, end), text.subarray(end + 1)];
}

function linesOf(claims: readonly Claim[]): NamedLine[] {
  return claims.map(({ line }) => line);
}

function asClaimed({ line, interpreter }: Claim): Pick<Found, "path" | "interpreter"> {
  return { path: line[0]!, ...(interpreter === undefined ? {} : { interpreter }) };
}

function isSparedByPattern(verdict: JudgeVerdict): boolean {
  return verdict.kind === "spared" && typeof verdict.allowedBy === "object";
}

function weight(verdict: JudgeVerdict): number {
  return verdict.kind === "banned" ? WEIGHT[verdict.rule.action] : WEIGHT[verdict.kind];
}
