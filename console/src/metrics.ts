// The console's own numbers, as Prometheus text. Closed sets alone: no pod, no user and no command line.

import type { Database } from "./keep/database.js";
import { hourly } from "./keep/queries.js";
import { HOUR_MS } from "./keep/store.js";
import type { Coverage, FollowedAgent } from "./read/coverage.js";
import { KILLS } from "./types.js";

export interface MetricParts {
  readonly db: () => Database;
  readonly coverage: () => Coverage;
  readonly rows: () => number;
  readonly dropped: () => number;
  readonly alerts: () => { readonly sent: number; readonly failed: number; readonly refused: number } | null;
  readonly now: () => number;
}

/** Kills of one pod within an hour that make it one of those. */
const AGAIN = 5;
const STATES: readonly FollowedAgent["state"][] = ["followed", "silent", "unreadable"];

export function metricsText({ db, coverage, rows, dropped, alerts, now }: MetricParts): string {
  const { agents, unguarded, counts } = coverage();
  const lines: string[] = [];
  const add = (
    name: string,
    type: string,
    help: string,
    values: readonly (readonly [labels: string, value: number])[],
  ) => {
    lines.push(`# HELP cryptnono_console_${name} ${help}`, `# TYPE cryptnono_console_${name} ${type}`);
    for (const [labels, value] of values) lines.push(`cryptnono_console_${name}${labels} ${value}`);
  };
  add(
    "logs",
    "gauge",
    "Logs of agents, by whether they can be followed",
    STATES.map((state) => [`{state="${state}"}`, agents.filter((agent) => agent.state === state).length]),
  );
  if (unguarded !== null)
    add("nodes_unguarded", "gauge", "Nodes without an agent that guards", [["", unguarded.length]]);
  add("lines_total", "counter", "Lines read", [
    ['{kind="agent"}', counts.lines - counts.foreign],
    ['{kind="foreign"}', counts.foreign],
    ['{kind="overlong"}', counts.overlong],
  ]);
  add("processes_kept_total", "counter", "Processes and summaries that were written", [["", rows()]]);
  add("lines_lost_total", "counter", "Lines that found no room while the disk was full", [["", dropped()]]);
  add("pods_killed_again", "gauge", `Pods with ${AGAIN} kills or more within the last hour`, [
    ["", podsKilledAgain(db(), now())],
  ]);
  const kills = hourly(db(), now() - HOUR_MS).filter(({ action }) => KILLS.includes(action));
  add("kills_last_hours", "gauge", "Kills of this hour and the one before", [
    ["", kills.reduce((sum, { count }) => sum + count, 0)],
  ]);
  const told = alerts();
  if (told !== null)
    add(
      "alerts_total",
      "counter",
      "Tries to tell a target",
      (["sent", "failed", "refused"] as const).map((result) => [`{result="${result}"}`, told[result]]),
    );
  return `${lines.join("\n")}\n`;
}

function podsKilledAgain(db: Database, nowMs: number): number {
  const sql = `SELECT count(*) AS n FROM (
    SELECT 1 FROM sightings WHERE id >= ? AND pod IS NOT NULL AND action IN ('killed', 'kill-failed', 'missed-kill')
    GROUP BY namespace, pod HAVING sum(count) >= ${AGAIN})`;
  return (db.prepare(sql).get((nowMs - HOUR_MS) * 1000) as { n: number }).n;
}
