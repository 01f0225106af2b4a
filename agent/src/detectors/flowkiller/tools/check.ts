// `cryptnono check-destinations`: what in lists of addresses and of names does nothing, or too much.
import { showNetwork } from "../address.js";
import { readNetworks, readSettings } from "../index.js";
import { type Entries, placeOf } from "../lists.js";
import { type NameFinding, nameFindings } from "../names/check.js";
import { readNameRules } from "../names/rules.js";
import { isPublic } from "../public.js";
import type { Said, Settings } from "../settings.js";
import { NetworkIndex } from "../tables.js";

export interface CheckOptions {
  readonly config: readonly string[];
  readonly said: Said;
  readonly json: boolean;
  readonly failOn: "warning" | "info";
}

export interface Finding {
  readonly level: "warning" | "info";
  readonly place: string;
  readonly network: string;
  readonly finding: string;
}

/** A network of fewer bits is more than a pool has. */
const WIDE_BITS = { v4: 96 + 12, v6: 24 };

/** @returns the status: 3 when there is a finding of the level, else 0. @throws ConfigError */
export function checkDestinations(
  options: CheckOptions,
  print: (text: string) => void = (text) => void process.stdout.write(text),
): number {
  const settings = readSettings(options);
  const { banned, allowed } = readNetworks(settings);
  const names = readNameRules(settings, "enforce");
  const findings: (Finding | NameFinding)[] = [...findingsOf(banned, allowed, settings), ...nameFindings(names)];
  const counts = { banned: banned.length, allowed: allowed.length, names: names.listed.length };
  if (options.json) print(`${JSON.stringify({ ...counts, findings }, null, 2)}\n`);
  else {
    for (const one of findings)
      print(`${one.level} ${one.place} ${"name" in one ? one.name : one.network}: ${one.finding}\n`);
    const warnings = findings.filter(({ level }) => level === "warning").length;
    print(
      `${counts.banned} banned, ${counts.allowed} allowed, ${counts.names} names: ${warnings} warnings, ${findings.length - warnings} info\n`,
    );
  }
  return findings.some(({ level }) => level === "warning" || options.failOn === "info") ? 3 : 0;
}

export function* findingsOf(banned: Entries, allowed: Entries, settings: Settings): Generator<Finding> {
  const [bannedIndex, allowedIndex] = [new NetworkIndex(banned), new NetworkIndex(allowed)];
  for (let i = 0; i < banned.length; i++) {
    const entry = banned.at(i)!;
    const at = { place: placeOf(entry), network: showNetwork(entry) };
    const wide = entry.bits >= 96 ? WIDE_BITS.v4 : WIDE_BITS.v6;
    if (entry.bits < wide) yield { level: "warning", ...at, finding: "is so wide that it bans what nobody listed" };
    if (!isPublic(entry.address, settings)) {
      yield { level: "warning", ...at, finding: "is not public: it may ban the cluster's own services" };
    }
    const allow = allowedIndex.around(entry, -1);
    if (allow !== null) {
      yield { level: "warning", ...at, finding: `does nothing: ${placeOf(allowed.at(allow)!)} allows all of it` };
    }
    const ban = bannedIndex.around(entry, i);
    if (ban !== null) {
      yield { level: "info", ...at, finding: `adds nothing: ${placeOf(banned.at(ban)!)} bans all of it` };
    }
  }
}
