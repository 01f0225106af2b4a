// Metrics about names, by their evidence.
import type { SeriesMaker } from "../../../report/index.js";
import type { Counters } from "../../../types.js";
import { EVIDENCE } from "./record.js";

export interface NamesMetricsOptions {
  /** The kernel's; null when others go on with them. */
  readonly readCounters: () => Counters | null;
  readonly readNames: () => { readonly listed: number; readonly spared: number };
  readonly mode: () => "audit" | "enforce";
}

export interface NamesMetrics {
  /** The kernel's kills, which are told among all of the detector. */
  kernelKilled(): bigint;
}

const PROTOCOLS = ["tls", "http", "json", "proxied", "other"] as const;

export function namesMetrics(series: SeriesMaker, options: NamesMetricsOptions): NamesMetrics {
  let last: Counters = {};
  series.beforeScrape(() => {
    last = options.readCounters() ?? last;
  });
  const of = (name: string) => last[name] ?? 0n;
  const single = (rest: string, help: string, read: () => bigint | number) =>
    series.reading(rest, help, "counter", () => [[{}, read()]]);

  series.reading("names_found_total", "Names of the lists, logins of miners, and destinations of pods", "counter", () =>
    Object.entries(EVIDENCE).map(([name, evidence]) => [{ evidence }, of(hitOf(name))]),
  );
  series.reading("names_blocked_total", "What did not leave, by what it was", "counter", () => [
    [{ what: "question" }, of("dropped")],
    [{ what: "connect" }, of("refused")],
    [{ what: "flow" }, of("blocked")],
  ]);
  single("names_connects_checked_total", "Connects and sends that were looked up among addresses of answers", () =>
    of("connects"),
  );
  single("names_flows_total", "TCP connections that were followed to their first words", () => of("flows"));
  series.reading("names_flows_read_total", "Of them, by what they began to speak", "counter", () =>
    PROTOCOLS.map((protocol) => [{ protocol }, of(`flows_${protocol}`)]),
  );
  series.reading(
    "names_flows_unread_total",
    "Of them, those that could not be read to the end, and why",
    "counter",
    () => [
      [{ reason: "too-long" }, of("flows_cut")],
      [{ reason: "bytes-missed" }, of("flows_gap")],
      [{ reason: "no-server-name" }, of("no_sni")],
      [{ reason: "compressed" }, of("compressed")],
    ],
  );
  series.reading("names_dns_messages_total", "Questions and answers of DNS that were read", "counter", () => [
    [{ kind: "question" }, of("questions")],
    [{ kind: "answer" }, of("answers")],
  ]);
  series.reading("names_dns_unread_total", "Those that were not, and why", "counter", () => [
    [{ reason: "broken" }, of("answers_broken")],
    [{ reason: "busy" }, of("busy")],
  ]);
  single("names_sockets_unfollowed_total", "Sockets that the kernel had no room to follow", () => of("no_storage"));
  series.reading("names_events_lost_total", "Events that found no room in the ring buffer", "counter", () => [
    [{ kind: "kill" }, of("kill_events_lost")],
    [{ kind: "other" }, of("other_events_lost")],
  ]);
  series.gauge("listed_names", "Names of pools in force", () => options.readNames().listed);
  series.gauge("allowed_names", "Names in force that win over those", () => options.readNames().spared);
  series.gauge("names_enforced", "1 while what is found is blocked and killed", () =>
    Number(options.mode() === "enforce"),
  );

  return { kernelKilled: () => of("killed") };
}

/** The counter's name: EVIDENCE_SNI is `hit_sni`. */
function hitOf(name: string): string {
  return `hit_${name.slice("EVIDENCE_".length).toLowerCase()}`;
}
