// Flowkiller's own metrics: the contract's, by their names, and ours.
import type { SeriesMaker } from "../../report/index.js";
import type { Counters } from "../../types.js";
import { KILL_WAYS, type KillWay } from "./kill-way.js";

/** Why a process was to be killed, in the contract's words; and for a name or a login. */
export type Reason = "banned-ip" | "scan" | "name";

const REASONS: readonly Reason[] = ["banned-ip", "scan", "name"];
/** Maps that hold so many at most, the oldest of which go for new ones. */
const OF_GUARD = [
  "windows",
  "pod_windows",
  "destinations",
  "pod_budgets",
  "spoken",
  "unreachable",
  "attempts",
  "exempt",
  "told_pods",
  "tallies",
] as const;
const OF_NAMES = ["learnt", "policies", "name_tallies"] as const;
const BOUNDED = [...OF_GUARD, ...OF_NAMES];
export type BoundedMap = (typeof BOUNDED)[number];

/** It is the second object's, which may not be there. */
export function isOfNames(map: BoundedMap): boolean {
  return OF_NAMES.some((one) => one === map);
}

export interface FlowMetricsOptions {
  /** The kernel's; null when others go on with them. */
  readonly readCounters: () => Counters | null;
  readonly readNetworks: () => { readonly banned: number; readonly allowed: number };
  readonly way: KillWay;
  /** The kernel's kills of the names object; what it has last known when others go on with them. */
  readonly readNamesKilled: () => bigint;
  /** Entries that a map holds now. */
  readonly readEntries: (map: BoundedMap) => number;
}

export interface FlowMetrics {
  /** By the agent; the kernel's own kills are read from it. */
  killed(reason: Reason): void;
  missed(reason: Reason): void;
  killFailed(reason: Reason): void;
  wouldKill(reason: Reason): void;
  /** A scan that a pattern allows. */
  allowed(): void;
}

export function flowMetrics(series: SeriesMaker, options: FlowMetricsOptions): FlowMetrics {
  let last: Counters = {};
  const entries = new Map<BoundedMap, number>(BOUNDED.map((map) => [map, 0]));
  series.beforeScrape(() => {
    const counters = options.readCounters();
    // Detached: the last values stand, as a counter must not fall while its process lives.
    if (counters === null) return;
    last = counters;
    for (const map of BOUNDED) entries.set(map, options.readEntries(map));
  });
  const of = (name: string) => last[name] ?? 0n;
  const killed = tally();
  const failed = tally();

  series.reading("connects_checked_total", "TCP connects that were judged, private ones too", "counter", () => [
    [{}, of("connects")],
  ]);
  series.reading("datagrams_checked_total", "Sends and connects of UDP that were judged", "counter", () => [
    [{}, of("datagrams")],
  ]);
  series.reading("processes_killed_total", "Processes killed", "counter", () =>
    REASONS.map((reason) => [
      { reason },
      BigInt(killed.get(reason)!) + (reason === "name" ? options.readNamesKilled() : of(KERNEL_KILLS[reason])),
    ]),
  );
  const missed = series.counter<Reason>(
    "processes_missed_total",
    "Processes that exited before they could be killed",
    REASONS.map((reason) => [reason, { reason }]),
  );
  series.reading("processes_kill_failed_total", "Processes that could not be killed", "counter", () =>
    REASONS.map((reason) => [{ reason }, failed.get(reason)!]),
  );
  series.reading("destinations_refused_total", "Connects and sends that were refused", "counter", () => [
    [{ reason: "banned-ip" }, of("refused")],
    [{ reason: "scan" }, of("scan_refused")],
    [{ reason: "pod-budget" }, of("over_pod_budget")],
    [{ reason: "node-budget" }, of("over_node_budget")],
    [{ reason: "unreachable" }, of("unreachable")],
  ]);
  series.reading(
    "destinations_would_refuse_total",
    "Connects and sends that audit mode alone let pass",
    "counter",
    () => [
      [{ reason: "banned-ip" }, of("would_refuse")],
      [{ reason: "budget" }, of("would_be_over_budget")],
    ],
  );
  const wouldKill = series.counter<Reason>(
    "processes_would_kill_total",
    "Processes that audit mode alone spared for a scan; those of banned destinations are among the refusals",
    [["scan", { reason: "scan" }]],
  );
  const allowed = series.counter("processes_allowed_total", "Processes that an allow pattern spared", [
    ["scan", { reason: "scan" }],
  ]);
  const single = (rest: string, help: string, name: string) =>
    series.reading(rest, help, "counter", () => [[{}, of(name)]]);
  single("public_connects_total", "TCP connects to public addresses", "public");
  single("scans_total", "Windows that had one destination too many", "scans");
  series.reading("scan_uncounted_total", "Destinations that no window could count", "counter", () => [
    [{ reason: "busy" }, of("scan_busy")],
    [{ reason: "no-window" }, of("scan_no_window")],
  ]);
  single(
    "new_destinations_total",
    "New public destinations that were let out, where there is a budget",
    "new_destinations",
  );
  single("budget_busy_total", "Destinations refused as too many asked for a token at once", "budget_busy");
  single("silent_destinations_total", "Connects that nobody answered", "silent");
  single("exempt_destinations_total", "Destinations of pods that spend of no budget", "exempt");
  series.reading(
    "destinations_allowed_total",
    "Connects and sends to banned destinations in allowed networks",
    "counter",
    () => [[{}, of("allowed")]],
  );
  series.reading(
    "kernel_threads_refused_total",
    "Refused connects of the kernel's own, which is not killed",
    "counter",
    () => [[{}, of("kernel_threads")]],
  );
  series.reading(
    "events_lost_total",
    "Events that found no room in the ring buffer: their processes are tallied",
    "counter",
    () => [
      [{ kind: "kill" }, of("kill_events_lost")],
      [{ kind: "other" }, of("other_events_lost")],
    ],
  );
  series.reading(
    "map_entries",
    "What bounded maps hold; at their size the oldest entries go for new ones",
    "gauge",
    () => BOUNDED.map((map) => [{ map }, entries.get(map)!]),
  );
  series.gauge("banned_networks", "Banned addresses and networks in force", () => options.readNetworks().banned);
  series.gauge("allowed_networks", "Allowed networks in force", () => options.readNetworks().allowed);
  series.reading("kill_way", "1 for the way in which processes are killed on this kernel", "gauge", () =>
    (Object.keys(KILL_WAYS) as KillWay[]).map((way) => [{ way }, Number(way === options.way)]),
  );

  return {
    killed: (reason) => void killed.set(reason, killed.get(reason)! + 1),
    missed: (reason) => missed.add(reason),
    wouldKill: (reason) => wouldKill.add(reason),
    allowed: () => allowed.add("scan"),
    killFailed: (reason) => void failed.set(reason, failed.get(reason)! + 1),
  };
}

const KERNEL_KILLS = { "banned-ip": "killed", scan: "scan_killed" } as const;

function tally(): Map<Reason, number> {
  return new Map(REASONS.map((reason) => [reason, 0]));
}
