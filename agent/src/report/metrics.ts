// The metrics that every detector has, and the place where each puts its own. Label values are closed sets; what belongs to one
// process (pid, command line, pod, image) belongs to the log.
import type { ContainerResult, LookupFailure, RuntimeState, RuntimeStatus } from "../types.js";
import { Exemplars } from "./exemplars.js";
import {
  Counter,
  END_OF_OPEN,
  type Form,
  Histogram,
  type Labels,
  type Metric,
  type Read,
  Reading,
} from "./exposition.js";
import type { LineKind } from "./log.js";
import type { TerminalResult } from "./terminals.js";

/** What happens to processes that are counted together. */
export type SummedAction = "killed" | "missed-kill" | "kill-failed" | "would-kill" | "would-live" | "let-go" | "spared";

export interface MetricsOptions {
  /** Stands in the series' names behind the prefix. */
  readonly detector: string;
  /** `CRYPTNONO_METRICS_PREFIX`. */
  readonly prefix?: string;
  /** Times at which the kernel could not run the detector's program: it was blind then. */
  readonly readMissedRuns?: () => number;
  /** Log lines given up so far, see `LineWriter.dropped`. */
  readonly readDroppedLines?: () => Readonly<Record<LineKind, number>>;
  /** What was found and not logged one by one; only grows. */
  readonly readUntold?: () => Readonly<Partial<Record<SummedAction, number | bigint>>>;
  /** The runtimes' sockets; none when containers are not named. */
  readonly readRuntimes?: () => readonly RuntimeStatus[];
  /** The agent's own. */
  readonly version?: string;
  /** Seconds that the event loop keeps what waits for it. */
  readonly readLoopDelay?: () => { readonly max: number; readonly p99: number };
  readonly isReady: () => boolean;
  readonly isAttached: () => boolean;
}

/**
 * Series of a detector's own. `rest` is the name without its beginning, which is `<prefix>_<detector>_`. All series exist from
 * the start, and `help` is the meaning that the reference page has.
 */
export interface SeriesMaker {
  /** @param series - For each the key that `add` takes, and its labels. */
  counter<K extends string>(
    rest: string,
    help: string,
    series: readonly (readonly [key: K, labels: Labels])[],
  ): Counter<K>;
  histogram(rest: string, help: string, bounds?: readonly number[]): Histogram;
  /** A value kept elsewhere, read at the scrape. */
  reading(rest: string, help: string, type: "counter" | "gauge", read: Read): void;
  gauge(rest: string, help: string, read: () => number): void;
  /** Called once before the values of a scrape are read. */
  beforeScrape(refresh: () => void): void;
}

export interface Metrics {
  readonly series: SeriesMaker;
  lookupFailed(why: LookupFailure): void;
  unexpectedError(): void;
  reloaded(result: "ok" | "refused"): void;
  /** A config is in force from now on. */
  inForce(): void;
  /** From a found process's event to its log line. */
  loggedAndKilled(seconds: number): void;
  /** The last kill of a series of `processes_killed_total`, for OpenMetrics. */
  killed(countedAs: Labels, number: string, container: ContainerResult): void;
  terminalTold(result: TerminalResult): void;
  /** The exposition. */
  text(form?: Form): string;
}

/** `CRYPTNONO_METRICS_PREFIX` cannot begin a metric's name. */
export class PrefixError extends Error {
  readonly hint = "letters, digits, `_` and `:`, not a digit first";

  constructor() {
    super("name metrics CRYPTNONO_METRICS_PREFIX: not a metric name's beginning");
    this.name = "PrefixError";
  }
}

/** The contract's ten from 5 ms, and finer ones below, where this agent's times are. */
export const SECONDS: readonly number[] = [
  1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25,
  0.5, 0.75, 1, 2.5, 5, 7.5, 10,
];

/** @throws PrefixError */
export function createMetrics(options: MetricsOptions): Metrics {
  const {
    detector,
    prefix = "cryptnono",
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
  const all: Metric[] = [];
  const refreshes: (() => void)[] = [];
  const kills = new Exemplars();
  const series = seriesMaker(`${prefix}_${detector.replaceAll("-", "_")}_`, all, refreshes, kills);
  const { counter, reading, gauge } = series;

  const unexpectedErrors = counter("unexpected_errors_total", "Faults of the agent itself", [["all", {}]]);
  const logAndKill = series.histogram(
    "log_and_kill_execution_seconds",
    "From a found process's event to its log line, container look-up included",
  );
  reading(
    "processes_tallied_total",
    "Processes without a log line of their own: the count of a summary has them",
    "counter",
    () => {
      const untold = readUntold();
      return keysOf(ALL_ACTIONS).map((action) => [{ action }, untold[action] ?? 0]);
    },
  );
  reading("program_missed_runs_total", "Times at which the kernel could not run the program", "counter", () => [
    [{}, readMissedRuns()],
  ]);
  const lookupFailures = counter<LookupFailure>(
    "container_lookup_failures_total",
    "Containers that could not be named",
    keysOf(LOOKUP_FAILURES).map((reason) => [reason, { reason }]),
  );
  reading("container_runtimes", "Sockets of container runtimes, by what they are good for", "gauge", () => {
    const runtimes = readRuntimes();
    return (["cri", "docker"] as const).flatMap((type) =>
      keysOf(RUNTIME_STATES).map(
        (state) =>
          [{ type, state }, runtimes.filter((one) => one.type === type && one.state === state).length] as const,
      ),
    );
  });
  reading("log_lines_dropped_total", "Log lines given up: reader slow or gone", "counter", () => {
    const dropped = readDroppedLines();
    return keysOf(ALL_KINDS).map((kind) => [{ kind }, dropped[kind]]);
  });
  const reloads = counter<"ok" | "refused">("config_reloads_total", "Reloads of the config", [
    ["ok", { result: "ok" }],
    ["refused", { result: "refused" }],
  ]);
  const terminalLines = counter<TerminalResult>(
    "terminal_lines_total",
    "Lines to terminals of what was killed",
    keysOf(TERMINAL_RESULTS).map((result) => [result, { result }]),
  );
  const inForce = { generation: 0, since: 0 };
  // No hash of what is in force: banned strings are secret, and whoever can guess a list could confirm it.
  gauge("config_generation", "How often a config came into force since start", () => inForce.generation);
  gauge("config_loaded_timestamp_seconds", "When the config in force was loaded", () => inForce.since);
  reading(
    "event_loop_delay_seconds",
    "How long the agent kept what waited for it, of the last one to two minutes",
    "gauge",
    () => {
      const { max, p99 } = readLoopDelay();
      return [
        [{ stat: "max" }, max],
        [{ stat: "p99" }, p99],
      ];
    },
  );
  all.push(new Reading(`${prefix}_build_info`, "1, with the version of the agent", "gauge", () => [[{ version }, 1]]));
  gauge("ready", "1 while the detector guards", () => Number(isReady()));
  gauge("attached", "1 while the kernel program is attached", () => Number(isAttached()));

  return {
    series,
    lookupFailed: (why) => lookupFailures.add(why),
    unexpectedError: () => unexpectedErrors.add("all"),
    reloaded: (result) => reloads.add(result),
    inForce() {
      inForce.generation++;
      inForce.since = Date.now() / 1000;
    },
    loggedAndKilled: (seconds) => logAndKill.observe(seconds),
    killed: (countedAs, number, container) => kills.killed(countedAs, number, container, Date.now() / 1000),
    terminalTold: (result) => terminalLines.add(result),
    text(form = "text") {
      for (const refresh of refreshes) refresh();
      return all.map((metric) => metric.expose(form)).join("") + (form === "open" ? END_OF_OPEN : "");
    },
  };
}

/** The series of every detector whose exemplars are kills. */
const KILLS = "processes_killed_total";

/** @param beginning - Of the series' names. */
function seriesMaker(beginning: string, all: Metric[], refreshes: (() => void)[], kills: Exemplars): SeriesMaker {
  const add = <M extends Metric>(metric: M): M => {
    all.push(metric);
    return metric;
  };
  return {
    counter: (rest, help, series) => add(new Counter(beginning + rest, help, series)),
    histogram: (rest, help, bounds = SECONDS) => add(new Histogram(beginning + rest, help, bounds)),
    reading(rest, help, type, read) {
      const exemplars = rest === KILLS ? [(labels: Labels) => kills.of(labels)] : [];
      add(new Reading(beginning + rest, help, type, read, ...exemplars));
    },
    gauge: (rest, help, read) => void add(new Reading(beginning + rest, help, "gauge", () => [[{}, read()]])),
    beforeScrape: (refresh) => void refreshes.push(refresh),
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

/** None of any. */
export const ALL_ACTIONS: Readonly<Record<SummedAction, 0>> = {
  killed: 0,
  "missed-kill": 0,
  "kill-failed": 0,
  "would-kill": 0,
  "would-live": 0,
  "let-go": 0,
  spared: 0,
};

const TERMINAL_RESULTS: Readonly<Record<TerminalResult, true>> = {
  told: true,
  "no-terminal": true,
  full: true,
  "not-permitted": true,
  gone: true,
  stuck: true,
  "too-many": true,
  failed: true,
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
