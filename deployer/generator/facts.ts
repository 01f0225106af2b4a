// Reads the facts that come with the package: tables of what is known, each row with its source. See facts/README.md.
import { readFileSync } from "node:fs";
import { DeployerError } from "../errors.js";
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

const ANY = /./;
const COLUMNS: Readonly<Record<string, readonly RegExp[]>> = {
  "facts/mining.tsv": [
    /^(algorithm|archive|artefact|binary|daemon|hider|marker|option|scheme|wallet|wallet-prefix)$/,
    ANY,
    /^(distinctive|ordinary|never)$/,
    ANY,
  ],
  "facts/pool-hosts.tsv": [ANY, /^(site|endpoint|derived)$/, ANY, ANY],
};

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
  return parseRows(file, readFileSync(packageFile(file), "utf8"));
}

/** @throws DeployerError for a row that the rules would pass over in silence: a word of it is misspelt, or a column missing. */
export function parseRows(file: string, text: string): string[][] {
  const columns = COLUMNS[file] ?? [ANY];
  return text.split("\n").flatMap((line, i) => {
    if (line === "" || line.startsWith("#")) return [];
    const row = line.split("\t");
    const wrong = columns.findIndex((column, j) => !column.test(row[j] ?? ""));
    if (wrong >= 0 || row.length !== columns.length) {
      throw new DeployerError(
        `read deployer/${file}:${i + 1}: column ${(wrong < 0 ? columns.length : wrong) + 1} is wrong`,
        {
          hint: "deployer/facts/README.md says what the columns are, with a tab between two",
        },
      );
    }
    return [row];
  });
}
