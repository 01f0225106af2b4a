// A bound on what the agent itself finds, as the kernel bounds what it tells: the first of a kind whole, then some, and the
// number of all.
import { uptime } from "node:os";
import { ALL_ACTIONS, type SummedAction, type TokenLimits, Tokens } from "../../../report/index.js";
import type { AllowedBy, Report } from "../types.js";
import type { Summary } from "./bound-summaries.js";

export interface ReportLimits {
  /** Reports of one kind that are whole before only some are. */
  readonly first: number;
  readonly firstSpares: number;
  /** Behind those, one whole report of a kind in this time. */
  readonly everyMs: number;
  /** Of one group, and of all together. */
  readonly group: TokenLimits;
  readonly all: TokenLimits;
  /** Kinds, and groups, that are remembered; the longest unused goes. */
  readonly most: number;
}

/** As bpf/execwhacker.h has them (TELL_*), with a tenth of what all may have: these come beside the kernel's. */
export function reportLimits(wholeLines: number): ReportLimits {
  return {
    first: wholeLines,
    firstSpares: Math.ceil(wholeLines / 4),
    everyMs: 10_000,
    group: { burst: 64, perSecond: 1 },
    all: { burst: 200, perSecond: 20 },
    most: 4096,
  };
}

/** Reports of one kind: of one group, rule, pattern and outcome. */
interface Kind {
  told: number;
  toldMs: number;
  /** What is not told, as it will be. */
  untold: Summary | null;
}

/** What was not told, by action; only grows. */
export type UntoldCounts = Readonly<Record<SummedAction, number>>;

/** What the agent counted, and the kernel. */
export function addUntold(
  own: UntoldCounts,
  kernel: Readonly<Partial<Record<SummedAction, bigint>>>,
): Readonly<Record<SummedAction, bigint>> {
  const sums = Object.entries(own).map(([action, count]) => [
    action,
    BigInt(count) + (kernel[action as SummedAction] ?? 0n),
  ]);
  return Object.fromEntries(sums) as Record<SummedAction, bigint>;
}

export class ReportLimit {
  /** null: everything is told. */
  readonly #limits: ReportLimits | null;
  readonly #nowMs: () => number;
  readonly #bootNs: () => bigint;
  readonly #kinds = new Map<string, Kind>();
  readonly #groups = new Map<string, Tokens>();
  readonly #all: Tokens | null;
  /** Of kinds that had to go, by source and action. */
  readonly #apart = new Map<string, Summary>();
  readonly #counts: Record<SummedAction, number> = { ...ALL_ACTIONS };

  /** @param bootNs - Nanoseconds since boot. */
  constructor(limits: ReportLimits | null, bootNs = sinceBoot, nowMs: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#nowMs = nowMs;
    this.#bootNs = bootNs;
    this.#all = limits === null ? null : new Tokens(limits.all, nowMs());
  }

  /** Whether anything is bounded. */
  get isOn(): boolean {
    return this.#limits !== null;
  }

  get counts(): UntoldCounts {
    return this.#counts;
  }

  /** Whether `report` is to be told whole; if not, it is counted. */
  admit(report: Report): boolean {
    if (report.outcome.action === "observed" || this.#limits === null) return true;
    if (this.#mayTell(report, this.#limits)) return true;
    this.count(report);
    return false;
  }

  /** `report` is not told, and counted. */
  count(report: Report): void {
    const { action } = report.outcome;
    if (action === "observed") return;
    this.#counts[action]++;
    const kind = this.#kindOf(report);
    kind.untold = addTo(kind.untold, action, report, this.#bootNs());
  }

  /** What was counted since the last time, which is told now. */
  take(): Summary[] {
    const untold = [...this.#apart.values()];
    this.#apart.clear();
    for (const kind of this.#kinds.values()) {
      if (kind.untold !== null) untold.push(kind.untold);
      kind.untold = null;
    }
    return untold;
  }

  #mayTell(report: Report, { first, firstSpares, everyMs, group: ofGroup, most }: ReportLimits): boolean {
    const now = this.#nowMs();
    const kind = this.#kindOf(report);
    const atFirst = report.outcome.action === "spared" ? firstSpares : first;
    if (kind.told >= atFirst && now < kind.toldMs + everyMs) return false;
    const [group] = remember(this.#groups, report.group ?? "", most, () => new Tokens(ofGroup, now));
    if (!group.has(1, now) || !this.#all!.take(1, now)) return false;
    group.take(1, now);
    kind.told++;
    kind.toldMs = now;
    return true;
  }

  #kindOf(report: Report): Kind {
    const most = this.#limits?.most ?? MOST_COUNTED;
    const [kind, gone] = remember(this.#kinds, keyOf(report), most, () => ({ told: 0, toldMs: 0, untold: null }));
    if (gone?.untold) {
      const { source, action, isCandidate = false } = gone.untold;
      const key = `${source} ${action} ${isCandidate}`;
      this.#apart.set(key, withoutGroup(gone.untold, this.#apart.get(key)));
    }
    return kind;
  }
}

/** In steps of 10 ms, which is enough for a line about a minute. */
function sinceBoot(): bigint {
  return BigInt(Math.round(uptime() * 1e9));
}

/** Without limits only what is known already is counted. */
const MOST_COUNTED = 4096;

/** The value of `key`, as the youngest; and what had to go for it. */
function remember<V>(map: Map<string, V>, key: string, most: number, make: () => V): [value: V, gone: V | null] {
  const value = map.get(key) ?? make();
  map.delete(key);
  map.set(key, value);
  if (map.size <= most) return [value, null];
  const [oldest, gone] = map.entries().next().value!;
  map.delete(oldest);
  return [value, gone];
}

function keyOf({ source, outcome, rule, group = "" }: Report): string {
  const by = outcome.action === "spared" ? nameOf(outcome.allowedBy) : "";
  return `${source} ${outcome.action} ${rule === null ? "" : `${rule.list}[${rule.index}]`} ${by} ${group}`;
}

function nameOf(by: AllowedBy): string {
  return typeof by === "string" ? by : `${by.pattern.list}[${by.pattern.index}]`;
}

function addTo(before: Summary | null, action: SummedAction, report: Report, nowNs: bigint): Summary {
  const { source, rule, matched, group, outcome, process } = report;
  return {
    source,
    action,
    count: (before?.count ?? 0) + 1,
    rule,
    ...(matched === undefined ? {} : { matched }),
    ...(outcome.action === "spared" ? { allowedBy: outcome.allowedBy } : {}),
    ...(outcome.action === "would-kill" && outcome.by === "candidate" ? { isCandidate: true } : {}),
    ...(group === undefined ? {} : { group, cgroup: process.cgroup }),
    firstNs: before?.firstNs ?? nowNs,
    lastNs: nowNs,
    lastPid: process.pid,
    uid: process.uid,
    ...(process.cgroupId === undefined ? {} : { cgroupId: process.cgroupId }),
  };
}

function withoutGroup(
  { source, action, count, isCandidate, lastPid, uid }: Summary,
  before: Summary | undefined,
): Summary {
  return {
    source,
    action,
    count: count + (before?.count ?? 0),
    kinds: 1 + (before?.kinds ?? 0),
    rule: null,
    ...(isCandidate === undefined ? {} : { isCandidate }),
    ...(lastPid === undefined ? {} : { lastPid }),
    ...(uid === undefined ? {} : { uid }),
  };
}
