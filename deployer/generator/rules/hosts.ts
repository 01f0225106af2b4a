// Pool hosts: a domain covers all hosts under it, so it is banned where that is safe, and a host by itself elsewhere.
import type { PoolHost } from "../facts.js";
import type { Candidate } from "../types.js";

/** Words that say what a domain is for. */
const MINING = /pool|min(e|er|ing)|hash|coin|xmr|monero|rig|crypto|nonce|stratum/;

/**
 * `pool-domain`: a domain that is a pool's own site, or has three pool hosts or more, or says what it is for.
 * `pool-host`: every other host by its full name, for example one under a dynamic-DNS provider.
 *
 * @param shared - Domains under which anybody can have a name: never banned themselves.
 * @param weak - Names too short or ordinary to ban.
 */
export function poolHosts(hosts: readonly PoolHost[], shared: readonly string[], weak: readonly string[]): Candidate[] {
  const sharedDomains = new Set(shared);
  const weakNames = new Set(weak);
  const perDomain = new Map<string, PoolHost[]>();
  for (const host of hosts) perDomain.set(host.domain, [...(perDomain.get(host.domain) ?? []), host]);
  return [...perDomain].flatMap(([domain, under]): Candidate[] => {
    const own = under.some(({ host, seenAs }) => seenAs === "site" && host === domain);
    const safe = !sharedDomains.has(domain) && !weakNames.has(domain);
    if (safe && (own || under.length >= 3 || MINING.test(domain))) {
      return [{ value: domain, mode: "word", source: under[0]!.source, rule: "pool-domain" }];
    }
    return under
      .filter(({ host }) => host !== domain || safe)
      .map(({ host, source }) => ({ value: host, mode: "word", source, rule: "pool-host" }));
  });
}

/** `browser-miner-host`: sites that serve miners to browsers; a script that fetches from one is a miner's. */
export function browserHosts(hosts: readonly string[]): Candidate[] {
  return hosts.map((value) => ({
    value,
    mode: "word",
    source: "browser-mining lists KLMN (deployer/facts/README.md)",
    rule: "browser-miner-host",
  }));
}
