// What an algorithm cannot do without: words of its constants, each family with its source. docs/security.md says how rare they are,
// and which algorithms have none of their own.

/** Constants that stand together, as 32-bit words in the order of memory. */
export interface Family {
  readonly name: string;
  readonly words: readonly number[];
  /** So many different ones within {@link WINDOW_BYTES} are no chance. */
  readonly needed: number;
}

/** How far apart the constants of one family may stand. */
export const WINDOW_BYTES = 8192n;

/** Bytes in hexadecimal digits, to words. */
function fromBytes(hex: string): number[] {
  const bytes = Buffer.from(hex.replaceAll(/\s/g, ""), "hex");
  return Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readUInt32LE(i * 4));
}

/** Numbers of 64 bits, to words. */
function fromNumbers(numbers: readonly bigint[]): number[] {
  return numbers.flatMap((number) => [Number(number & 0xffffffffn), Number(number >> 32n)]);
}

/** RandomX specification 3.2 to 3.4, keys and states of its AES generators and hash; the last four of RandomX 1.0 (Wownero). */
const RANDOMX_AES = [
  0x627166096daca553n,
  0xb4f44917dbb5552bn,
  0x846a710d6d7caf07n,
  0x0da1dc4e1725d378n,
  0x9f947ec63f1262f1n,
  0x3e20e345f4c0794fn,
  0xb1ba317c6aef8135n,
  0x4916915416314c88n,
  0xd1833ddb6421aaddn,
  0x99e5d23f2f546d2bn,
  0xb6913f55b20e3450n,
  0xa5dfcde506f79d53n,
  0x515e7baf5c3ed904n,
  0x171c02bf0aa4679fn,
  0xe78f5d0885623763n,
  0xd8ded291cd673785n,
  0xe3d6a7a6b5826f73n,
  0x229effb43d518b6dn,
  0x9c10b3d9c7566bf3n,
  0xb272b7d2e9024d4en,
  0xf765a38bf273c9e7n,
  0xf63befa72ba9660an,
  0x915839de7a7cd609n,
  0xc0b0762d0c06d1fdn,
  0x9fa856de92b52c0dn,
  0xd7983aadcc82db47n,
  0x15c7b798338d996en,
  0xace78057f59e125an,
  0xae62c7d06a770017n,
  0xe8a07ce45079506bn,
  0x07ad828d630a240cn,
  0x7e99494879a10005n,
  0x8b24949ff6fa8389n,
  0x0689020190dc56bfn,
  0x51f4e03c61b263d1n,
  0xed18f99bee1043c6n,
  0x7ffbe4a6f890465dn,
  0xcf359e95141f82b7n,
  0xfee8278a6a55c450n,
  0x6741ffdcbd5c5ac3n,
  0xd524fde4114c47a4n,
  0x3d324aaca7279ad2n,
  0x99a9aeff810c3a2an,
  0x76f6db0842d3dbd9n,
];

/** RandomX specification 7.3: what initialises a dataset item, but for the multiplier, which is Knuth's and everybody's. */
const RANDOMX_SUPERSCALAR = [
  9298411001130361340n,
  12065312585734608966n,
  9306329213124626780n,
  5281919268842080866n,
  10536153434571861004n,
  3398623926847679864n,
  9549104520008361294n,
];

/** JH (SHA-3 submission, 2011): the first three round constants of E8. */
const JH = `72d5dea2df15f867 7b84150ab7231557 81abd6904d5a87f6 4e9f4fc5c3d12b40 ea983ae05c45fa9c 03c5d29966b2999a`;

/** Groestl (SHA-3 submission, 2011): words of its first combined table. */
const GROESTL = [
  0xa5f432c6, 0xc6a597f4, 0x84976ff8, 0xf884eb97, 0x99b05eee, 0xee99c7b0, 0x8d8c7af6, 0xf68df78c, 0x0d17e8ff,
  0xff0de517, 0xbddc0ad6, 0xd6bdb7dc,
];

/** Skein 1.3: the initial value of Skein-512-256. */
const SKEIN = [
  0xccd044a12fdb3e13n,
  0xe83590301a79a9ebn,
  0x55aea0614f816e6fn,
  0x2a2767a4ae9b94dbn,
  0xec06025e74dd7683n,
  0xe7a436cdc4746251n,
  0xc36fbaf9393ad185n,
  0x3eedba1833edfc13n,
];

/** kHeavyHash, as Kaspa's miners have it: the state of cSHAKE256 behind the domain "ProofOfWorkHash", its first 80 bytes. */
const HEAVY_HASH = `3dd8f6a10dff3c11 3c7e02b75588bf29 d244fb0e722e5f1e a06998f5a3a4a51b 652d5e87caaf2f7b 46e2dc29d661ef4a
  105b41ad1e983a18 9cc29b780cf66b77 4031668833f1ebf8 f05f28433c1c652e`;

export const FAMILIES: readonly Family[] = [
  { name: "randomx-aes", words: fromNumbers(RANDOMX_AES), needed: 8 },
  { name: "randomx-superscalar", words: fromNumbers(RANDOMX_SUPERSCALAR), needed: 8 },
  { name: "jh", words: fromBytes(JH), needed: 8 },
  { name: "groestl", words: GROESTL, needed: 8 },
  { name: "skein", words: fromNumbers(SKEIN), needed: 8 },
  { name: "heavyhash", words: fromBytes(HEAVY_HASH), needed: 10 },
];

/** An algorithm is named when any of its sets of families was found whole. */
const ALGORITHMS: readonly { readonly name: string; readonly sets: readonly (readonly string[])[] }[] = [
  { name: "RandomX", sets: [["randomx-aes"], ["randomx-superscalar"]] },
  // Each alone is a candidate of SHA-3's contest, as cryptographic libraries have them. Together they are CryptoNight's last step,
  // and part of GhostRider and of the X11 family.
  { name: "CryptoNight", sets: [["jh", "groestl", "skein"]] },
  { name: "kHeavyHash", sets: [["heavyhash"]] },
];

/** All words, by the index that a search tells. */
export const WORDS = Uint32Array.from(FAMILIES.flatMap(({ words }) => words));

/** The family of each index. */
const FAMILY_OF = FAMILIES.flatMap(({ words }, family) => words.map(() => family));

/** What algorithm was found, by the names of families; null: none. */
export function algorithmOf(found: ReadonlySet<string>): string | null {
  return ALGORITHMS.find(({ sets }) => sets.some((set) => set.every((name) => found.has(name))))?.name ?? null;
}

/** Most different words of each family that stand within a window. @param hits - By rising address. */
export function familiesIn(hits: readonly { readonly address: bigint; readonly word: number }[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const [index, { name, needed }] of FAMILIES.entries()) {
    const own = hits.filter(({ word }) => FAMILY_OF[word] === index);
    let most = 0;
    for (let from = 0, to = 0; from < own.length; from++) {
      while (to < own.length && own[to]!.address < own[from]!.address + WINDOW_BYTES) to++;
      most = Math.max(most, new Set(own.slice(from, to).map(({ word }) => word)).size);
      if (most >= FAMILIES[index]!.words.length) break;
    }
    if (most >= needed) found.set(name, most);
  }
  return found;
}
