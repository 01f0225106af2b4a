// What in lists of names does nothing, or too much.
import { isV4, showNetwork } from "../address.js";
import { placeOf } from "./lines.js";
import { findName, type NameEntry } from "./lists.js";
import type { NameRules } from "./rules.js";

/** As of banned networks: one of fewer bits is more than somebody's service has. */
const WIDE_BITS = { v4: 96 + 12, v6: 24 };

export interface NameFinding {
  readonly level: "warning" | "info";
  readonly place: string;
  /** Or the network, of the list of what may be reached. */
  readonly name: string;
  readonly finding: string;
}

export function* nameFindings({ listed, spared, egress }: NameRules): Generator<NameFinding> {
  const [pools, exceptions] = [byName(listed), byName(spared)];
  for (const entry of listed) {
    const at = { place: placeOf(entry), name: entry.name };
    if (!entry.name.includes("."))
      yield { level: "warning", ...at, finding: "is a top-level domain, and stands for all names below it" };
    const exception = exceptions.get(entry.name);
    if (exception !== undefined)
      yield { level: "warning", ...at, finding: `does nothing: ${placeOf(exception)} allows it` };
    const above = aboveOf(entry.name);
    const pool = findName(above, pools);
    const between = findName(above, exceptions);
    // What is allowed in between would decide for it.
    if (pool !== undefined && (between === undefined || between.name.length < pool.name.length))
      yield { level: "info", ...at, finding: `adds nothing: ${placeOf(pool)} lists ${pool.name}` };
  }
  for (const entry of spared) {
    const at = { place: placeOf(entry), name: entry.name };
    if (findName(entry.name, pools) === undefined && !listed.some(({ name }) => name.endsWith(`.${entry.name}`)))
      yield { level: "info", ...at, finding: "does nothing: no list has it, or a name above or below it" };
  }
  for (const network of egress?.networks ?? []) {
    if (network.bits < (isV4(network.address) ? WIDE_BITS.v4 : WIDE_BITS.v6))
      yield {
        level: "warning",
        place: placeOf(network),
        name: showNetwork(network),
        finding: "is so wide that pods may reach what nobody listed",
      };
  }
  for (const entry of egress?.names ?? []) {
    const at = { place: placeOf(entry), name: entry.name };
    if (!entry.name.includes("."))
      yield { level: "warning", ...at, finding: "is a top-level domain: pods may reach whatever is below it" };
    const pool = findName(entry.name, pools);
    const exception = findName(entry.name, exceptions);
    if (pool !== undefined && (exception === undefined || exception.name.length < pool.name.length))
      yield {
        level: "warning",
        ...at,
        finding: `is a pool's, and may be reached: ${placeOf(pool)} lists ${pool.name}`,
      };
  }
}

/** Empty when it has one label. */
function aboveOf(name: string): string {
  const dot = name.indexOf(".");
  return dot < 0 ? "" : name.slice(dot + 1);
}

function byName(entries: readonly NameEntry[]): ReadonlyMap<string, NameEntry> {
  return new Map(entries.map((entry) => [entry.name, entry]));
}
