// What an algorithm is known by: sets of families of constants.
import { FAMILIES, SALT_PREFIX, WINDOW_BYTES } from "./constants.js";

/** A pattern, by its index in {@link PATTERNS}, and where it stands. */
export interface Hit {
  readonly address: bigint;
  readonly pattern: number;
}

export interface Algorithm {
  readonly name: string;
  /** Of RandomX: the coin whose salt was found, if it was one alone. */
  readonly variant?: string;
}

/**
 * An algorithm is named when any of its sets of families was found whole; the first that is. JH, Groestl, Skein and the rest of SHA-3's
 * candidates stand in cryptographic libraries, each alone; these of them together only where something is mined.
 */
const ALGORITHMS: readonly { readonly name: string; readonly sets: readonly (readonly string[])[] }[] = [
  { name: "RandomX", sets: [["randomx-aes"], ["randomx-superscalar"]] },
  { name: "GhostRider or X16R", sets: [["hamsi", "fugue", "shabal"]] },
  { name: "X11", sets: [["luffa", "cubehash", "simd"]] },
  { name: "CryptoNight", sets: [["jh", "groestl", "skein"]] },
  { name: "kHeavyHash", sets: [["heavyhash"]] },
  { name: "VerusHash", sets: [["haraka", "clhash"]] },
  { name: "KawPow", sets: [["progpow-nkawpow"], ["progpow-progpow"], ["progpow-meowpow"]] },
  { name: "Ethash", sets: [["ethash-datasets", "ethash-caches"]] },
];

/** All patterns, by the index that a search tells. */
export const PATTERNS: readonly Uint8Array[] = FAMILIES.flatMap(({ patterns }) => patterns);

/** The family of each index. */
const FAMILY_OF = FAMILIES.flatMap(({ patterns }, family) => patterns.map(() => family));

/** What algorithm was found, by the names of families; null: none. */
export function algorithmOf(found: ReadonlySet<string>): Algorithm | null {
  const name = ALGORITHMS.find(({ sets }) => sets.some((set) => set.every((one) => found.has(one))))?.name;
  if (name === undefined) return null;
  const salts = [...found].filter((one) => one.startsWith(SALT_PREFIX));
  if (name !== "RandomX" || salts.length !== 1) return { name };
  return { name, variant: salts[0]!.slice(SALT_PREFIX.length) };
}

/** Most different patterns of each family that stand within a window. @param hits - By rising address. */
export function familiesIn(hits: readonly Hit[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const [index, { name, needed, patterns }] of FAMILIES.entries()) {
    const own = hits.filter(({ pattern }) => FAMILY_OF[pattern] === index);
    const most = mostDifferent(own, patterns.length);
    if (most >= needed) found.set(name, most);
  }
  return found;
}

/** @param all - As many as there can be. */
function mostDifferent(hits: readonly Hit[], all: number): number {
  const times = new Map<number, number>();
  let most = 0;
  for (let from = 0, to = 0; from < hits.length && most < all; from++) {
    for (; to < hits.length && hits[to]!.address < hits[from]!.address + WINDOW_BYTES; to++) {
      times.set(hits[to]!.pattern, (times.get(hits[to]!.pattern) ?? 0) + 1);
    }
    most = Math.max(most, times.size);
    const left = times.get(hits[from]!.pattern)! - 1;
    if (left === 0) times.delete(hits[from]!.pattern);
    else times.set(hits[from]!.pattern, left);
  }
  return most;
}
