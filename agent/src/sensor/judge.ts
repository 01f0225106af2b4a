// Rules compiled once for both judges: the tables that go into the kernel, and the same verdict in user space for the scan.
import {
  type CommandLine,
  type CompilableString,
  compileAllow,
  compileTables,
  lowerCase,
  quotedPiece,
  quoteLine,
  searchQuoted,
  type Tables,
  walkAllowArguments,
  walkTables,
} from "@cryptnono/matcher";
import type { AllowPattern, JudgeVerdict, Rule, Rules } from "../types.js";
import { SELF_TEST_LIST } from "./self-test.js";

/** What is done with a process whose line cannot be searched whole. */
export type Way = "kill" | "let-go";

/** What is done with lines that the kernel cannot search whole, and how long those may be. */
export interface Ways {
  readonly unreadable?: Way;
  readonly overLong?: Way;
  /** Longest argument area that is searched, in bytes; 0: no limit. */
  readonly maxScanBytes?: number;
  /** Most work that the kernel's part does for one exec, in units of about a nanosecond. */
  readonly maxWork?: number;
  /** Kills of one string in one pod that are told one by one before most are only counted; spares a quarter of it. 0: all. */
  readonly wholeLines?: number;
}

export interface CompiledRules {
  readonly rules: Rules;
  readonly tables: Tables;
  /** Numbers this list in the events that come of it. */
  readonly generation: number;
  /**
   * The verdict on a command line.
   *
   * @param line - What is searched.
   * @param shown - The arguments that stand behind the path in the line that allow patterns see; `line`'s without `argv[0]`
   *   when left out. For a script they begin behind its own name.
   */
  judge(line: CommandLine, shown?: readonly Uint8Array[]): JudgeVerdict;
}

/** Rejects with CompileError or PatternError. */
export async function compileRules(rules: Rules, generation: number, ways: Ways = {}): Promise<CompiledRules> {
  const sources = rules.allow.map(({ source }) => source);
  const { table, deferred } = compileAllow(sources);
  const inUserSpace = deferred.length > 0 ? await re2Patterns(sources, deferred) : null;
  const { unreadable = "kill", overLong = "kill", maxScanBytes = 0, maxWork, wholeLines } = ways;
  const options = {
    unreadable,
    overLong,
    maxScanBytes,
    allow: table,
    generation,
    enforce: rules.strings.some(({ action, list }) => action === "enforce" && list !== SELF_TEST_LIST),
    ...(maxWork === undefined ? {} : { maxWork }),
    ...(wholeLines === undefined ? {} : { tellKills: wholeLines, tellSpares: Math.ceil(wholeLines / 4) }),
  };
  const tables = compileTables(rules.strings, options);
  const pieces = rules.strings.flatMap((rule) => quotedPieces(rule));
  // Apart from what the kernel gets, which cannot look further where a piece is found.
  const tablesWithPieces = pieces.length > 0 ? compileTables([...rules.strings, ...pieces], options) : tables;

  function allowedBy(args: readonly Uint8Array[]): AllowPattern | null {
    const inTable = table === null ? -1 : walkAllowArguments(table, args);
    const index = inTable >= 0 || inUserSpace === null ? inTable : inUserSpace.judge(lowerCase(quoteLine(args))).index;
    return index < 0 ? null : rules.allow[index]!;
  }

  return {
    rules,
    tables,
    generation,
    judge(line, shown = line.args.slice(1)) {
      const args = [line.path, ...shown];
      let found = walkTables(tablesWithPieces, line);
      if (found.kind === "defer") {
        const index = searchQuoted(rules.strings, args);
        found = index >= 0 ? { kind: rules.strings[index]!.action, index } : walkTables(tables, line);
      }
      if (found.kind === "none") return { kind: "none" };
      const rule = rules.strings[found.index]!;
      if (found.kind === "is-substring") return { kind: "spared", rule, allowedBy: "is-substring" };
      const pattern = allowedBy(args);
      return pattern === null ? { kind: "banned", rule } : { kind: "spared", rule, allowedBy: { pattern } };
    },
  };
}

/** A string with an apostrophe may stand in the quoted line alone: where its piece is found, that line is searched. */
function quotedPieces(rule: Rule): CompilableString[] {
  const piece = quotedPiece(rule);
  return piece === null ? [] : [{ value: piece, mode: "anywhere", action: "defer" }];
}

/** RE2 is loaded when a pattern needs it: it is a fifth of the agent's code. */
async function re2Patterns(sources: readonly string[], deferred: readonly number[]) {
  const { AllowPatterns } = await import("@cryptnono/matcher/allow-patterns");
  return new AllowPatterns(sources, deferred);
}
