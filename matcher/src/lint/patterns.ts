// What may be wrong with allow patterns, and what each costs the kernel.
import { compileAllow, followLine, isOpenEnded, type PatternWalk, reachOf, walkPattern } from "../allow/index.js";
import type { Finding } from "./finding.js";

export const PATTERN_CODES = [
  "never-matches",
  "spares-everything",
  "spares-nothing",
  "too-large",
  "open-ended",
  "open-ended-across",
  "any-folder",
  "any-script",
] as const;
type Code = (typeof PATTERN_CODES)[number];

/** A pattern with whose strings it spares. */
export interface LintedPattern {
  readonly source: string;
  /** None of the strings, or some that are of other lists than the pattern. */
  readonly spares: "nothing" | "own" | "others";
}

/** Alone: the states and bytes of its table; or, where that would be too large, what it is as bits. */
export interface PatternCost {
  readonly table: { readonly states: number; readonly bytes: number } | null;
  readonly bits: { readonly words: number; readonly edges: number } | null;
}

/** In the order of the patterns. @param patterns - All of them are right. */
export function lintPatterns(patterns: readonly LintedPattern[]): Finding[] {
  return patterns.flatMap((pattern, index) => [...problems(pattern)].map((problem) => ({ index, ...problem })));
}

type Problem = Omit<Finding, "index" | "code"> & { readonly code: Code };

function* problems({ source, spares }: LintedPattern): Generator<Problem> {
  const { refused } = compileAllow([source]);
  for (const { expected, got, hint } of refused)
    yield {
      level: "error",
      code: "too-large",
      problem: `the kernel has no room for it: expected ${expected}, got ${got}`,
      hint,
    };
  if (spares === "nothing")
    yield {
      level: "warning",
      code: "spares-nothing",
      problem: "no list has a string that it spares",
      hint: 'say whose strings by "for"',
    };
  const walk = walkPattern(source);
  if (walk === null) return;
  const { matching, sparesEverything } = reachOf(walk);
  if (matching === null) {
    const hint = /^\^?['"]?[\w.]/.test(source)
      ? "the line begins with the whole path: /usr/bin/python3, or .*/python3 for one in any folder"
      : 'the line is shell-quoted: an argument with a blank or one of ;&|<>$*()" has apostrophes around it, others have none';
    yield { level: "error", code: "never-matches", problem: "no command line is of this form", hint };
    return;
  }
  if (sparesEverything === true) {
    yield {
      level: "error",
      code: "spares-everything",
      problem: "every command line matches",
      hint: "write the path and the arguments that it is meant for",
    };
    return;
  }
  const example = matching === undefined ? {} : { example: new TextDecoder().decode(matching) };
  const isOpen = isOpenEnded(source);
  if (isOpen) {
    const hint = "write what may follow, and $ at its end";
    if (spares === "others") {
      const problem =
        "it has no end and spares strings of other lists: whoever knows a line that matches passes with any of those behind it";
      yield { level: "warning", code: "open-ended-across", problem, hint, ...example };
    } else {
      yield {
        level: "info",
        code: "open-ended",
        problem: "it has no end: anything may stand behind what it names",
        hint,
        ...example,
      };
    }
  }
  if (isAlive(walk, ANY_FOLDER)) {
    const problem = "it takes a program in any folder: whoever may write somewhere can have one of that name";
    yield {
      level: "warning",
      code: "any-folder",
      problem,
      hint: "write the folder, which others cannot write to",
      ...example,
    };
  }
  for (const line of ANY_SCRIPT) {
    if (followLine(walk, encode(line)).end !== "matches") continue;
    yield {
      level: "warning",
      code: "any-script",
      problem: "it spares whatever is given to an interpreter",
      hint: "write the script that is meant",
      example: line,
    };
    break;
  }
}

/** Names that no pattern means. */
const ANY_FOLDER = "/zq7xk4vw0/";
const ANY_SCRIPT = [
  ...["/bin/sh", "/usr/bin/sh", "/bin/bash", "/usr/bin/bash", "/usr/bin/dash"].map(
    (path) => `${path} -c 'zq7xk4vw0; a b'`,
  ),
  ...["/usr/bin/python3", "/opt/conda/bin/python3", "/usr/bin/perl", "/usr/bin/env"].flatMap((path) => [
    `${path} -c 'zq7xk4vw0; a b'`,
    `${path} /zq7xk4vw0/zq7xk4vw0`,
  ]),
];

function isAlive(walk: PatternWalk, beginning: string): boolean {
  return followLine(walk, encode(beginning)).end !== "leaves";
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** @returns nulls for a pattern that the kernel has no room for. */
export function patternCost(source: string): PatternCost {
  const { table, nfa } = compileAllow([source]);
  const block = nfa?.blocks[0];
  return {
    table: table && { states: table.stateCount, bytes: table.next.byteLength },
    bits: block === undefined ? null : { words: block.words, edges: block.edges.length },
  };
}
