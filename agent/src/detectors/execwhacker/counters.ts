// The kernel's counters of execwhacker (`enum counter` of bpf/execwhacker/execwhacker.h), as far as the agent reads them.
import type { Counters } from "../../types.js";
import { TALLIED_VERDICTS } from "./tell/verdicts.js";

const SINGLE = [
  /** Execs seen. */
  "checked",
  "killed",
  "would_kill",
  /** The kernel's signal call failed. */
  "kill_failed",
  "spared_substring",
  "spared_pattern",
  "spared_scope",
  /** Could not be searched whole and was let go, as configured. */
  "let_go",
  /** A page of the command line was not resident; what became of it is counted by the verdicts above. */
  "unreadable",
  "over_long",
  /** Looked at once more on its way to user mode; of those, without a state to do it in. */
  "put_off",
  "later_busy",
  /** Someone else wrote to the arguments before they were judged; and execs of which that is not known. */
  "changed",
  "unchecked",
  /** Execs whose arguments could not be searched for wallets, or not to the end. */
  "wallets_unreadable",
  "wallets_over_long",
  /** The same of the environment. */
  "environment_unreadable",
  "environment_over_long",
  /** Execs that live and that the candidate lists would kill: beside the verdicts, not one of them. */
  "candidate",
  /** Execs that the agent was asked to judge: nobody had told which narrow scopes hold in their container. */
  "asked",
  /** The search stopped at its bound of work. */
  "budget_exceeded",
  /** Events that found no room in the ring buffer: log lines lost, never verdicts. */
  "kill_events_lost",
  "other_events_lost",
] as const;

type Verdict = (typeof TALLIED_VERDICTS)[number];

/** `told_`: of the verdicts, those that were sent as events; `summed_`: those that the agent told of by their number. */
export type CounterName = (typeof SINGLE)[number] | `told_${Verdict}` | `summed_${Verdict}`;

export type SensorCounters = Readonly<Record<CounterName, bigint>>;

export const COUNTER_NAMES: readonly CounterName[] = [
  ...SINGLE,
  ...TALLIED_VERDICTS.flatMap((verdict) => [`told_${verdict}`, `summed_${verdict}`] as const),
];

/** @throws where the object counts none of that name: the two were not built together. */
export function sensorCounters(counters: Counters): SensorCounters {
  const missing = COUNTER_NAMES.find((name) => counters[name] === undefined);
  if (missing !== undefined) throw new Error(`the BPF object has no counter ${missing}`);
  return counters as SensorCounters;
}
