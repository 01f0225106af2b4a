// What the kernel could not say of narrow scopes, and how much it knows.
import type { Counter, SeriesMaker } from "../../../report/index.js";
import type { AskedOutcome } from "./asked.js";
import type { KnownCgroups } from "./known.js";

export interface NarrowMetrics {
  judged(as: AskedOutcome): void;
}

export function narrowMetrics(series: SeriesMaker, known: Pick<KnownCgroups, "size" | "noRoom">): NarrowMetrics {
  const asked: Counter<AskedOutcome> = series.counter(
    "narrow_scopes_asked_total",
    "Execs that the kernel left to the agent, as it was not told which narrow scopes hold in their container",
    [
      ["in-scope", { scopes: "some-hold" }],
      ["out-of-scope", { scopes: "none-holds" }],
      ["unknown", { scopes: "unknown" }],
      ["put-off", { scopes: "put-off" }],
    ],
  );
  series.gauge("narrow_scope_cgroups", "Containers' cgroups of which the kernel is told", () => known.size);
  series.reading(
    "narrow_scope_cgroups_without_room_total",
    "Cgroups of which the kernel could not be told",
    "counter",
    () => [[{}, known.noRoom]],
  );
  return { judged: (as) => asked.add(as) };
}
