// `cryptnono explain`: the verdict on a command line and all that led to it, by the rules, without a kernel. The line comes by
// standard input: on a command line of its own it would be judged itself.
import { Buffer } from "node:buffer";
import { type Account, accountsOf, membersOf, type Occurrence, type Place, quoteLine } from "@cryptnono/matcher";
import { openProc } from "../../../proc/index.js";
import { bootClock, createFormatter } from "../../../report/index.js";
import type { ProcessFacts } from "../../../types.js";
import { variableAt } from "../environment/index.js";
import { placeOfRule as place, reportLine, scopeText } from "../tell/index.js";
import type { AllowedBy, JudgeVerdict, Outcome, Report, Rules } from "../types.js";
import { compileAccountable } from "./accountable.js";
import { loadBoth } from "./both-lists.js";
import { NO_POD, type PodOptions, podOf, scopesAt } from "./pod.js";
import { readEnvironmentFile } from "./read-environment.js";
import { type AskedLine, type Logged, readProcess, readTyped } from "./read-line.js";

export interface ExplainOptions extends PodOptions {
  readonly config: readonly string[];
  /** Files of candidates. */
  readonly candidate?: readonly string[];
  readonly mode: "enforce" | "audit";
  /** A pattern that does not say whose strings it spares spares those of all files. */
  readonly allowAcrossLists?: boolean;
  /** Where the line runs, if it does not say so itself. */
  readonly place?: Place;
  /** The process to judge; 0: what standard input has. */
  readonly pid: number;
  /** A file of the variables that the line runs with; of a process its own when left out. */
  readonly env?: string;
  readonly json: boolean;
}

/** What `--json` prints. */
export interface Explanation {
  readonly verdict: "passes" | "killed" | "would-kill" | "spared";
  /** As the log and the allow patterns have it. */
  readonly cmdline: string;
  readonly strings: readonly ExplainedString[];
  readonly patterns: readonly ExplainedPattern[];
  /** The log line, as far as the command line decides it; null: there would be none. */
  readonly log: Readonly<Record<string, unknown>> | null;
  readonly logged?: Logged;
  /** What it would be by the lists as they would be with the candidate, and the difference that the log would tell. */
  readonly candidate?: {
    readonly verdict: Explanation["verdict"];
    readonly difference: "none" | "would-kill" | "would-live";
    readonly rule?: string;
  };
  readonly notes: readonly string[];
}

export interface ExplainedString {
  /** `list[index]` */
  readonly rule: string;
  readonly mode: string;
  readonly action: "enforce" | "audit";
  readonly scope?: string;
  readonly note?: string;
  /** It is looked for in the environment too, and these are the places there. */
  readonly in?: "environment";
  readonly outcome: "kills" | "would-kill" | "spared" | "out-of-scope" | "does-not-count" | "incomplete";
  /** Of a rule of several strings: how many there are, and those that do not stand in the line, from 0. */
  readonly members?: number;
  readonly missing?: readonly number[];
  /** The pattern's place. */
  readonly sparedBy?: string;
  readonly occurrences: readonly (Occurrence | InVariable)[];
}

/** A place in the environment. */
export interface InVariable extends Pick<Occurrence, "member" | "counts" | "beside"> {
  readonly text: "environment";
  /** Its name, if it looks like one. */
  readonly variable?: string;
  /** Where in it, nobody is told. */
  readonly offset?: never;
  readonly argument?: never;
}

export interface ExplainedPattern {
  readonly rule: string;
  readonly pattern: string;
  readonly matches: boolean;
  /** Bytes of the quoted line that it went along with, of how many, and the last of them; absent: too large to be followed. */
  readonly went?: {
    readonly bytes: number;
    readonly of: number;
    readonly to: string;
    readonly end: "matches" | "leaves" | "wants-more";
  };
}

/** @returns the exit status: 0 for a process that would live, 3 for one that would die. */
export async function explain(
  options: ExplainOptions,
  input: AsyncIterable<Uint8Array> = process.stdin,
): Promise<number> {
  const { inForce: rules, candidate } = loadBoth(options);
  const asked = await readAsked(options, hasEnvironment(rules), input);
  const pod = podOf(asked.pod, options);
  const where = { ...optionalPlace(options), ...asked, ...(pod === undefined ? {} : { pod }) };
  const explained = await explanationOf(rules, where);
  const { explanation, sentence } = candidate === null ? explained : withCandidate(explained, candidate, where);
  process.stdout.write(
    options.json ? `${JSON.stringify(explanation, null, 2)}\n` : `${render(explanation, sentence)}\n`,
  );
  for (const note of explanation.notes) process.stderr.write(`cryptnono: ${note}\n`);
  return explanation.verdict === "killed" ? 3 : 0;
}

/** What the candidate would do, beside what is done. */
function withCandidate(
  { explanation, sentence }: Awaited<ReturnType<typeof explanationOf>>,
  candidate: Rules,
  asked: AskedLine,
): Awaited<ReturnType<typeof explanationOf>> {
  const { judge } = compileAccountable(candidate);
  const verdict = judge(asked, scopesAt(candidate, asked.place ?? "containers", asked.pod));
  const finds = (word: Explanation["verdict"]) => word === "killed" || word === "would-kill";
  const byCandidate = wordOf(verdict);
  const difference =
    finds(byCandidate) === finds(explanation.verdict) ? "none" : finds(byCandidate) ? "would-kill" : "would-live";
  const rule = verdict.kind === "none" ? {} : { rule: place(verdict.rule) };
  return {
    explanation: { ...explanation, candidate: { verdict: byCandidate, difference, ...rule } },
    sentence: `${sentence}\nby the candidate it ${sentenceOf(verdict)}`,
  };
}

async function readAsked(
  { pid, env }: ExplainOptions,
  withEnvironment: boolean,
  input: AsyncIterable<Uint8Array>,
): Promise<AskedLine> {
  const asked =
    pid === 0
      ? readTyped(await readAll(input))
      : await readProcess(pid, openProc(), withEnvironment && env === undefined);
  return env === undefined ? asked : { ...asked, environment: readEnvironmentFile(env) };
}

function hasEnvironment({ strings, wallets = [] }: Rules): boolean {
  return [...strings, ...wallets].some(({ environment }) => environment === true);
}

function optionalPlace({ place: where }: ExplainOptions): Pick<AskedLine, "place"> {
  return where === undefined ? {} : { place: where };
}

async function readAll(input: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of input) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The sentence is for people. */
export async function explanationOf(
  rules: Rules,
  asked: AskedLine,
): Promise<{ readonly explanation: Explanation; readonly sentence: string }> {
  const { judge, list, inEnvironment } = compileAccountable(rules);
  const { line, names, environment, place: where = "containers" } = asked;
  const scopes = scopesAt(rules, where, asked.pod);
  const verdict = judge(asked, scopes);
  const account = accountsOf(list)(line, names, scopes);
  const variables = inEnvironment(asked, scopes);
  const strings = [
    ...stringsOf(rules, account),
    ...stringsOf(rules, variables).map((string) => inVariables(string, environment)),
  ];
  const unknownPod = rules.narrow !== undefined && asked.pod === undefined && where === "containers";
  const given = unknownPod ? [...asked.notes, NO_POD] : asked.notes;
  const own = account.isPlain.includes(true) ? given : [...given, PATH_NOT_PLAIN];
  const notes = environment === undefined && hasEnvironment(rules) ? [...own, NO_ENVIRONMENT] : own;
  return {
    sentence: sentenceOf(verdict),
    explanation: {
      verdict: wordOf(verdict),
      cmdline: text(quoteLine(names[0]!)),
      strings,
      patterns: patternsOf(rules, { patterns: allPatterns(account.patterns, variables.patterns) }, names),
      log: logOf(verdict, asked, firstThatDecides(verdict, account, rules)),
      ...(asked.logged === undefined ? {} : { logged: asked.logged }),
      notes:
        strings.length === 0 && notes !== own
          ? [...asked.notes, NO_ENVIRONMENT]
          : strings.length === 0
            ? asked.notes
            : notes,
    },
  };
}

const NO_ENVIRONMENT = "rules look at the environment too, and that is not known here: give it by --env FILE";

function allPatterns(...all: readonly Account["patterns"][]): Account["patterns"] {
  const known = new Map(all.flat().map((account) => [account.pattern, account]));
  return [...known.values()].sort((a, b) => a.pattern - b.pattern);
}

/** As a variable, its name, and no more. */
function inVariables(string: ExplainedString, environment: Uint8Array = NOTHING): ExplainedString {
  const occurrences = string.occurrences.map((occurrence): InVariable => {
    const { member, counts, beside } = occurrence;
    const variable = variableAt(environment, occurrence.offset ?? -1);
    return {
      text: "environment",
      ...(variable === null ? {} : { variable }),
      ...(member === undefined ? {} : { member }),
      counts,
      ...(beside === undefined ? {} : { beside }),
    };
  });
  return { ...string, in: "environment", occurrences };
}

const PATH_NOT_PLAIN =
  "the path is not absolute and plain: no pattern sees such a line, but the kernel sees the path of the file that runs";

function stringsOf({ strings, allow }: Rules, account: Pick<Account, "strings">): ExplainedString[] {
  return account.strings.map(({ index, occurrences, counts, missing, isOutOfScope, sparedBy }) => {
    const rule = strings[index]!;
    const pattern = allow[sparedBy];
    const outcome = !counts
      ? missing === undefined
        ? "does-not-count"
        : "incomplete"
      : isOutOfScope
        ? "out-of-scope"
        : pattern !== undefined
          ? "spared"
          : rule.action === "audit"
            ? "would-kill"
            : "kills";
    return {
      rule: place(rule),
      mode: rule.mode,
      action: rule.action,
      ...(rule.scope === undefined ? {} : { scope: scopeText(rule)! }),
      ...(rule.note === undefined ? {} : { note: rule.note }),
      outcome,
      ...(missing === undefined ? {} : { members: membersOf(rule).length, missing }),
      ...(pattern === undefined ? {} : { sparedBy: place(pattern) }),
      occurrences,
    };
  });
}

function patternsOf(
  { allow }: Rules,
  { patterns }: Pick<Account, "patterns">,
  names: AskedLine["names"],
): ExplainedPattern[] {
  return patterns.map(({ pattern, matches, progress }) => {
    const { source } = allow[pattern]!;
    const shown = { rule: place(allow[pattern]!), pattern: source, matches };
    if (progress === null) return shown;
    const quoted = quoteLine(names[progress.name]!);
    const { bytes, end } = progress;
    return {
      ...shown,
      went: { bytes, of: quoted.length, to: text(quoted.subarray(Math.max(0, bytes - LAST_BYTES), bytes)), end },
    };
  });
}

/** As many of the bytes that a pattern went along with are shown. */
const LAST_BYTES = 40;

function wordOf(verdict: JudgeVerdict): Explanation["verdict"] {
  if (verdict.kind === "none") return "passes";
  if (verdict.kind === "spared") return "spared";
  return verdict.rule.action === "audit" ? "would-kill" : "killed";
}

function sentenceOf(verdict: JudgeVerdict): string {
  if (verdict.kind === "none") return "passes: no banned string stands in it";
  const { wallet, mode } = verdict.rule;
  const where =
    verdict.environment === undefined
      ? ""
      : `, in the environment${verdict.environment.variable === undefined ? "" : `'s ${verdict.environment.variable}`}`;
  const rule = `${place(verdict.rule)} (${wallet === undefined ? mode : `a wallet of ${wallet}, ${mode}`}${where})`;
  if (verdict.kind === "banned") {
    return verdict.rule.action === "audit" ? `would be logged as would-kill: ${rule}` : `would be killed: ${rule}`;
  }
  if (verdict.allowedBy === "out-of-scope") return `spared: ${rule} stands in it, and does not count in this place`;
  if (verdict.allowedBy === "is-substring") return `spared: ${rule} stands in it only as part of longer words`;
  return `spared: ${rule} stands in it, and allow pattern ${place(verdict.allowedBy.pattern)} matches`;
}

// ---- what would be logged ----

/** The kernel names one of several strings and places that decide: which, is its own business. */
function firstThatDecides(verdict: JudgeVerdict, { strings }: Account, rules: Rules): Occurrence | undefined {
  if (verdict.kind === "none" || verdict.environment !== undefined) return undefined;
  const all = strings.find(({ index }) => rules.strings[index] === verdict.rule)?.occurrences ?? [];
  const own = all.filter(({ member = 0 }) => member === 0);
  return own.find(({ counts }) => counts) ?? own[0];
}

/** Keys of the log line that a command line decides. */
const DECIDED: readonly string[] = [
  ...["cmdline", "cmdline_base64", "matched", "matched_base64", "action", "allowedby", "event", "level", "killed_by"],
  ...[
    "allowed_rule",
    "argv0",
    "matched_in",
    "variable",
    "wallet",
    "coin",
    "rule",
    "mode",
    "scope",
    "note",
    "match_offset",
    "match_offsets",
    "truncated",
  ],
];

function logOf(
  verdict: JudgeVerdict,
  { line, names }: AskedLine,
  occurrence: Occurrence | undefined,
): Explanation["log"] {
  if (verdict.kind === "none") return null;
  const [path = line.path, ...rest] = names[0] ?? [];
  const process: ProcessFacts = {
    ...{ pid: 0, ppid: 0, uid: 0, startTimeNs: 0n, path, comm: NOTHING, parentComm: NOTHING },
    args: [line.args[0] ?? path, ...rest],
    argsBytes: 0,
    cgroup: { source: "kernel", paths: [] },
  };
  const report: Report = {
    source: "execwhacker.bpf",
    process,
    rule: verdict.rule,
    outcome: outcomeOf(verdict),
    ...(verdict.environment === undefined ? {} : { environment: verdict.environment }),
    ...(occurrence === undefined || occurrence.text === "quoted" ? {} : { matchOffset: occurrence.offset }),
  };
  const [written] = createFormatter().lines(reportLine(report, bootClock()), { kind: "host" });
  const fields = JSON.parse(written!.text) as Readonly<Record<string, unknown>>;
  return Object.fromEntries(Object.entries(fields).filter(([key]) => DECIDED.includes(key)));
}

const NOTHING = new Uint8Array(0);

function outcomeOf(verdict: Exclude<JudgeVerdict, { kind: "none" }>): Outcome {
  if (verdict.kind === "spared") return { action: "spared", allowedBy: verdict.allowedBy satisfies AllowedBy };
  return verdict.rule.action === "audit" ? { action: "would-kill" } : { action: "killed", by: "kernel" };
}

// ---- for people ----

function render({ cmdline, strings, patterns, log, logged }: Explanation, sentence: string): string {
  const lines = [sentence];
  if (strings.length > 0) lines.push(`the line: ${printable(cmdline)}`);
  for (const { rule, mode, action, scope, outcome, members, missing, sparedBy, occurrences, in: where } of strings) {
    const what =
      sparedBy !== undefined
        ? `spared by pattern ${sparedBy}`
        : outcome === "incomplete"
          ? `does not count: of its ${members} strings ${missing!.map((member) => member + 1).join(" and ")} ${missing!.length === 1 ? "is" : "are"} missing`
          : OUTCOMES[outcome];
    lines.push(
      `string ${rule}${where === undefined ? "" : " in the environment"} (${[mode, action, ...(scope === undefined ? [] : [scope])].join(", ")}): ${what}`,
    );
    for (const occurrence of occurrences.slice(0, MAX_SHOWN)) lines.push(`  ${renderOccurrence(occurrence)}`);
    if (occurrences.length > MAX_SHOWN) lines.push(`  and ${occurrences.length - MAX_SHOWN} more`);
  }
  for (const { rule, matches, went } of patterns) lines.push(`pattern ${rule}: ${renderProgress(matches, went)}`);
  if (log !== null) lines.push(`the log: ${JSON.stringify(log)}`);
  if (logged !== undefined) {
    const by = logged.rule === undefined ? "" : ` ${logged.rule}`;
    lines.push(
      `the log said: ${logged.action}${by}${logged.allowedBy === undefined ? "" : `, ${printable(logged.allowedBy)}`}`,
    );
  }
  return lines.join("\n");
}

const MAX_SHOWN = 8;
const OUTCOMES = {
  kills: "kills",
  "would-kill": "would kill, is only logged",
  spared: "spared",
  "out-of-scope": "does not count in this place",
  "does-not-count": "does not count",
} as const;

function renderOccurrence(occurrence: Occurrence | InVariable): string {
  const { member, counts, beside } = occurrence;
  const which = member === undefined ? "" : `its ${ordinal(member)} `;
  const at = `${which}${occurrence.text === "environment" ? inVariable(occurrence) : inLine(occurrence)}`;
  if (counts) return `${at}: counts`;
  if (beside === undefined || beside === null) return `${at}: does not count, it is more than one argument`;
  const byte =
    beside.byte > 0x20 && beside.byte < 0x7f ? `«${String.fromCharCode(beside.byte)}»` : `byte ${beside.byte}`;
  return `${at}: does not count, ${byte} stands ${beside.side === "before" ? "before" : "behind"} it`;
}

function inVariable({ variable }: InVariable): string {
  return variable === undefined ? "in a variable" : `in the variable ${variable}`;
}

function inLine({ text: where, offset, argument }: Occurrence): string {
  if (argument === undefined) return `at byte ${offset} of the quoted line`;
  const first = where === "argv0" ? "argv[0]" : "the path";
  return `in ${argument.index === 0 ? first : `argument ${argument.index}`}, at byte ${argument.offset}`;
}

function ordinal(member: number): string {
  return ["first", "second", "third"][member] ?? `${member + 1}th`;
}

function renderProgress(matches: boolean, went: ExplainedPattern["went"]): string {
  if (went === undefined) return matches ? "matches" : "does not match";
  const { bytes, of, to, end } = went;
  const behind = `${bytes > LAST_BYTES ? "..." : ""}${printable(to)}`;
  if (matches) return `matches, by the first ${bytes} of ${of} bytes`;
  if (end === "matches") return `does not match: it would behind the bytes that --max-allow-bytes lets it read`;
  if (end === "leaves") return `does not match: it goes along for ${bytes} of ${of} bytes, to «${behind}»`;
  return `does not match: the line ends before it has met all that it wants`;
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}

/** A terminal must not obey what an argument holds. */
function printable(shown: string): string {
  return shown.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (char) => `\\u{${char.codePointAt(0)!.toString(16)}}`);
}
