// Reads the facts that come with the package: tables of what is known, each row with its source. See facts/README.md.
import { readFileSync } from "node:fs";
import { packageFile } from "./package-file.js";

/** The kinds of rows in `facts/mining.tsv`. */
export type FactKind =
  | "algorithm"
  | "archive"
  | "artefact"
  | "binary"
  | "daemon"
  | "hider"
  | "marker"
  | "option"
  | "scheme"
  | "wallet"
  | "wallet-prefix";

/** One row of `facts/mining.tsv`. */
export interface Fact {
  readonly kind: FactKind;
  readonly value: string;
  /** `distinctive`: rare enough to stand alone. `ordinary`: honest software has it too. `never`: must not be banned alone. */
  readonly rarity: "distinctive" | "ordinary" | "never";
  readonly source: string;
}

/** One row of `facts/pool-hosts.tsv`. */
export interface PoolHost {
  readonly host: string;
  /** The name that was registered: its last two labels, or three under `co.uk` and the like. */
  readonly domain: string;
  /** `site`: a pool's own site. `endpoint`: seen as a miner's destination. `derived`: made by the source's own pattern. */
  readonly seenAs: "site" | "endpoint" | "derived";
  readonly source: string;
}

/** The facts of one kind, in the file's order. */
export function facts(kind: FactKind): readonly Fact[] {
  return rows("facts/mining.tsv")
    .filter(([name]) => name === kind)
    .map(([, value, rarity, source]) => ({ kind, value: value!, rarity: rarity as Fact["rarity"], source: source! }));
}

/** Mining-pool hosts. */
export function hosts(): readonly PoolHost[] {
  return rows("facts/pool-hosts.tsv").map(([host, seenAs, domain, source]) => ({
    host: host!,
    domain: domain!,
    seenAs: seenAs as PoolHost["seenAs"],
    source: `pool lists ${source} (deployer/facts/README.md)`,
  }));
}

/** A plain list of the facts folder, one word a line: `browser-mining-hosts`, `weak-hosts`, `shared-domains`. */
export function words(name: "browser-mining-hosts" | "shared-domains" | "weak-hosts"): readonly string[] {
  return rows(`facts/${name}.txt`).map(([word]) => word!);
}

function rows(file: string): string[][] {
  return readFileSync(packageFile(file), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split("\t"));
}
