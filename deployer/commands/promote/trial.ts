// What is known of how a candidate fared, wherever it was read.

/** A candidate as the agents name it: its file's name, and the revision that stands in it. */
export interface Tried {
  /** The list's, without what the chart adds. */
  readonly list: string;
  readonly revision: string;
}

export interface Trial {
  readonly hours: number;
  readonly execs: number;
  /** Pods with a process that would fare otherwise; containers where that is what was counted. */
  readonly wouldKill: number;
  readonly wouldLive: number;
  /** Where it cannot be said. */
  readonly unknown: number;
  /** Agents that refuse it at this moment, as far as that is known. */
  readonly refused: number;
}

export interface Gate {
  readonly hours: number;
  readonly execs: number;
  readonly mostPods: number;
}

/** The names that a candidate's list may have in logs and metrics: of several together there is a plus between two. */
export function namesOf({ list }: Tried): readonly string[] {
  return [`${list}.candidate`, list];
}

/** Why it must not be promoted; nothing: it may. */
export function reasonsAgainst({ hours, execs, wouldKill, wouldLive, unknown, refused }: Trial, gate: Gate): string[] {
  const pods = wouldKill + wouldLive + unknown;
  return [
    ...(refused > 0 ? [`${refused} ${refused === 1 ? "agent refuses" : "agents refuse"} it`] : []),
    ...(hours < gate.hours ? [`it was compared for ${Math.floor(hours * 10) / 10} hours of ${gate.hours}`] : []),
    ...(execs < gate.execs ? [`it was compared at ${Math.floor(execs)} execs of ${gate.execs}`] : []),
    ...(pods > gate.mostPods
      ? [
          `in ${pods} pods a process would fare otherwise, and ${gate.mostPods} may be: ` +
            `${wouldKill} would kill, ${wouldLive} would let live, ${unknown} unknown`,
        ]
      : []),
  ];
}
