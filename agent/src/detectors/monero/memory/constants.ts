// Constants that algorithms cannot do without, as patterns of bytes, each family with its source. docs/security.md says how rare they
// are, and which algorithms have none of their own.

/** Constants that stand together. */
export interface Family {
  readonly name: string;
  readonly patterns: readonly Uint8Array[];
  /** So many different ones within {@link WINDOW_BYTES} are no chance. */
  readonly needed: number;
}

/** How far apart the constants of one family may stand. */
export const WINDOW_BYTES = 8192n;

/** Families whose name begins so tell which coin's variant of RandomX it is. */
export const SALT_PREFIX = "salt-";

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

/** Skein 1.3: the initial value of Skein-512-512. */
const SKEIN_512 = [
  0x4903adff749c51cen,
  0x0d95de399746df03n,
  0x8fd1934127c79bcen,
  0x9a255629ff352cb1n,
  0x5db62599df6ca7b0n,
  0xeabe394ca9d5c3f4n,
  0x991112c71a75b523n,
  0xae18a40b660fcc33n,
];

/** Luffa 2.0.1: the starting variables V0 and V1. */
const LUFFA = [
  0x6d251e69, 0x44b051e0, 0x4eaa6fb4, 0xdbf78465, 0x6e292011, 0x90152df4, 0xee058139, 0xdef610bb, 0xc3b44b95,
  0xd9d2f256, 0x70eee9a0, 0xde099fa3, 0x5d9b0557, 0x8fc944b3, 0xcf1ccf0e, 0x746cd581,
];

/** CubeHash 16/32-512 (SHA-3 submission, 2009): the first half of its initial state. */
const CUBEHASH = [
  0x2aea2a61, 0x50f494d4, 0x2d538b8b, 0x4167d83e, 0x3fee2313, 0xc701cf8c, 0xcc39968e, 0x50ac5695, 0x4d42c787,
  0xa647a8b3, 0x97cf0bef, 0x825b4537, 0xeef864d2, 0xf22090c4, 0xd0e5cd33, 0xa23911ae,
];

/** Shabal-512: the initial value of A. */
const SHABAL = [
  0x20728dfd, 0x46c0bd53, 0xe782b699, 0x55304632, 0x71b4ef90, 0x0ea9e82c, 0xdbb930f1, 0xfad06b8b, 0xbe0cae40,
  0x8bd14410, 0x76d2adac, 0x28acab7f,
];

/** SIMD-512 (SHA-3 submission, 2009): the first half of its initial value. */
const SIMD = [
  0x0ba16b95, 0x72f999ad, 0x9fecc2ae, 0xba3264fc, 0x5e894929, 0x8e9f30e5, 0x2f1daa37, 0xf0f2c558, 0xac506643,
  0xa90635a5, 0xe25b878b, 0xaab7878f, 0x88817f7a, 0x0a02892b, 0x559a7550, 0x598f657e,
];

/** Hamsi-512: its initial value. */
const HAMSI = [
  0x73746565, 0x6c706172, 0x6b204172, 0x656e6265, 0x72672031, 0x302c2062, 0x75732032, 0x3434362c, 0x20422d33,
  0x30303120, 0x4c657576, 0x656e2d48, 0x65766572, 0x6c65652c, 0x2042656c, 0x6769756d,
];

/** Fugue-512: its initial value. */
const FUGUE = [
  0x8807a57e, 0xe616af75, 0xc5d3e4db, 0xac9ab027, 0xd915f117, 0xb6eecc54, 0x06e8020b, 0x4a92efd1, 0xaac6e2c9,
  0xddb21398, 0xcae65838, 0x437f203f, 0x25ea78e7, 0x951fddd6, 0xda6ed11d, 0xe13e3567,
];

/** Haraka v2: the first six round constants. */
const HARAKA = [
  0x75817b9d, 0xb2c5fef0, 0xe620c00a, 0x0684704c, 0x2f08f717, 0x640f6ba4, 0x88f3a06b, 0x8b66b4e1, 0x9f029114,
  0xcf029d60, 0x53f28498, 0x3402de2d, 0xfd5b4f79, 0xbbf3bcaf, 0x2e7b4f08, 0x0ed6eae6, 0xbe397044, 0x79eecd1c,
  0x4872448b, 0xcbcfb0cb, 0x2b8a057b, 0x8d5335ed, 0x6e9032b7, 0x7eeacdee,
];

/** CLHash (Lemire and Kaser, 2017): what reduces a product modulo the polynomial, for one shuffle of bytes. */
const CLHASH = "001b362d6c775a41 d8c3eef5b4af8299";

/** KawPow, as Ravencoin's consensus has it, and its kin: fifteen letters, a word each, that fill Keccak's state. */
const PROGPOW_LETTERS = ["rAVENCOINKAWPOW", "EVRMORE-PROGPOW", "MEOWCOINMEOWPOW"];

/** Ethash specification, appendix: the first sizes of the full dataset and of the cache. */
const ETHASH_DATASETS = [
  1073739904n,
  1082130304n,
  1090514816n,
  1098906752n,
  1107293056n,
  1115684224n,
  1124070016n,
  1132461952n,
  1140849536n,
  1149232768n,
  1157627776n,
  1166013824n,
];
const ETHASH_CACHES = [
  16776896n,
  16907456n,
  17039296n,
  17170112n,
  17301056n,
  17432512n,
  17563072n,
  17693888n,
  17824192n,
  17955904n,
  18087488n,
  18218176n,
];

/** Salts of the Argon2 that fills RandomX's cache, by the coin: specification 5 and the configurations of XMRig (randomx.cpp) and Scala. */
const SALTS = {
  Monero: "RandomX\u0003",
  Wownero: "RandomWOW\u0001",
  ArQmA: "RandomARQ\u0001",
  Graft: "RandomX-Graft\u0001",
  Safex: "RandomSFX\u0001",
  Yada: "RandomXYadaCoin\u0003",
  Scala: "DefyXScala\u0013",
};

export const FAMILIES: readonly Family[] = [
  { name: "randomx-aes", patterns: words(numbers(RANDOMX_AES, 8)), needed: 8 },
  { name: "randomx-superscalar", patterns: words(numbers(RANDOMX_SUPERSCALAR, 8)), needed: 8 },
  { name: "jh", patterns: words(hex(JH)), needed: 8 },
  { name: "groestl", patterns: words(numbers(GROESTL)), needed: 8 },
  { name: "skein", patterns: words(numbers(SKEIN, 8)), needed: 8 },
  { name: "skein-512", patterns: words(numbers(SKEIN_512, 8)), needed: 8 },
  { name: "luffa", patterns: words(numbers(LUFFA)), needed: 8 },
  { name: "cubehash", patterns: words(numbers(CUBEHASH)), needed: 8 },
  { name: "shabal", patterns: words(numbers(SHABAL)), needed: 8 },
  { name: "simd", patterns: words(numbers(SIMD)), needed: 8 },
  { name: "hamsi", patterns: words(numbers(HAMSI)), needed: 8 },
  { name: "fugue", patterns: words(numbers(FUGUE)), needed: 8 },
  { name: "haraka", patterns: words(numbers(HARAKA)), needed: 12 },
  { name: "clhash", patterns: [hex(CLHASH)], needed: 1 },
  { name: "heavyhash", patterns: words(hex(HEAVY_HASH)), needed: 10 },
  ...PROGPOW_LETTERS.map((letters) => ({
    name: `progpow-${letters.slice(-7).toLowerCase()}`,
    patterns: distinct(cut(numbers([...letters].map((letter) => letter.charCodeAt(0))), 16)),
    needed: 2,
  })),
  { name: "ethash-datasets", patterns: cut(numbers(ETHASH_DATASETS, 8), 8), needed: 8 },
  { name: "ethash-caches", patterns: cut(numbers(ETHASH_CACHES, 8), 8), needed: 8 },
  ...Object.entries(SALTS).map(([coin, salt]) => ({
    name: `${SALT_PREFIX}${coin}`,
    // A compiler may write more than eight bytes in two moves.
    patterns: [Buffer.from(salt, "latin1").subarray(0, 8)],
    needed: 1,
  })),
];

/** Little-endian, of so many bytes each. */
function numbers(all: readonly (number | bigint)[], size: 4 | 8 = 4): Buffer {
  const bytes = Buffer.alloc(all.length * size);
  for (const [i, number] of all.entries()) {
    if (size === 8) bytes.writeBigUInt64LE(BigInt(number), i * 8);
    else bytes.writeUInt32LE(Number(number), i * 4);
  }
  return bytes;
}

function hex(digits: string): Buffer {
  return Buffer.from(digits.replaceAll(/\s/g, ""), "hex");
}

/** As code may load them: four bytes at a time. */
function words(bytes: Buffer): Buffer[] {
  return cut(bytes, 4);
}

function cut(bytes: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.floor(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
}

function distinct(all: readonly Buffer[]): Buffer[] {
  return all.filter((one, i) => all.findIndex((other) => other.equals(one)) === i);
}
