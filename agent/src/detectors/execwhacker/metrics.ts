// The metrics of execwhacker beside those of every detector: the contract's, by their names, and ours.
import type { Counter, Histogram, Labels, SeriesMaker, SummedAction } from "../../report/index.js";
import { SECONDS } from "../../report/index.js";
import { COUNTER_NAMES, type SensorCounters } from "./counters.js";
import type { PatternCount } from "./pattern-counts.js";
import { ACTION_OF_VERDICT, TALLIED_VERDICTS, type TalliedVerdict } from "./tell/verdicts.js";

/** Who found it: the contract's two names, kept for people's queries. */
export type Source = "execwhacker.bpf" | "psutil.process_iter";

/** What the agent, not the kernel, decided about one process. */
export type Decision =
  | "killed"
  | "missed"
  | "kill-failed"
  | "would-kill"
  | "is-substring"
  | "allowed-pattern"
  | "out-of-scope"
  | "no-match";

/**
 * Why a process could not be scanned: it exited meanwhile, which is normal; it could not be read; its memory did not answer; its
 * group had had its share of the scan.
 */
export type ScanFailure = "vanished" | "unreadable" | "stuck" | "put-off";

export interface ExecMetrics {
  /** A decision made in user space: the scan's, and what the kernel's signal failed to do. The kernel's own are read from it. */
  decided(source: Source, decision: Decision): void;
  /** One process looked at by the scan. */
  scanned(): void;
  scanFailed(why: ScanFailure): void;
  scanFinished(seconds: number): void;
  /** So many are in force from now on. */
  inForce(strings: number, patterns: number): void;
  /** From the first look at a found process to the verdict's signal. What matches nothing is not timed: no code of the agent runs for it. */
  killedIfNeeded(seconds: number): void;
  /** A string was demoted; and so many are, at this moment. */
  demoted(): void;
  demotedNow(read: () => number): void;
  /** What the kernel decided and did not tell as events; only grows. */
  untold(): Readonly<Partial<Record<SummedAction, bigint>>>;
}

const KERNEL = { source: "execwhacker.bpf" } as const;
const SCAN = { source: "psutil.process_iter" } as const;

/**
 * @param readCounters - The kernel's counters at this moment; null while no sensor is attached.
 * @param readByPattern - What each allow pattern has spared at exec.
 */
export function execMetrics(
  series: SeriesMaker,
  readCounters: () => SensorCounters | null,
  readByPattern: () => readonly PatternCount[] = () => [],
): ExecMetrics {
  const decisions = decisionCounts();
  let scanned = 0;
  const kernel = new KernelCounters(readCounters);
  series.beforeScrape(() => kernel.refresh());
  const agent = (source: Source, decision: Decision): bigint => BigInt(decisions.get(`${source} ${decision}`)!);

  /** A counter per source: the kernel's own part, and what the agent decided. */
  function bySource(rest: string, help: string, decision: Decision, own: (counters: SensorCounters) => bigint): void {
    series.reading(rest, help, "counter", () => [
      [KERNEL, own(kernel.last) + agent(KERNEL.source, decision)],
      [SCAN, agent(SCAN.source, decision)],
    ]);
  }

  function ofKernel(rest: string, help: string, ...rows: (readonly [Labels, keyof SensorCounters])[]): void {
    series.reading(rest, help, "counter", () => rows.map(([labels, key]) => [labels, kernel.last[key]]));
  }

  series.reading("processes_checked_total", "Processes whose command line was searched", "counter", () => [
    [KERNEL, kernel.last.checked],
    [SCAN, scanned],
  ]);
  bySource("processes_killed_total", "Processes killed", "killed", ({ killed }) => killed);
  bySource("processes_missed_total", "Processes that exited before they could be killed", "missed", () => 0n);
  series.reading("processes_allowed_total", "Processes left alone, by the reason", "counter", () =>
    [KERNEL, SCAN].flatMap(({ source }) =>
      (["is-substring", "allowed-pattern", "out-of-scope", "no-match"] as const).map(
        (allowedby) => [{ source, allowedby }, kernel.allowed(source, allowedby) + agent(source, allowedby)] as const,
      ),
    ),
  );
  series.reading(
    "processes_allowed_by_pattern_total",
    "Processes that an allow pattern spared at exec",
    "counter",
    () => readByPattern().map(({ list, index, count }) => [{ list, index: String(index) }, count]),
  );
  const killIfNeeded: Histogram = series.histogram(
    "kill_if_needed_execution_seconds",
    "From the first look at a found process to the verdict's signal",
  );
  bySource(
    "processes_would_kill_total",
    "Processes spared by audit mode alone",
    "would-kill",
    (counters) => counters.would_kill,
  );
  bySource("processes_kill_failed_total", "Failed signals", "kill-failed", (counters) => counters.kill_failed);
  ofKernel("processes_let_go_total", "Processes let go without a verdict, as configured", [{}, "let_go"]);
  ofKernel(
    "command_lines_unsearched_total",
    "Command lines the kernel could not search to the end",
    [{ reason: "unreadable" }, "unreadable"],
    [{ reason: "over-long" }, "over_long"],
    [{ reason: "budget" }, "budget_exceeded"],
    [{ reason: "wallets-unreadable" }, "wallets_unreadable"],
    [{ reason: "wallets-over-long" }, "wallets_over_long"],
    [{ reason: "environment-unreadable" }, "environment_unreadable"],
    [{ reason: "environment-over-long" }, "environment_over_long"],
  );
  ofKernel(
    "second_looks_total",
    "Execs that were looked at once more on their way to user mode, where there is time for more",
    [{ state: "free" }, "put_off"],
    [{ state: "taken" }, "later_busy"],
  );
  ofKernel("arguments_changed_total", "Execs whose arguments someone else wrote to before they were judged", [
    {},
    "changed",
  ]);
  ofKernel(
    "arguments_unchecked_total",
    "Execs of which it is not known whether someone else wrote to their arguments",
    [{}, "unchecked"],
  );
  ofKernel(
    "events_lost_total",
    "Events that found no room in the ring buffer: their processes are tallied",
    [{ kind: "kill" }, "kill_events_lost"],
    [{ kind: "other" }, "other_events_lost"],
  );
  const scanFailures: Counter<ScanFailure> = series.counter("scan_failures_total", "Processes a scan could not read", [
    ["vanished", { reason: "vanished" }],
    ["unreadable", { reason: "unreadable" }],
    ["stuck", { reason: "stuck" }],
    ["put-off", { reason: "put-off" }],
  ]);
  const scanSeconds: Histogram = series.histogram(
    "scan_duration_seconds",
    "Scans of all processes",
    SECONDS.filter((bound) => bound >= 0.001),
  );
  let lastScan = 0;
  series.gauge("scan_last_finished_timestamp_seconds", "When the last scan ended; 0 before the first", () => lastScan);
  const inForce = { strings: 0, patterns: 0 };
  series.gauge("banned_strings", "Banned strings in force", () => inForce.strings);
  series.gauge("allowed_patterns", "Allow patterns in force", () => inForce.patterns);

  let trips = 0;
  let readDemoted = () => 0;
  series.reading("breaker_trips_total", "Strings that the circuit breaker took out of force", "counter", () => [
    [{}, trips],
  ]);
  series.gauge("demoted_strings", "Strings of the list in force that are only logged since", () => readDemoted());

  return {
    demoted: () => void trips++,
    demotedNow(read) {
      readDemoted = read;
    },
    decided: (source, decision) => decisions.set(`${source} ${decision}`, decisions.get(`${source} ${decision}`)! + 1),
    scanned: () => void scanned++,
    scanFailed: (why) => scanFailures.add(why),
    scanFinished(seconds) {
      scanSeconds.observe(seconds);
      lastScan = Date.now() / 1000;
    },
    inForce(strings, patterns) {
      inForce.strings = strings;
      inForce.patterns = patterns;
    },
    killedIfNeeded: (seconds) => killIfNeeded.observe(seconds),
    untold: () => kernel.untold(),
  };
}

const DECISIONS: readonly Decision[] = [
  "killed",
  "missed",
  "kill-failed",
  "would-kill",
  "is-substring",
  "allowed-pattern",
  "out-of-scope",
  "no-match",
];

function decisionCounts(): Map<`${Source} ${Decision}`, number> {
  return new Map(
    [KERNEL, SCAN].flatMap(({ source }) => DECISIONS.map((decision) => [`${source} ${decision}` as const, 0] as const)),
  );
}

const NONE = Object.fromEntries(COUNTER_NAMES.map((name) => [name, 0n])) as unknown as SensorCounters;

/** One reading of the kernel's counters for a whole exposition. */
class KernelCounters {
  readonly #read: () => SensorCounters | null;
  #noMatch = 0n;
  readonly #untold = new Map<TalliedVerdict, bigint>(TALLIED_VERDICTS.map((name) => [name, 0n]));
  last: SensorCounters = NONE;

  constructor(read: () => SensorCounters | null) {
    this.#read = read;
  }

  refresh(): void {
    // Detached: the last values stand, as a counter must not fall while its process lives.
    this.last = this.#read() ?? this.last;
    const { checked, killed, would_kill, kill_failed, let_go, asked } = this.last;
    const spared = this.last.spared_substring + this.last.spared_pattern + this.last.spared_scope;
    const rest = checked - killed - would_kill - kill_failed - spared - let_go - asked;
    // The CPUs' counters are read one after the other while they run: the difference may waver, the series must not fall.
    if (rest > this.#noMatch) this.#noMatch = rest;
    // One that is just being told is counted and not yet told: the same.
    for (const name of TALLIED_VERDICTS) {
      const untold = this.last[name] - this.last[`told_${name}`];
      if (untold > this.#untold.get(name)!) this.#untold.set(name, untold);
    }
  }

  /** Of what was decided, how many had no event. */
  untold(): Partial<Record<SummedAction, bigint>> {
    const counts: Partial<Record<SummedAction, bigint>> = {};
    for (const [verdict, count] of this.#untold) {
      const action = ACTION_OF_VERDICT[verdict];
      counts[action] = (counts[action] ?? 0n) + count;
    }
    return counts;
  }

  allowed(source: Source, by: "is-substring" | "allowed-pattern" | "out-of-scope" | "no-match"): bigint {
    if (source !== KERNEL.source) return 0n;
    if (by === "is-substring") return this.last.spared_substring;
    if (by === "out-of-scope") return this.last.spared_scope;
    return by === "allowed-pattern" ? this.last.spared_pattern : this.#noMatch;
  }
}
