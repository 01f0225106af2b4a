// The words that the console's folders share: what a log line becomes, and what is kept of it.

/** What became of a process, by the log's own words; `candidate` for what a list that is only tried would have killed. */
export type Action = (typeof ACTIONS)[number];

/** From the weakest to the strongest: a process has one row, and the strongest of what was said of it stands there. */
export const ACTIONS = [
  "observed",
  "would-live",
  "spared",
  "candidate",
  "would-refuse",
  "refused",
  "let-go",
  "would-kill",
  "missed-kill",
  "kill-failed",
  "killed",
] as const;

/** Those by which somebody becomes an offender: a process that died, or that was to die by an enforced rule. */
export const KILLS: readonly Action[] = ["missed-kill", "kill-failed", "killed"];

/** One process, or with `count` above 1 many that have one line together. */
export interface Sighting {
  /** Milliseconds since 1970, by the line's own time. */
  readonly at: number;
  readonly node: string;
  /** Null for a summary, as every other key that only one process has. */
  readonly pid: number | null;
  readonly startTime: string | null;
  readonly action: Action;
  readonly count: number;
  readonly detector: string;
  /** Quoted as a shell would read it. */
  readonly cmdline: string;
  /** The banned string: a secret. Everything that shows it passes `show/mask.ts`. */
  readonly matched: string | null;
  readonly rule: string | null;
  readonly namespace: string | null;
  readonly pod: string | null;
  readonly container: string | null;
  readonly containerId: string | null;
  readonly image: string | null;
  /** The hub's user, as far as the pod's name tells. */
  readonly user: string | null;
  readonly repository: string | null;
  /** The client's address, from the container's specification. */
  readonly address: string | null;
  readonly wallet: string | null;
  /** The whole line, as JSON. */
  readonly line: string;
}

/** A line about an agent, not about a process. */
export interface Notice {
  readonly at: number;
  readonly node: string;
  readonly detector: string;
  readonly level: string;
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Where a log line came from. */
export interface Source {
  /** Stands for the log in messages and for its place in the database. */
  readonly name: string;
  readonly node: string;
  /** The container's name in a pod of agents, which is the detector's. */
  readonly detector?: string;
}
