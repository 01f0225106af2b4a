// What the candidate lists would do otherwise than those in force, as it comes: told, and counted by string and by container.
import type { Labels, SeriesMaker } from "../../../report/index.js";
import type { Tally, Untold } from "../ledger.js";
import { type CompiledRules, ruleByNumber } from "../rules.js";
import type { Report, Rule } from "../types.js";
import { fateByCandidate } from "./would-live.js";

/** `unknown`: the lists in force found it, and whether the candidate would cannot be said. */
export type Difference = "would-kill" | "would-live" | "unknown";
const DIFFERENCES: readonly Difference[] = ["would-kill", "would-live", "unknown"];

export interface ComparisonParts {
  readonly series: SeriesMaker;
  /** Execs that were judged so far. */
  readonly checked: () => bigint;
  /** Takes over the look-up of the container and the log. */
  readonly report: (report: Report) => void;
  /** Whether this was not said of this process before. */
  readonly isFirst: (report: Report) => boolean;
  /** Logs what is no process. */
  readonly notice: (level: "info", event: string, fields: Readonly<Record<string, unknown>>) => void;
}

export type ComparedRules = Pick<
  CompiledRules,
  "rules" | "generation" | "isScoped" | "judgeCandidate" | "refusedCandidate"
>;

/** The event of {@link Comparison.tell}'s lines. */
const COMPARED = "Candidate compared";

/** Strings that have a series of their own; what others differ by is counted under no name. */
const MAX_STRINGS = 1000;
/** Containers that are told apart. */
const MAX_GROUPS = 16_384;
/** Candidates, one after the other, that keep their series: a counter does not end. */
const MAX_CANDIDATES = 16;

/** One candidate's counts, for as long as the agent lives. */
class Counts {
  readonly labels: Labels;
  readonly sinceMs: number;
  readonly byDifference = new Map<Difference, number>(DIFFERENCES.map((difference) => [difference, 0]));
  readonly groups = new Map<Difference, Set<string>>(DIFFERENCES.map((difference) => [difference, new Set()]));
  /** Execs that were judged while it was compared; before the current time of it. */
  compared = 0n;
  /** What the log has of all this. */
  told = { compared: 0n, byDifference: new Map<Difference, number>() };

  constructor(labels: Labels, sinceMs: number) {
    this.labels = labels;
    this.sinceMs = sinceMs;
  }
}

export class Comparison {
  readonly #parts: ComparisonParts;
  readonly #counts = new Map<string, Counts>();
  readonly #strings = new Map<string, { readonly labels: Labels; count: number }>();
  #compiled: ComparedRules | null = null;
  #current: Counts | null = null;
  /** Execs that were judged before the current candidate was compared. */
  #checkedBefore = 0n;

  constructor(parts: ComparisonParts) {
    this.#parts = parts;
    const { series } = parts;
    const each = (read: (counts: Counts) => number | bigint) => () =>
      [...this.#counts.values()].map((counts) => [counts.labels, read(counts)] as const);
    const eachDifference = (read: (counts: Counts, difference: Difference) => number) => () =>
      [...this.#counts.values()].flatMap((counts) =>
        DIFFERENCES.map((difference) => [{ ...counts.labels, difference }, read(counts, difference)] as const),
      );
    series.reading(
      "candidate_loaded_timestamp_seconds",
      "Since when a candidate is compared; 0 when it is not any more",
      "gauge",
      each((counts) => (counts === this.#current ? counts.sinceMs / 1000 : 0)),
    );
    series.gauge("candidate_refused", "1 while a candidate is there and cannot be compared", () =>
      Number(this.#compiled?.refusedCandidate != null),
    );
    series.reading(
      "candidate_compared_total",
      "Execs at which a candidate was compared with the lists in force",
      "counter",
      each((counts) => this.#comparedBy(counts)),
    );
    series.reading(
      "candidate_differences_total",
      "Processes that would fare otherwise by a candidate",
      "counter",
      eachDifference((counts, difference) => counts.byDifference.get(difference)!),
    );
    series.reading(
      "candidate_containers",
      "Containers, and cgroups of the host, with such a process",
      "gauge",
      eachDifference((counts, difference) => counts.groups.get(difference)!.size),
    );
    series.reading(
      "candidate_differences_by_string_total",
      "Processes that would fare otherwise by a candidate, by the string: one of the candidate's that would kill, or one in force that did",
      "counter",
      () => [...this.#strings.values()].map(({ labels, count }) => [labels, count] as const),
    );
  }

  /** What is compared from now on. */
  inForce(compiled: ComparedRules): void {
    this.tell();
    const checked = this.#parts.checked();
    if (this.#current !== null) this.#current.compared += checked - this.#checkedBefore;
    this.#checkedBefore = checked;
    this.#compiled = compiled;
    const labels = labelsOf(compiled);
    this.#current = labels === null ? null : this.#countsOf(labels);
  }

  /** The lists in force have found a process, and it is told. */
  found(report: Report, generation?: number): void {
    const compiled = this.#compiled;
    const { rule } = report;
    if (compiled === null || this.#current === null || rule === null || report.environment !== undefined) return;
    if (generation !== undefined && generation !== compiled.generation) return;
    const fate = fateByCandidate(rule, report.process, compiled);
    if (fate === "dies") return;
    const { latencyNs: _, because: __, ...rest } = report;
    const isUnknown = fate === "unknown";
    const told: Report = { ...rest, outcome: { action: "would-live", ...(isUnknown ? { isUnknown } : {}) } };
    if (!this.#parts.isFirst(told)) return;
    this.#count(isUnknown ? "unknown" : "would-live", rule, 1, report.group);
    this.#parts.report(told);
  }

  /** A scan has compared the two. */
  scanned(report: Report): void {
    const { action } = report.outcome;
    if (action !== "would-kill" && action !== "would-live") return;
    this.#count(action, report.rule, 1, report.group);
    this.#parts.report(report);
  }

  /** The kernel's tally of what the candidate would kill has grown. */
  grown(tally: Pick<Tally, "verdict" | "generation" | "stringId" | "group">, by: number): void {
    if (this.#compiled === null || tally.verdict !== "candidate" || tally.generation !== this.#compiled.generation)
      return;
    this.#count("would-kill", this.#ruleOf(tally.stringId), by, tally.group);
  }

  /** The kernel has not told of these one by one: nobody has asked what the candidate would do. */
  untold(all: readonly Untold[]): void {
    for (const { verdict, count, tally } of all) {
      if (verdict !== "killed" && verdict !== "kill_failed" && verdict !== "would_kill") continue;
      if (this.#compiled === null || tally === null || tally.generation !== this.#compiled.generation) continue;
      const rule = this.#ruleOf(tally.stringId);
      if (rule?.only === "in-force") this.#count("unknown", rule, count, tally.group);
    }
  }

  /** How much has been compared since the last time: without these lines nobody could tell by the log alone. */
  tell(): void {
    const counts = this.#current;
    if (counts === null) return;
    const compared = this.#comparedBy(counts);
    const { told } = counts;
    if (compared === told.compared) return;
    const since = (difference: Difference) =>
      counts.byDifference.get(difference)! - (told.byDifference.get(difference) ?? 0);
    this.#parts.notice("info", COMPARED, {
      ...counts.labels,
      execs: Number(compared - told.compared),
      would_kill: since("would-kill"),
      would_live: since("would-live"),
      unknown: since("unknown"),
      containers: new Set(DIFFERENCES.flatMap((difference) => [...counts.groups.get(difference)!])).size,
    });
    counts.told = { compared, byDifference: new Map(counts.byDifference) };
  }

  #ruleOf(stringId: number | null): Rule | null {
    return stringId === null ? null : ruleByNumber(this.#compiled!.rules, stringId);
  }

  #countsOf(labels: Labels): Counts {
    const key = JSON.stringify(labels);
    const counts = this.#counts.get(key) ?? new Counts(labels, Date.now());
    // As the youngest.
    this.#counts.delete(key);
    this.#counts.set(key, counts);
    if (this.#counts.size > MAX_CANDIDATES) this.#counts.delete(this.#counts.keys().next().value!);
    return counts;
  }

  #comparedBy(counts: Counts): bigint {
    if (counts !== this.#current) return counts.compared;
    return counts.compared + this.#parts.checked() - this.#checkedBefore;
  }

  #count(difference: Difference, rule: Rule | null, by: number, group: string | undefined): void {
    const counts = this.#current;
    if (counts === null) return;
    counts.byDifference.set(difference, counts.byDifference.get(difference)! + by);
    const groups = counts.groups.get(difference)!;
    if (group !== undefined && groups.size < MAX_GROUPS) groups.add(group);
    const own = rule === null ? null : `${difference} ${rule.index} ${rule.list}`;
    const isNamed = own !== null && (this.#strings.has(own) || this.#strings.size < MAX_STRINGS);
    const key = isNamed ? own : difference;
    const labels = { difference, list: isNamed ? rule!.list : "", index: isNamed ? String(rule!.index) : "" };
    const known = this.#strings.get(key) ?? { labels, count: 0 };
    known.count += by;
    this.#strings.set(key, known);
  }
}

/** Which candidate it is; the lists that make it, with a plus between two. */
function labelsOf({ rules: { candidate } }: ComparedRules): Labels | null {
  if (candidate === undefined) return null;
  return {
    candidate: candidate.lists.map(({ list }) => list).join("+"),
    revision: candidate.lists.map(({ revision = "" }) => revision).join("+"),
  };
}
