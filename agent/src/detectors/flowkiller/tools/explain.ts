// `cryptnono explain-destination`: what the lists say of an address or a name, by file and line.
import { UsageError } from "../../../errors.js";
import {
  AddressError,
  isWithin,
  parseNetwork,
  showAddress,
  showDestination,
  showNetwork,
  unwrapped,
} from "../address.js";
import { readNetworks, readSettings } from "../index.js";
import { type Entries, placeOf } from "../lists.js";
import { explainName, isName, nameWords } from "../names/explain.js";
import { type EgressRules, type ListedNetwork, readNameRules } from "../names/rules.js";
import { isPublic } from "../public.js";
import type { Said, Settings } from "../settings.js";
import { findEntry, findsOf } from "../tables.js";

export interface ExplainOptions {
  readonly config: readonly string[];
  readonly said: Said;
  readonly json: boolean;
}

/** What would become of one destination. */
export interface Explanation {
  readonly destination: string;
  /** What it is unwrapped to, when it is an IPv4 address in IPv6's clothes. */
  readonly means?: string;
  readonly verdict: "refused" | "allowed" | "passes";
  /** Every entry that bans it, the one that the log would name first. */
  readonly banned: readonly Place[];
  /** The entry that wins over those. */
  readonly allowed: readonly Place[];
  /** It counts for the scan rule and the egress budget. */
  readonly counts: boolean;
  /** By which network of their list pods that reach only what is listed may reach it; null: by none. Left out: there are no such pods. */
  readonly reachedBy?: Place | null;
}

export interface Place {
  readonly place: string;
  readonly network: string;
}

/** @returns the status: 3 when one of them would be refused, else 0. @throws ConfigError, UsageError */
export function explainDestinations(
  destinations: readonly string[],
  options: ExplainOptions,
  print: (text: string) => void = (text) => void process.stdout.write(text),
): number {
  const settings = readSettings(options);
  const networks = readNetworks(settings);
  const names = readNameRules(settings, "enforce");
  const all = destinations.map((text) =>
    isName(text) ? explainName(text, names) : explain(text, networks, settings, names.egress),
  );
  if (options.json) print(`${JSON.stringify(all, null, 2)}\n`);
  else for (const one of all) print("name" in one ? nameWords(one) : wordsOf(one));
  return all.some(({ verdict }) => verdict === "refused" || verdict === "blocked") ? 3 : 0;
}

export function explain(
  text: string,
  { banned, allowed }: { readonly banned: Entries; readonly allowed: Entries },
  settings: Settings,
  egress: Pick<EgressRules, "networks"> | null = null,
): Explanation {
  const { address: given, port } = parse(text);
  const address = unwrapped(given);
  const isWrapped = address !== given;
  const destination = port === 0 ? showAddress(given) : showDestination(given, port);
  // The prefix of NAT64 may be listed itself.
  const first = [findEntry(banned, address, port), ...(isWrapped ? [findEntry(banned, given, port)] : [])];
  const named = first.find((index) => index >= 0) ?? -1;
  const more = [...findsOf(banned, address, port), ...(isWrapped ? findsOf(banned, given, port) : [])];
  const bans = named < 0 ? [] : [named, ...more.filter((index) => index !== named)];
  const allows = findEntry(allowed, address, 0);
  const verdict = bans.length === 0 ? "passes" : allows < 0 ? "refused" : "allowed";
  return {
    destination,
    ...(isWrapped ? { means: showAddress(address) } : {}),
    verdict,
    banned: bans.map((index) => placesOf(banned, index)),
    allowed: allows < 0 ? [] : [placesOf(allowed, allows)],
    counts: allows < 0 && isPublic(address, settings),
    ...(egress === null ? {} : { reachedBy: networkAround(address, egress.networks) }),
  };
}

function parse(text: string): { readonly address: Uint8Array; readonly port: number } {
  try {
    const { address, bits, port } = parseNetwork(text);
    if (bits !== 128) throw new AddressError("one address", "a network");
    return { address, port };
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    throw new UsageError(
      `explain ${JSON.stringify(text)}: ${error.message}`,
      "192.0.2.1, 192.0.2.1:3333, 2001:db8::1, [2001:db8::1]:3333 or a name such as pool.example",
    );
  }
}

/** The smallest of them. */
function networkAround(address: Uint8Array, networks: readonly ListedNetwork[]): Place | null {
  const around = networks.filter((network) => isWithin(address, network)).toSorted((a, b) => b.bits - a.bits)[0];
  return around === undefined ? null : { place: placeOf(around), network: showNetwork(around) };
}

function placesOf(entries: Entries, index: number): Place {
  const entry = entries.at(index)!;
  return { place: placeOf(entry), network: showNetwork(entry) };
}

function wordsOf({ destination, means, verdict, banned, allowed, counts, reachedBy }: Explanation): string {
  const what = means === undefined ? destination : `${destination} (which is ${means})`;
  const [first, ...others] = banned;
  const lines = {
    refused: `${what} would be refused: ${first?.place} bans ${first?.network}`,
    allowed: `${what} passes: ${first?.place} bans ${first?.network}, and ${allowed[0]?.place} allows ${allowed[0]?.network}`,
    passes: `${what} passes: no list bans it`,
  };
  const more = others.map(({ place, network }) => `  ${place} bans ${network}, too`);
  const free = counts ? [] : ["  it counts neither for the scan rule nor for the budget"];
  const pods = "  pods that reach only what is listed";
  const reached =
    reachedBy === undefined || (reachedBy === null && !counts)
      ? []
      : reachedBy === null
        ? [`${pods} reach it only as an answer for a name of their list`]
        : [`${pods} may reach it: ${reachedBy.place} has ${reachedBy.network}`];
  return `${[lines[verdict], ...more, ...free, ...reached].join("\n")}\n`;
}
