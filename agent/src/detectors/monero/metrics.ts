// The detector's own metrics. Label values are closed sets.
import type { TickCounts } from "@cryptnono/native";
import type { SeriesMaker } from "../../report/index.js";
import type { Counters } from "../../types.js";
import type { ExecResult } from "./memory/at-exec.js";
import type { SearchCounts, SearchFailure } from "./memory/scan.js";
import type { Rule } from "./record.js";

export interface MoneroMetricsOptions {
  /** The kernel's; null when others go on with them. */
  readonly readCounters: () => Counters | null;
  readonly readTicks: () => TickCounts;
  /** Programs that wait for the look into their file. */
  readonly readWaiting: () => number;
}

/** What the agent did; what the kernel did is read from it. */
export type AgentAction = "killed" | "missed" | "kill-failed" | "would-kill" | "spared";

export interface MoneroMetrics {
  did(action: AgentAction, rule: Rule): void;
  /** What the memory scan does. */
  readonly search: SearchCounts;
  /** What became of a program that began. */
  readonly exec: (result: ExecResult) => void;
  /** A process whose file has an algorithm's constants. */
  marked(): void;
}

const RULES: readonly Rule[] = ["registers", "four-modes", "algorithm"];
const KERNEL_NAMES: Readonly<Partial<Record<Rule, string>>> = { registers: "registers", "four-modes": "four_modes" };

export function moneroMetrics(
  series: SeriesMaker,
  { readCounters, readTicks, readWaiting }: MoneroMetricsOptions,
): MoneroMetrics {
  let last: Counters = {};
  series.beforeScrape(() => {
    // Detached: the last values stand, as a counter must not fall while its process lives.
    last = readCounters() ?? last;
  });
  const of = (name: string) => last[name] ?? 0n;
  const done = new Map<string, number>();
  const byAgent = (action: AgentAction, rule: Rule) => BigInt(done.get(`${action} ${rule}`) ?? 0);

  function byRule(rest: string, help: string, action: AgentAction, counter?: string): void {
    series.reading(rest, help, "counter", () =>
      RULES.map((rule) => {
        const kernel = KERNEL_NAMES[rule];
        return [
          { rule },
          byAgent(action, rule) + (counter === undefined || kernel === undefined ? 0n : of(`${counter}_${kernel}`)),
        ];
      }),
    );
  }

  series.reading(
    "samples_total",
    "Times at which a program was interrupted and its rounding looked at",
    "counter",
    () => [
      [{ rounding: "nearest" }, of("samples") - of("directed")],
      [{ rounding: "directed" }, of("directed")],
    ],
  );
  byRule("processes_killed_total", "Processes killed, by the rule that found them", "killed", "killed");
  byRule("processes_missed_total", "Processes that exited before they could be killed", "missed");
  byRule("processes_kill_failed_total", "Processes that could not be killed", "kill-failed");
  byRule("processes_would_kill_total", "Processes spared by audit mode alone", "would-kill", "would_kill");
  byRule("processes_allowed_total", "Processes that an allow pattern spared", "spared");
  series.reading("signals_put_off_total", "Signals that had to wait until the process came back", "counter", () => [
    [{}, of("put_off")],
  ]);
  series.reading("events_lost_total", "Events that found no room in the ring buffer: log lines lost", "counter", () => [
    [{}, of("events_lost")],
  ]);
  series.reading("samples_untracked_total", "Samples of processes for which there was no room", "counter", () => [
    [{}, of("untracked")],
  ]);

  series.reading(
    "ticks_total",
    "Times at which a processor that computes was interrupted, to be looked at",
    "counter",
    () => {
      const { ticks, refused } = readTicks();
      return [
        [{ result: "made" }, ticks],
        [{ result: "refused" }, refused],
      ];
    },
  );
  series.reading("tick_seconds_total", "Processor time that this took", "counter", () => [
    [{}, readTicks().cpuNs / 1e9],
  ]);
  const searches = { candidates: 0, bytes: 0, ns: 0 };
  series.reading("memory_candidates_total", "Looks into the memory of processes that burned CPU", "counter", () => [
    [{}, searches.candidates],
  ]);
  series.reading("memory_searched_bytes_total", "Bytes of other processes that were searched", "counter", () => [
    [{}, searches.bytes],
  ]);
  series.reading("memory_search_seconds_total", "Processor time that these searches took", "counter", () => [
    [{}, searches.ns / 1e9],
  ]);
  const failures = series.counter<SearchFailure>(
    "memory_failures_total",
    "Processes whose memory could not be searched",
    [
      ["vanished", { reason: "vanished" }],
      ["unreadable", { reason: "unreadable" }],
      ["stuck", { reason: "stuck" }],
    ],
  );

  const execs = series.counter<ExecResult>(
    "memory_execs_total",
    "Programs that began, by what became of the look into their file",
    [
      ["searched", { result: "searched" }],
      ["cached", { result: "cached" }],
      ["put-off", { result: "put-off" }],
      ["vanished", { result: "vanished" }],
      ["unreadable", { result: "unreadable" }],
    ],
  );
  series.reading("memory_execs_untold_total", "Programs that began and were too many to look into", "counter", () => [
    [{}, of("execs_untold")],
  ]);
  series.reading("memory_execs_waiting", "Programs that wait for the look into their file", "gauge", () => [
    [{}, readWaiting()],
  ]);
  let marked = 0;
  series.reading("memory_marked_total", "Processes whose file holds an algorithm's constants", "counter", () => [
    [{}, marked],
  ]);

  return {
    exec: (result) => execs.add(result),
    marked: () => void marked++,
    search: {
      candidate: () => void searches.candidates++,
      searched(bytes, cpuNs) {
        searches.bytes += bytes;
        searches.ns += cpuNs;
      },
      failed: (why) => failures.add(why),
    },
    did(action, rule) {
      const key = `${action} ${rule}`;
      done.set(key, (done.get(key) ?? 0) + 1);
    },
  };
}
