// The log lines of a process and of many: the contract's keys in their order, then ours.
import { getSystemErrorName } from "node:util";
import { fold, matchedText, SCOPE } from "@cryptnono/matcher";
import {
  addProcess,
  cgroupPath,
  type Fields,
  type Level,
  type LineKind,
  memberOffsets,
  type ProcessLine,
  type ShownCommandLine,
  showCommandLine,
  type TimeOf,
} from "../../../report/index.js";
import type { ProcessFacts } from "../../../types.js";
import { narrowText } from "../narrow/scope.js";
import type { AllowedBy, InEnvironment, Outcome, Report, Rule } from "../types.js";
import { type Summary, summaryLevel, summaryWords } from "./bound-summaries.js";

/** 8 KiB: twice the longest path, and under the 16 KiB at which container runtimes split a line. */
const MAX_CMDLINE_CHARS = 8192;

/** @param isBrief - Show an eighth of the command line, in an eighth of the time. */
export function reportLine(report: Report, timeOf: TimeOf, isBrief = false): ProcessLine {
  const { process, outcome, rule, group } = report;
  const { event, level, kind } = wordsOf(outcome);
  const cmdlineChars = isBrief ? MAX_CMDLINE_CHARS >> 3 : MAX_CMDLINE_CHARS;
  let shown: ShownCommandLine;
  return {
    kind,
    level,
    cgroup: outcome.action === "observed" ? null : process.cgroup,
    ...(group === undefined ? {} : { group }),
    pid: process.pid,
    source: report.source,
    ...(outcome.action === "killed" ? { killed: { ...idOf(process), countedAs: { source: report.source } } } : {}),
    fill(fields) {
      const inLine = report.environment === undefined ? rule : null;
      shown = showCommandLine(process, inLine, cmdlineChars >> fields.shrink, report.matchOffset);
      fields.set("pid", process.pid);
      fields.bytes("cmdline", shown.bytes);
      const matched = matchedOf(rule, report.matched);
      if (matched !== undefined) fields.bytes("matched", matched);
      fields.set("source", report.source);
    },
    verdict(fields) {
      fields.set("action", outcome.action);
      if (isOfCandidate(outcome) || outcome.action === "would-live") fields.value("candidate", true);
      if (outcome.action === "would-live" && outcome.isUnknown) fields.value("unknown", true);
      if (outcome.action === "spared") fields.set("allowedby", allowedBy(outcome.allowedBy));
      if (outcome.action === "observed") fields.set("duration", Number(outcome.durationNs) / 1e9);
      fields.set("event", event);
    },
    more(fields) {
      addOutcome(fields, outcome);
      if (report.because !== undefined) fields.set("because", report.because);
      addWho(fields, process, timeOf);
      if (report.environment !== undefined) addEnvironment(fields, report.environment);
      if (rule !== null) addRule(fields, rule);
    },
    last(fields) {
      if (report.latencyNs !== undefined) fields.set("latency_us", Number(report.latencyNs) / 1000);
      if (report.matchOffset !== undefined) fields.set("match_offset", report.matchOffset);
      if (rule?.also !== undefined && report.environment === undefined)
        fields.value("match_offsets", memberOffsets(process, rule));
      if (shown.truncated !== undefined) fields.truncated("cmdline", shown.truncated);
    },
  };
}

/** One line for many processes. */
export function summaryLine(summary: Summary, timeOf: TimeOf): ProcessLine {
  const { rule, allowedBy: by, cgroup, cgroupId, action, group } = summary;
  const matched = matchedOf(rule, summary.matched);
  const isCandidate = summary.isCandidate === true || action === "would-live";
  const level = summary.isCandidate === true ? OF_CANDIDATE.level : summaryLevel(action);
  return {
    kind: "summary",
    level,
    cgroup: cgroup ?? null,
    ...(group === undefined ? {} : { group }),
    pid: summary.lastPid ?? 0,
    source: summary.source,
    fill(fields) {
      if (matched !== undefined) fields.bytes("matched", matched);
      fields.set("source", summary.source);
    },
    verdict(fields) {
      fields.set("action", `${action}-summary`);
      if (isCandidate) fields.value("candidate", true);
      if (by !== undefined) fields.set("allowedby", allowedBy(by));
      fields.set("event", summaryWords(summary));
    },
    more(fields) {
      fields.set("count", summary.count);
      if (summary.kinds !== undefined) fields.set("kinds", summary.kinds);
      addAllowRule(fields, by);
      if (rule !== null) addRule(fields, rule);
      if (summary.firstNs !== undefined) fields.set("first", timeOf(summary.firstNs));
      if (summary.lastNs !== undefined) fields.set("last", timeOf(summary.lastNs));
      if (summary.lastPid !== undefined) fields.set("last_pid", summary.lastPid);
      if (summary.uid !== undefined) fields.set("uid", summary.uid);
      if (cgroup !== undefined) fields.text("cgroup", cgroupPath(cgroup));
      if (cgroupId !== undefined) fields.set("cgroup_id", cgroupId.toString());
    },
  };
}

const OUTCOMES: Readonly<Record<Outcome["action"], { event: string; level: Level; kind: LineKind }>> = {
  killed: { event: "Killed process", level: "info", kind: "kill" },
  "missed-kill": { event: "Process exited before we could kill it", level: "info", kind: "kill" },
  "kill-failed": { event: "Could not kill process", level: "error", kind: "kill" },
  "would-kill": { event: "Would kill process", level: "warning", kind: "would-kill" },
  "would-live": { event: "The candidate would let process live", level: "info", kind: "would-kill" },
  "let-go": { event: "Let process go without a verdict", level: "warning", kind: "let-go" },
  spared: { event: "Not killing process", level: "info", kind: "spare" },
  observed: { event: "New process", level: "debug", kind: "debug" },
};

/** A list that is tried is no warning. */
const OF_CANDIDATE = { event: "The candidate would kill process", level: "info", kind: "would-kill" } as const;

const UNKNOWN = {
  ...OF_CANDIDATE,
  event: "Whether the candidate would let process live is not known: its line is not whole",
};

function wordsOf(outcome: Outcome): { readonly event: string; readonly level: Level; readonly kind: LineKind } {
  if (isOfCandidate(outcome)) return OF_CANDIDATE;
  return outcome.action === "would-live" && outcome.isUnknown ? UNKNOWN : OUTCOMES[outcome.action];
}

function isOfCandidate(outcome: Outcome): boolean {
  return outcome.action === "would-kill" && outcome.by === "candidate";
}

function idOf({ pid, ppid, startTimeNs }: ProcessFacts): Pick<ProcessFacts, "pid" | "ppid" | "startTimeNs"> {
  return { pid, ppid, startTimeNs };
}

function addWho(fields: Fields, process: ProcessFacts, timeOf: TimeOf): void {
  const argv0 = process.args[0];
  fields.bytes("exe", process.interpreter ?? process.exe ?? process.path);
  if (argv0 !== undefined && !same(argv0, process.path) && !same(argv0, process.interpreter))
    fields.bytes("argv0", argv0);
  addProcess(fields, process, timeOf);
  if (process.cgroupId !== undefined) fields.set("cgroup_id", process.cgroupId.toString());
  if (process.pidNamespace !== undefined) fields.set("pid_namespace", process.pidNamespace);
}

function addOutcome(fields: Fields, outcome: Outcome): void {
  if (outcome.action === "killed") fields.set("killed_by", outcome.by);
  if (outcome.action === "kill-failed") fields.set("error", errorName(outcome.errno));
  if (outcome.action === "spared") addAllowRule(fields, outcome.allowedBy);
}

function addAllowRule(fields: Fields, by: AllowedBy | undefined): void {
  if (typeof by === "object") fields.set("allowed_rule", `${by.pattern.list}[${by.pattern.index}]`);
}

function errorName(errno: number): string {
  return errno > 0 ? getSystemErrorName(-errno) : "unknown";
}

function allowedBy(by: AllowedBy): string {
  return typeof by === "string" ? by : `allowed-pattern:${by.pattern.source}`;
}

/** Of the environment no more than where in it the match stands. */
function addEnvironment(fields: Fields, { variable }: InEnvironment): void {
  fields.set("matched_in", "environment");
  if (variable !== undefined) fields.text("variable", variable);
}

function addRule(fields: Fields, rule: Rule): void {
  const { mode, wallet, value, note } = rule;
  if (wallet !== undefined && value.length > 0) fields.bytes("wallet", value);
  if (wallet !== undefined) fields.set("coin", wallet);
  fields.set("rule", placeOfRule(rule));
  fields.set("mode", mode);
  const scope = scopeText(rule);
  if (scope !== undefined) fields.set("scope", scope);
  if (note !== undefined) fields.set("note", note);
}

/** As messages name it, by list and index; never by its value. */
export function placeOfRule({ list, index, wallet }: Pick<Rule, "list" | "index" | "wallet">): string {
  return wallet === undefined ? `${list}[${index}]` : `${list}.wallets[${index}]`;
}

const SCOPE_WORDS = Object.keys(SCOPE);

/** As the config has it; undefined: everywhere. */
export function scopeText({ scope, narrow }: Pick<Rule, "scope" | "narrow">): string | undefined {
  if (narrow !== undefined) return narrowText(narrow);
  return scope === undefined ? undefined : (SCOPE_WORDS[scope] ?? "unknown");
}

function same(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return b !== undefined && Buffer.compare(a, b) === 0;
}

/** What was found, in small letters; of a rule that is not known any more the text that it matched. */
function matchedOf(rule: Rule | null, matched: Uint8Array | undefined): Uint8Array | undefined {
  if (rule?.wallet !== undefined && rule.value.length === 0) return undefined;
  return rule === null ? matched && fold(matched) : matchedText(rule);
}
