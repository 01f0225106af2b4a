// Many processes in one line: what is counted together, and how few lines that may make.
import type { Level, SummedAction } from "../../../report/index.js";
import type { CgroupIdentity } from "../../../types.js";
import type { AllowedBy, Rule } from "../types.js";

export interface Summary {
  readonly source: string;
  readonly action: SummedAction;
  /** How many processes. */
  readonly count: number;
  readonly rule: Rule | null;
  /** The matched text when the rule is not known. */
  readonly matched?: Uint8Array;
  readonly allowedBy?: AllowedBy;
  /** By the candidate lists alone. */
  readonly isCandidate?: boolean;
  /** How many kinds of them (by string, pattern and list) are in this one line, when they are more than one. */
  readonly kinds?: number;
  /** As in `Report`; undefined when they are counted without it. */
  readonly group?: string;
  /** Where a process of the group stood. */
  readonly cgroup?: CgroupIdentity;
  /** Nanoseconds since boot. */
  readonly firstNs?: bigint;
  readonly lastNs?: bigint;
  /** Of the last one. */
  readonly lastPid?: number;
  readonly uid?: number;
  readonly cgroupId?: bigint;
}

export interface SummaryLimits {
  /** Lines for the kinds of one group; the rest of its kinds are one line more for each action. */
  readonly perGroup: number;
  /** Lines at one time; what is beyond is told without group. */
  readonly lines: number;
}

/** 512 lines of some 700 bytes a minute are 6 KB/s at the very most. */
export const DEFAULT_SUMMARY_LIMITS: SummaryLimits = { perGroup: 8, lines: 512 };

/** The same counts in a bounded number of lines, the largest first. */
export function boundSummaries(
  summaries: readonly Summary[],
  { perGroup, lines }: SummaryLimits = DEFAULT_SUMMARY_LIMITS,
): Summary[] {
  const ofGroup = new Map<string, number>();
  const whole: Summary[] = [];
  const grouped = new Map<string, Summary>();
  for (const summary of summaries.toSorted(bySize)) {
    const group = summary.group ?? "";
    const count = (ofGroup.get(group) ?? 0) + 1;
    ofGroup.set(group, count);
    if (count <= perGroup || summary.group === undefined) whole.push(summary);
    else merge(grouped, `${kindOf(summary)} ${group}`, summary);
  }
  const ordered = [...whole, ...grouped.values()].sort(bySize);
  const apart = new Map<string, Summary>();
  for (const { group: _, cgroup: __, cgroupId: ___, ...summary } of ordered.slice(lines)) {
    merge(apart, kindOf(summary), summary);
  }
  return [...ordered.slice(0, lines), ...apart.values()];
}

/** What is never one line. */
function kindOf({ source, action, isCandidate = false }: Summary): string {
  return `${source} ${action} ${isCandidate}`;
}

function bySize(a: Summary, b: Summary): number {
  return b.count - a.count;
}

function merge(into: Map<string, Summary>, key: string, summary: Summary): void {
  const { rule: _, matched: __, allowedBy: ___, ...rest } = summary;
  const before = into.get(key);
  const newer = before === undefined || (rest.lastNs ?? 0n) > (before.lastNs ?? 0n) ? rest : before;
  const first = [before?.firstNs, rest.firstNs].filter((ns) => ns !== undefined);
  into.set(key, {
    ...newer,
    rule: null,
    count: (before?.count ?? 0) + summary.count,
    kinds: (before?.kinds ?? 0) + (summary.kinds ?? 1),
    ...(first.length === 0 ? {} : { firstNs: first.reduce((a, b) => (a < b ? a : b)) }),
  });
}

const WORDS: Readonly<Record<SummedAction, { of: (processes: string) => string; level: Level }>> = {
  killed: { of: (processes) => `Killed ${processes}`, level: "info" },
  "missed-kill": { of: (processes) => `${capital(processes)} exited before we could kill them`, level: "info" },
  "kill-failed": { of: (processes) => `Could not kill ${processes}`, level: "error" },
  "would-kill": { of: (processes) => `Would kill ${processes}`, level: "warning" },
  "would-live": { of: (processes) => `The candidate would let ${processes} live`, level: "info" },
  "let-go": { of: (processes) => `Let ${processes} go without a verdict`, level: "warning" },
  spared: { of: (processes) => `Not killing ${processes}`, level: "info" },
};

/** The line's event. */
export function summaryWords({ action, count, group, isCandidate = false }: Summary): string {
  const processes = `${count} more process${count === 1 ? "" : "es"}`;
  const event =
    isCandidate && action === "would-kill" ? `The candidate would kill ${processes}` : WORDS[action].of(processes);
  return group === undefined ? `${event}, not told apart` : event;
}

export function summaryLevel(action: SummedAction): Level {
  return WORDS[action].level;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
