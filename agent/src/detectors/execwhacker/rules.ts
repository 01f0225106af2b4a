// Rules compiled once for both judges: the tables that go into the kernel, and the same verdict in user space for the scan.
import {
  ALL_SCOPES,
  type CommandLine,
  type Cut,
  compileAllow,
  compileTables,
  DEFAULT_MAX_ALLOW_BYTES,
  isInScope,
  isNarrow,
  type Judge,
  type Judgement,
  joinArguments,
  judgeLine,
  type Place,
  quotedPiece,
  type RefusedPattern,
  type Scopes,
  scopesIn,
  sparedBy,
  type Tables,
  type Which,
} from "@cryptnono/matcher";
import { openPatterns } from "./config/index.js";
import {
  type EnvironmentTables,
  environmentTables,
  environmentWallets,
  type NumberedRule,
  placeOfString,
  variableAt,
} from "./environment/index.js";
import { SELF_TEST_LIST } from "./self-test.js";
import type { AllowPattern, JudgeVerdict, Rule, Rules, RulesInForce } from "./types.js";
import { findWallets, walletTable } from "./wallets/index.js";

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
  /** No pattern spares a process whose line it would have to read further than this, in bytes behind the path. */
  readonly maxAllowBytes?: number;
}

/** The ways among a command's other options. */
export function waysOf({ unreadable, overLong, maxScanBytes, maxWork, wholeLines, maxAllowBytes }: Ways): Ways {
  const ways = { unreadable, overLong, maxScanBytes, maxWork, wholeLines, maxAllowBytes };
  return Object.fromEntries(Object.entries(ways).filter(([, value]) => value !== undefined));
}

export interface CompiledRules {
  readonly rules: RulesInForce;
  readonly tables: Tables;
  /** What the verdict is made of. */
  readonly list: Judge & CompiledList & { readonly demoted: Set<number> };
  /** Numbers this list in the events that come of it. */
  readonly generation: number;
  /** Some string counts in some places alone. */
  readonly isScoped: boolean;
  /** What is wrong with the candidate, which is therefore not compared; null: nothing, or there is none. */
  readonly refusedCandidate: string | null;
  /**
   * The verdict on a command line.
   *
   * @param line - What is searched.
   * @param seen - See `judgeLine`. When left out, patterns see the path, then the arguments behind `argv[0]`.
   */
  judge(line: CommandLine, seen?: Seen): JudgeVerdict;
  /**
   * The verdict on an environment, or a piece of one: variables, with a NUL between two. null: nothing is looked for there.
   *
   * @param seen - As for `judge`; patterns see the command line.
   */
  readonly judgeEnvironment: ((text: Uint8Array, seen: Seen) => JudgeVerdict) | null;
  /**
   * The same by the lists as they would be with the candidate: its own strings are audited ones here. null without a candidate.
   */
  readonly judgeCandidate: ((line: CommandLine, seen?: Seen) => JudgeVerdict) | null;
}

/** How the line is to be taken. */
export interface Seen {
  readonly names: readonly (readonly Uint8Array[])[];
  readonly cut?: Cut;
  /** Those that hold where the process is; all when left out. */
  readonly scopes?: Scopes;
}

/** Allow patterns that the kernel cannot walk. They are named by list and index, with what they cost. */
export class PatternsRefused extends Error {
  override readonly name = "PatternsRefused";
  readonly hint: string;

  constructor(allow: readonly AllowPattern[], refused: readonly RefusedPattern[]) {
    const lines = refused.slice(0, MAX_SHOWN).map(({ pattern, expected, got }) => {
      const { list, index } = allow[pattern]!;
      return `compile ${list}: allowedCommandPatterns[${index}]: expected ${expected}, got ${got}`;
    });
    if (refused.length > MAX_SHOWN) lines.push(`and ${refused.length - MAX_SHOWN} more`);
    super(lines.join("\n"));
    this.hint = refused[0]!.hint;
  }
}

const MAX_SHOWN = 20;

/** A list's tables and what user space needs beside them. Plain data: it can be sent from one thread to another. */
export interface CompiledList extends Omit<Judge, "strings"> {
  readonly generation: number;
  readonly isScoped: boolean;
  /** `struct wallet_table` */
  readonly wallets: Uint8Array;
  readonly environment: EnvironmentTables | null;
  /** Allow patterns that an operator should know of, see `openPatterns`. */
  readonly open: readonly AllowPattern[];
  /** As in {@link CompiledRules}. */
  readonly refusedCandidate?: string;
}

/** @throws CompileError, PatternError, PatternsRefused */
export function compileRules(rules: Rules, generation: number, ways: Ways = {}): CompiledRules {
  return judgeBy(rules, compileList(rules, generation, ways));
}

/**
 * @param before - A list whose compiled patterns are taken when its patterns are the same.
 * @throws CompileError, PatternError, PatternsRefused
 */
export function compileList(
  rules: Rules,
  generation: number,
  ways: Ways,
  before: CompiledRules | null = null,
): CompiledList {
  const allow =
    before !== null && hasSamePatterns(before.rules, rules)
      ? before.list.allow
      : compileAllow(
          rules.allow.map(({ source }) => source),
          rules.allowSets,
        );
  if (allow.refused.length > 0) throw new PatternsRefused(rules.allow, allow.refused);
  const { unreadable = "kill", overLong = "kill", maxScanBytes = 0, maxWork, wholeLines } = ways;
  const { maxAllowBytes = DEFAULT_MAX_ALLOW_BYTES } = ways;
  const options = {
    unreadable,
    overLong,
    maxScanBytes,
    maxAllowBytes,
    allow,
    generation,
    enforce: { containers: mayKill(rules, "containers"), host: mayKill(rules, "host") },
    ...(maxWork === undefined ? {} : { maxWork }),
    ...(wholeLines === undefined ? {} : { tellKills: wholeLines, tellSpares: Math.ceil(wholeLines / 4) }),
  };
  const quoted = rules.strings.flatMap((string, index) => (quotedPiece(string) === null ? [] : [index]));
  const { wallets = [], narrow } = rules;
  const withNarrow = narrow === undefined ? options : { ...options, narrowKill: narrowKill(rules) };
  const tables = compileTables(rules.strings, withNarrow);
  const isScoped = [...rules.strings, ...wallets].some(({ scope }) => scope !== undefined);
  const table = walletTable(wallets, rules.strings.length);
  return {
    ...{ tables, allow, maxAllowBytes, quoted, generation, isScoped },
    wallets: table,
    environment: environmentTables(rules.strings, wallets, options),
    open: openPatterns(rules).filter(({ only }) => only === undefined),
  };
}

function mayKill({ strings, wallets = [] }: Rules, place: Place): boolean {
  const scopes = scopesIn(place);
  return [...strings, ...wallets].some(
    ({ action, list, scope }) => action === "enforce" && list !== SELF_TEST_LIST && isInScope(scope, scopes),
  );
}

/** A bit for each narrow scope that something may kill in. */
function narrowKill({ strings, wallets = [] }: Rules): number {
  const kills = [...strings, ...wallets].filter(({ action, scope }) => action === "enforce" && isNarrow(scope));
  return kills.reduce((bits, { scope }) => bits | (1 << scope!), 0);
}

/** Whether the patterns, and whose strings they spare, are the same. */
export function hasSamePatterns(a: RulesInForce, b: RulesInForce): boolean {
  const patterns = ({ allow, allowSets }: RulesInForce) =>
    JSON.stringify([allow.map(({ source }) => source), allowSets]);
  return patterns(a) === patterns(b);
}

/** @param compiled - What {@link compileList} made of `rules`. */
export function judgeBy(rules: RulesInForce, compiled: CompiledList): CompiledRules {
  const list = { ...compiled, strings: rules.strings, demoted: new Set<number>() };
  const judge = (which: Which) => (line: CommandLine, seen?: Seen) => judgeAs(which, rules, list, line, seen);
  return {
    rules,
    tables: compiled.tables,
    list,
    generation: compiled.generation,
    isScoped: compiled.isScoped,
    refusedCandidate: compiled.refusedCandidate ?? null,
    judge: judge("in-force"),
    judgeCandidate: rules.candidate === undefined ? null : judge("candidate"),
    judgeEnvironment: environmentJudge(rules, list),
  };
}

function seenOf(names: Seen["names"], cut: Cut | undefined, scopes: Scopes = ALL_SCOPES): Seen {
  return { names, ...(cut === undefined ? {} : { cut }), scopes };
}

function verdictOf(rules: RulesInForce, judged: Judgement): JudgeVerdict {
  if (judged.kind === "none") return judged;
  const rule = rules.strings.at(judged.index)!;
  if (judged.kind === "banned")
    return { kind: "banned", rule: judged.action === rule.action ? rule : { ...rule, action: judged.action } };
  if (judged.kind === "is-substring") return { kind: "spared", rule, allowedBy: "is-substring" };
  if (judged.kind === "out-of-scope") return { kind: "spared", rule, allowedBy: "out-of-scope" };
  return { kind: "spared", rule, allowedBy: { pattern: rules.allow[judged.pattern]! } };
}

function judgeAs(
  which: Which,
  rules: RulesInForce,
  list: CompiledRules["list"],
  line: CommandLine,
  { names, cut, scopes }: Seen = { names: [[line.path, ...line.args.slice(1)]] },
): JudgeVerdict {
  const judged = verdictOf(rules, judgeLine(list, line, names, cut, scopes, which));
  const wallets = (rules.wallets ?? []).map((rule, i) => ({ rule, number: rules.strings.length + i, asked: rule }));
  const wallet = judgeWallets(rules, list, joinArguments(line.args), wallets, seenOf(names, cut, scopes)).verdict;
  return weightOf(wallet) > weightOf(judged) ? wallet : judged;
}

// ---- the environment ----

const NO_PATH = new Uint8Array(0);

function environmentJudge(rules: RulesInForce, list: CompiledRules["list"]): CompiledRules["judgeEnvironment"] {
  const { environment } = list;
  if (environment === null) return null;
  const inEnvironment: Judge = { ...list, tables: { ...list.tables, ...environment }, quoted: [] };
  const wallets = environmentWallets(rules);
  return (text, { names, cut, scopes }) => {
    const judged = verdictOf(rules, judgeLine(inEnvironment, { path: NO_PATH, args: [text] }, names, cut, scopes));
    const wallet = judgeWallets(rules, list, text, wallets, seenOf(names, cut, scopes));
    const isWallet = weightOf(wallet.verdict) > weightOf(judged);
    const verdict = isWallet ? wallet.verdict : judged;
    if (verdict.kind === "none") return verdict;
    const offset = isWallet ? wallet.offset : placeOfString(text, verdict.rule);
    const variable = variableAt(text, offset, cut?.start);
    return { ...verdict, environment: variable === null ? {} : { variable } };
  };
}

// ---- wallets ----

const WEIGHT = { audit: 2, enforce: 3 } as const;

/** A verdict that weighs more comes before others. */
export function weightOf(verdict: JudgeVerdict): number {
  if (verdict.kind === "banned") return WEIGHT[verdict.rule.action];
  return verdict.kind === "none" ? 0 : 1;
}

/** The verdict on the addresses that stand in a text, and where the one stands that it is about. */
function judgeWallets(
  { allow }: RulesInForce,
  list: Judge & { readonly demoted: ReadonlySet<number> },
  text: Uint8Array,
  wallets: readonly NumberedRule[],
  { names, cut, scopes = ALL_SCOPES }: Seen,
): { readonly verdict: JudgeVerdict; readonly offset: number } {
  const counting = wallets.filter(({ rule }) => isInScope(rule.scope, scopes));
  let verdict: JudgeVerdict = { kind: "none" };
  let at = -1;
  if (counting.length === 0) return { verdict, offset: at };
  const ends = { start: cut?.start ?? false, end: cut?.end ?? false };
  for (const { rule: which, address, offset } of findWallets(
    text,
    counting.map(({ asked }) => asked),
    ends,
  )) {
    const { rule, number } = counting.find(({ asked }) => asked === which)!;
    const pattern = sparedBy(list, rule.allowSet, names);
    const found: Rule = { ...rule, value: address, ...(list.demoted.has(number) ? { action: "audit" } : {}) };
    const here: JudgeVerdict =
      pattern < 0
        ? { kind: "banned", rule: found }
        : { kind: "spared", rule: found, allowedBy: { pattern: allow[pattern]! } };
    if (weightOf(here) > weightOf(verdict)) [verdict, at] = [here, offset];
  }
  return { verdict, offset: at };
}

/** The rule that a record names by its number. */
export function ruleByNumber(
  { strings, wallets = [] }: Pick<RulesInForce, "strings" | "wallets">,
  number: number,
): Rule | null {
  return strings.at(number) ?? wallets[number - strings.length] ?? null;
}
