// The names of pools that stand behind the list of strings: what `flowkiller` looks for in questions and in what connections say.
import type { BenignLine } from "./benign-lines.js";
import { hosts, words } from "./facts.js";
import { poolHosts } from "./rules/hosts.js";
import type { BannedList, Candidate } from "./types.js";

/** What the list of names is, and what is not in it for a reason that people may want to know. */
export interface PoolNames {
  /** Small letters; each stands for itself and all names below it, and none is below another. Sorted. */
  readonly names: readonly string[];
  readonly dropped: readonly { readonly name: string; readonly reason: string }[];
}

/** Labels that a listed name may have (`NAME_LABELS` of bpf/flowkiller/names.h), and bytes (RFC 1035, 2.3.4). */
const MOST_LABELS = 6;
const MOST_BYTES = 253;
const RULES = ["pool-domain", "pool-host"];
const NAME = /^(?!-)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})+$/;
const HOST = /[a-z0-9_-]+(\.[a-z0-9_-]+)+/g;

/**
 * @param list - What the generator made. Of its candidates those of the rules `pool-domain` and `pool-host` count, and those that are a
 *   host of the facts; one that another string covers is a name of its own. Sites that served miners to browsers do not: who opens
 *   such a page is no miner.
 * @param benign - A name that a host of these lines stands below is dropped.
 */
export function poolNames({ kept, dropped: out }: BannedList, benign: readonly BenignLine[]): PoolNames {
  const facts = new Set(poolHosts(hosts(), words("shared-domains"), words("weak-hosts")).map(({ value }) => value));
  const isHost = ({ value, also, rule }: Candidate) => also === undefined && (RULES.includes(rule) || facts.has(value));
  const covered = out.filter(({ reason }) => reason.startsWith("contains "));
  const all = new Set([...kept, ...covered].filter(isHost).map(({ value }) => value));
  const reasons = new Map<string, string>();
  for (const name of all) {
    const reason = problemOf(name);
    if (reason !== null) reasons.set(name, reason);
  }
  for (const { text, place } of benign) {
    if (!text.includes(".")) continue;
    for (const [host] of text.toLowerCase().matchAll(HOST)) {
      for (const name of suffixesOf(host))
        if (all.has(name) && !reasons.has(name)) reasons.set(name, `benign ${place} has a host below it`);
    }
  }
  const good = [...all].filter((name) => !reasons.has(name));
  const goodNames = new Set(good);
  const isBelow = (name: string) => suffixesOf(name).some((above) => above !== name && goodNames.has(above));
  return {
    names: good.filter((name) => !isBelow(name)).sort(),
    dropped: [...reasons].map(([name, reason]) => ({ name, reason })).sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

/** Why `flowkiller` would not take it; null: it would. */
export function problemOf(name: string): string | null {
  if (name.length > MOST_BYTES) return `longer than ${MOST_BYTES} bytes`;
  // The last label of an address is a number; no top-level domain is.
  if (!NAME.test(name) || /\.\d+$/.test(name)) return "no name of a host";
  const labels = name.split(".").length;
  return labels > MOST_LABELS ? `${labels} labels, ${MOST_LABELS} are the most` : null;
}

/** From the whole to its last two labels. */
function suffixesOf(name: string): string[] {
  const labels = name.split(".");
  return labels.slice(0, -1).map((_, i) => labels.slice(i).join("."));
}
