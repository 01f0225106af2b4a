// The metrics of execwhacker: the contract's, by their names, and ours. Label values are closed sets; what belongs to one
// process (pid, command line, pod, image) belongs to the log.
import type {
  LookupFailure,
  Rules,
  RuntimeState,
  RuntimeStatus,
  SensorCounters,
  Source,
  TalliedVerdict,
} from "../types.js";
import { Counter, Histogram, type Labels, type Metric, Reading } from "./exposition.js";
import type { LineKind } from "./log.js";
import { ACTION_OF_VERDICT, type SummedAction, TALLIED_VERDICTS } from "./summary.js";

export interface MetricsOptions {
  /** `CRYPTNONO_METRICS_PREFIX`. */
  readonly prefix?: string;
  /** The detector's name, the second part of each metric's. */
  readonly detector?: string;
  /** A detector's own series, instead of those of one that judges command lines; see {@link Series}. */
  readonly series?: Series;
  /** The kernel's counters at this moment; null while no sensor is attached. */
  readonly readCounters: () => SensorCounters | null;
  /** Execs at which the kernel could not run the program: a detector blind at those moments. */
  readonly readMissedRuns?: () => number;
  /** Log lines given up so far, see `LineWriter.dropped`. */
  readonly readDroppedLines?: () => Readonly<Record<LineKind, number>>;
  /** What the agent found and did not log one by one, see `ReportLimit.counts`. */
  readonly readUntold?: () => Readonly<Record<SummedAction, number>>;
  /** The runtimes' sockets; none when containers are not named. */
  readonly readRuntimes?: () => readonly RuntimeStatus[];
  /** The agent's own. */
  readonly version?: string;
  /** Seconds that the event loop keeps what waits for it. */
  readonly readLoopDelay?: () => { readonly max: number; readonly p99: number };
  readonly isReady: () => boolean;
  readonly isAttached: () => boolean;
}

/** The series of a detector, named by what completes a name. */
export type Series = (name: (rest: string) => string) => readonly Metric[];

/** What the agent, not the kernel, decided about one process. */
export type Decision =
  | "killed"
  | "missed"
  | "kill-failed"
  | "would-kill"
  | "is-substring"
  | "allowed-pattern"
  | "no-match";

/**
 * Why a process could not be scanned: it exited meanwhile, which is normal; it could not be read; its memory did not answer; its
 * group had had its share of the scan.
 */
export type ScanFailure = "vanished" | "unreadable" | "stuck" | "put-off";

export interface Metrics {
  /** A decision made in user space: the scan's, and what the kernel's signal failed to do. The kernel's own are read from it. */
  decided(source: Source, decision: Decision): void;
  /** One process looked at by the scan. */
  scanned(): void;
  scanFailed(why: ScanFailure): void;
  scanFinished(seconds: number): void;
  lookupFailed(why: LookupFailure): void;
  unexpectedError(): void;
  reloaded(result: "ok" | "refused"): void;
  /** `rules` are in force from now on. */
  inForce(rules: Rules): void;
  /** A config is in force from now on that has no strings. */
  loaded(): void;
  /** From a found process's event to its log line. */
  loggedAndKilled(seconds: number): void;
  /** From the first look at a found process to the verdict's signal. What matches nothing is not timed: no code of the agent runs for it. */
  killedIfNeeded(seconds: number): void;
  /** The exposition. */
  text(): string;
}

/** `CRYPTNONO_METRICS_PREFIX` cannot begin a metric's name. */
export class PrefixError extends Error {
  readonly hint = "letters, digits, `_` and `:`, not a digit first";

  constructor() {
    super("name metrics CRYPTNONO_METRICS_PREFIX: not a metric name's beginning");
    this.name = "PrefixError";
  }
}

const KERNEL = { source: "execwhacker.bpf" } as const;
const SCAN = { source: "psutil.process_iter" } as const;
const BY_SOURCE = { [KERNEL.source]: KERNEL, [SCAN.source]: SCAN };

/** The contract's ten from 5 ms, and finer ones below, where this agent's times are. */
const SECONDS = [
  1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25,
  0.5, 0.75, 1, 2.5, 5, 7.5, 10,
];

/** @throws PrefixError */
export function createMetrics(options: MetricsOptions): Metrics {
  const {
    prefix = "cryptnono",
    detector = "execwhacker",
    series,
    readCounters,
    readMissedRuns = () => 0,
    readDroppedLines = () => ALL_KINDS,
    readUntold = () => ALL_ACTIONS,
    readRuntimes = () => [],
    version = "unknown",
    readLoopDelay = () => ({ max: 0, p99: 0 }),
    isReady,
    isAttached,
  } = options;
  if (!/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(prefix)) throw new PrefixError();
  const name = (rest: string): string => `${prefix}_${detector}_${rest}`;
  const all: Metric[] = [];
  const add = <M extends Metric>(metric: M): M => {
    all.push(metric);
    return metric;
  };
  /** One that only who judges command lines has. */
  const addJudging = <M extends Metric>(metric: M): M => (series === undefined ? add(metric) : metric);
  for (const own of series?.(name) ?? []) add(own);

  const decisions = decisionCounts();
  let scanned = 0;
  const kernel = new KernelCounters(readCounters);
  const agent = (source: Source, decision: Decision): bigint => BigInt(decisions.get(`${source} ${decision}`)!);

  /** A counter per source: the kernel's own part, and what the agent decided. */
  function bySource(rest: string, help: string, decision: Decision, own: (counters: SensorCounters) => bigint): void {
    addJudging(
      new Reading(name(rest), help, "counter", () => [
        [KERNEL, own(kernel.last) + agent(KERNEL.source, decision)],
        [SCAN, agent(SCAN.source, decision)],
      ]),
    );
  }

  function ofKernel(rest: string, help: string, ...series: (readonly [Labels, keyof SensorCounters])[]): void {
    addJudging(
      new Reading(name(rest), help, "counter", () => series.map(([labels, key]) => [labels, kernel.last[key]])),
    );
  }

  addJudging(
    new Reading(name("processes_checked_total"), "Processes whose command line was searched", "counter", () => [
      [KERNEL, kernel.last.checked],
      [SCAN, scanned],
    ]),
  );
  bySource("processes_killed_total", "Processes killed", "killed", ({ killed }) => killed);
  bySource("processes_missed_total", "Processes that exited before they could be killed", "missed", () => 0n);
  addJudging(
    new Reading(name("processes_allowed_total"), "Processes left alone, by the reason", "counter", () =>
      [KERNEL, SCAN].flatMap(({ source }) =>
        (["is-substring", "allowed-pattern", "no-match"] as const).map(
          (allowedby) => [{ source, allowedby }, kernel.allowed(source, allowedby) + agent(source, allowedby)] as const,
        ),
      ),
    ),
  );
  const unexpectedErrors = add(
    new Counter(name("unexpected_errors_total"), "Faults of the agent itself", [["all", {}]]),
  );
  const logAndKill = add(
    new Histogram(
      name("log_and_kill_execution_seconds"),
      "From a found process's event to its log line, container look-up included",
      SECONDS,
    ),
  );
  const killIfNeeded = addJudging(
    new Histogram(
      name("kill_if_needed_execution_seconds"),
      "From the first look at a found process to the verdict's signal",
      SECONDS,
    ),
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
  addJudging(
    new Reading(
      name("processes_tallied_total"),
      "Processes without a log line of their own: the count of a summary has them",
      "counter",
      () => {
        const own = readUntold();
        return keysOf(ALL_ACTIONS).map((action) => [{ action }, kernel.untold(action) + BigInt(own[action])]);
      },
    ),
  );
  ofKernel(
    "events_lost_total",
    "Events that found no room in the ring buffer: their processes are tallied",
    [{ kind: "kill" }, "kill_events_lost"],
    [{ kind: "other" }, "other_events_lost"],
  );
  add(
    new Reading(
      name("program_missed_runs_total"),
      "Execs at which the kernel could not run the program",
      "counter",
      () => [[{}, readMissedRuns()]],
    ),
  );
  const scanFailures = addJudging(
    new Counter<ScanFailure>(name("scan_failures_total"), "Processes a scan could not read", [
      ["vanished", { reason: "vanished" }],
      ["unreadable", { reason: "unreadable" }],
      ["stuck", { reason: "stuck" }],
      ["put-off", { reason: "put-off" }],
    ]),
  );
  const scanSeconds = addJudging(
    new Histogram(
      name("scan_duration_seconds"),
      "Scans of all processes",
      SECONDS.filter((bound) => bound >= 0.001),
    ),
  );
  let lastScan = 0;
  judgingGauge("scan_last_finished_timestamp_seconds", "When the last scan ended; 0 before the first", () => lastScan);
  const lookupFailures = add(
    new Counter<LookupFailure>(
      name("container_lookup_failures_total"),
      "Containers that could not be named",
      keysOf(LOOKUP_FAILURES).map((reason) => [reason, { reason }]),
    ),
  );
  add(
    new Reading(name("container_runtimes"), "Sockets of container runtimes, by what they are good for", "gauge", () => {
      const runtimes = readRuntimes();
      return (["cri", "docker"] as const).flatMap((type) =>
        keysOf(RUNTIME_STATES).map(
          (state) =>
            [{ type, state }, runtimes.filter((one) => one.type === type && one.state === state).length] as const,
        ),
      );
    }),
  );
  add(
    new Reading(name("log_lines_dropped_total"), "Log lines given up: reader slow or gone", "counter", () => {
      const dropped = readDroppedLines();
      return keysOf(ALL_KINDS).map((kind) => [{ kind }, dropped[kind]]);
    }),
  );
  const reloads = add(
    new Counter<"ok" | "refused">(name("config_reloads_total"), "Reloads of the config", [
      ["ok", { result: "ok" }],
      ["refused", { result: "refused" }],
    ]),
  );
  const inForce = { strings: 0, patterns: 0, generation: 0, since: 0 };
  judgingGauge("banned_strings", "Banned strings in force", () => inForce.strings);
  judgingGauge("allowed_patterns", "Allow patterns in force", () => inForce.patterns);
  // No hash of the list: its strings are secret, and whoever can guess a list could confirm it.
  gauge("config_generation", "How often a config came into force since start", () => inForce.generation);
  gauge("config_loaded_timestamp_seconds", "When the config in force was loaded", () => inForce.since);
  add(
    new Reading(
      name("event_loop_delay_seconds"),
      "How long the agent kept what waited for it, of the last one to two minutes",
      "gauge",
      () => {
        const { max, p99 } = readLoopDelay();
        return [
          [{ stat: "max" }, max],
          [{ stat: "p99" }, p99],
        ];
      },
    ),
  );
  add(new Reading(`${prefix}_build_info`, "1, with the version of the agent", "gauge", () => [[{ version }, 1]]));
  gauge("ready", "1 while new processes are guarded", () => Number(isReady()));
  gauge("attached", "1 while the kernel program is attached", () => Number(isAttached()));

  function gauge(rest: string, help: string, read: () => number, to = add): void {
    to(new Reading(name(rest), help, "gauge", () => [[{}, read()]]));
  }

  function judgingGauge(rest: string, help: string, read: () => number): void {
    gauge(rest, help, read, addJudging);
  }

  return {
    decided: (source, decision) => decisions.set(`${source} ${decision}`, decisions.get(`${source} ${decision}`)! + 1),
    scanned: () => void scanned++,
    scanFailed: (why) => scanFailures.add(why),
    scanFinished(seconds) {
      scanSeconds.observe(seconds);
      lastScan = Date.now() / 1000;
    },
    lookupFailed: (why) => lookupFailures.add(why),
    unexpectedError: () => unexpectedErrors.add("all"),
    reloaded: (result) => reloads.add(result),
    loaded() {
      inForce.generation++;
      inForce.since = Date.now() / 1000;
    },
    inForce(rules) {
      inForce.strings = rules.strings.length;
      inForce.patterns = rules.allow.length;
      inForce.generation++;
      inForce.since = Date.now() / 1000;
    },
    loggedAndKilled: (seconds) => logAndKill.observe(seconds),
    killedIfNeeded: (seconds) => killIfNeeded.observe(seconds),
    text() {
      kernel.refresh();
      return all.map((metric) => metric.expose()).join("");
    },
  };
}

const ALL_KINDS: Readonly<Record<LineKind, 0>> = {
  kill: 0,
  "would-kill": 0,
  "let-go": 0,
  spare: 0,
  refusal: 0,
  lookup: 0,
  summary: 0,
  notice: 0,
  debug: 0,
};

const ALL_ACTIONS: Readonly<Record<SummedAction, 0>> = {
  killed: 0,
  "missed-kill": 0,
  "kill-failed": 0,
  "would-kill": 0,
  "let-go": 0,
  spared: 0,
};

const RUNTIME_STATES: Readonly<Record<RuntimeState, true>> = {
  starting: true,
  answers: true,
  absent: true,
  "not-permitted": true,
  refused: true,
  silent: true,
  "not-a-runtime": true,
  failing: true,
};

const LOOKUP_FAILURES: Readonly<Record<LookupFailure, true>> = {
  absent: true,
  "not-permitted": true,
  refused: true,
  silent: true,
  "not-a-runtime": true,
  failing: true,
  "not-known": true,
  foreign: true,
  "too-many": true,
};

function keysOf<K extends string>(closedSet: Readonly<Record<K, unknown>>): readonly K[] {
  return Object.keys(closedSet) as K[];
}

const DECISIONS: readonly Decision[] = [
  "killed",
  "missed",
  "kill-failed",
  "would-kill",
  "is-substring",
  "allowed-pattern",
  "no-match",
];

function decisionCounts(): Map<`${Source} ${Decision}`, number> {
  const sources = Object.keys(BY_SOURCE) as Source[];
  return new Map(
    sources.flatMap((source) => DECISIONS.map((decision) => [`${source} ${decision}` as const, 0] as const)),
  );
}

const NONE: SensorCounters = {
  checked: 0n,
  killed: 0n,
  would_kill: 0n,
  kill_failed: 0n,
  spared_substring: 0n,
  spared_pattern: 0n,
  let_go: 0n,
  unreadable: 0n,
  over_long: 0n,
  put_off: 0n,
  later_busy: 0n,
  changed: 0n,
  unchecked: 0n,
  budget_exceeded: 0n,
  kill_events_lost: 0n,
  other_events_lost: 0n,
  told_killed: 0n,
  told_would_kill: 0n,
  told_kill_failed: 0n,
  told_spared_substring: 0n,
  told_spared_pattern: 0n,
  told_let_go: 0n,
  summed_killed: 0n,
  summed_would_kill: 0n,
  summed_kill_failed: 0n,
  summed_spared_substring: 0n,
  summed_spared_pattern: 0n,
  summed_let_go: 0n,
};

/** One reading of the kernel's counters for a whole exposition. */
class KernelCounters {
  readonly #read: () => SensorCounters | null;
  #noMatch = 0n;
  readonly #untold = new Map<TalliedVerdict, bigint>();
  last: SensorCounters = NONE;

  constructor(read: () => SensorCounters | null) {
    this.#read = read;
  }

  refresh(): void {
    // Detached: the last values stand, as a counter must not fall while its process lives.
    this.last = this.#read() ?? this.last;
    const { checked, killed, would_kill, kill_failed, spared_substring, spared_pattern, let_go } = this.last;
    const rest = checked - killed - would_kill - kill_failed - spared_substring - spared_pattern - let_go;
    // The CPUs' counters are read one after the other while they run: the difference may waver, the series must not fall.
    if (rest > this.#noMatch) this.#noMatch = rest;
    // One that is just being told is counted and not yet told: the same.
    for (const name of TALLIED_VERDICTS) {
      const untold = this.last[name] - this.last[`told_${name}`];
      if (untold > (this.#untold.get(name) ?? 0n)) this.#untold.set(name, untold);
    }
  }

  /** Of what was decided, how many had no event. */
  untold(action: SummedAction): bigint {
    const verdicts = TALLIED_VERDICTS.filter((verdict) => ACTION_OF_VERDICT[verdict] === action);
    return verdicts.reduce((sum, verdict) => sum + (this.#untold.get(verdict) ?? 0n), 0n);
  }

  allowed(source: Source, by: "is-substring" | "allowed-pattern" | "no-match"): bigint {
    if (source !== KERNEL.source) return 0n;
    if (by === "is-substring") return this.last.spared_substring;
    return by === "allowed-pattern" ? this.last.spared_pattern : this.#noMatch;
  }
}
