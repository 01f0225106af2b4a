// Names that say nothing of mining by themselves: a dictionary's words, or a word somebody made up. Another project's program
// may have such a name, so it is banned only with a word of mining beside it, as one string of two words.
import type { BenignLine } from "../benign-lines.js";
import type { Candidate } from "../types.js";

/** What a program that mines is nearly always told. `--config`, `-o`, `--pool` and the like are left out: anybody's. */
const TOLD = ["--algo", "--coin", "--mining-address", "--stratum", "--wallet", "--wallet-address"];

/** Parts of names that only mining software has a use for; `miner` is not one: text and processes are mined too. */
const MINING =
  /cryptonight|randomx|yespower|progpow|kawpow|ethash|equihash|xmr|monero|stratum|nonce|pool|minerd|nicehash|cpuminer|cudaminer|ccminer|cgminer|rig(miner|$|[-_])|mine?rgate/;

/** Dictionary-like parts that are in no dictionary of words: prefixes of names, and primitives of cryptography. */
const PARTS = [
  ..."astro bio core crypto cyber data deep geo hyper mega meta micro multi nano neo neuro super turbo ultra".split(
    " ",
  ),
  ..."argon argon2 argon2d argon2i argon2id balloon blake blake2b blake2s blake3 bcrypt cash coin cuckoo groestl hash".split(
    " ",
  ),
  ..."keccak lyra lyra2 md5 scrypt sha sha256 sha3 sha512 shabal shavite skein whirlpool yescrypt".split(" "),
];

/** Shortest word of the dictionary that counts as part of a name, in letters: shorter ones make up any name. */
const MIN_PART = 3;

/** Names of more parts are somebody's invention. */
const MAX_PARTS = 3;

/** Shortest proper name that counts. */
const MIN_PROPER = 5;

/** The words of the dictionary among the benign corpora, in small letters, without genitives and short proper names. */
export function dictionary(lines: readonly BenignLine[]): ReadonlySet<string> {
  const words = lines
    .filter(({ place }) => place.startsWith("english-words:"))
    .map(({ text }) => text)
    .filter((text) =>
      /^[a-z]+$/.test(text) ? text.length >= MIN_PART : /^[A-Z][a-z]+$/.test(text) && text.length >= MIN_PROPER,
    )
    .map((text) => text.toLowerCase());
  return new Set([...words, ...PARTS]);
}

/** Whether `name` is one word without separators, which is made of words of the dictionary and perhaps a version. */
export function isOrdinary(name: string, words: ReadonlySet<string>): boolean {
  const letters = name.toLowerCase();
  if (!/^[a-z0-9]+$/.test(letters) || MINING.test(letters)) return false;
  const ends = [letters, letters.replace(/(v|r|x)?\d+[a-z]?$/, "")];
  return ends.some((part) => part.length >= MIN_PART && isMadeOf(part, words, MAX_PARTS));
}

/** Whether `name` is one word without separators that has no part which tells a miner, a coin or a pool. */
export function isSilent(name: string): boolean {
  return (
    /^[a-z0-9_]+$/i.test(name) &&
    !MINING.test(name.toLowerCase()) &&
    !/mine|mining|rig|hash|coin|libprocess/i.test(name)
  );
}

/** The candidates that tell, as they are; the others (`ordinary`) as `<rule>-told`: `name --wallet`, `name --algo` and so on. */
export function told(candidates: readonly Candidate[], ordinary: (name: string) => boolean): Candidate[] {
  return candidates.flatMap((candidate) =>
    ordinary(candidate.value)
      ? TOLD.map((word) => ({ ...candidate, value: `${candidate.value} ${word}`, rule: `${candidate.rule}-told` }))
      : [candidate],
  );
}

/** The candidates that tell; the others are left to rules that give them a context, as an algorithm has its option. */
export function telling(candidates: readonly Candidate[], words: ReadonlySet<string>): Candidate[] {
  return candidates.filter(({ value }) => !isOrdinary(value, words));
}

function isMadeOf(text: string, words: ReadonlySet<string>, parts: number): boolean {
  if (words.has(text)) return true;
  if (parts === 1) return false;
  for (let end = MIN_PART; end <= text.length - MIN_PART; end++) {
    if (words.has(text.slice(0, end)) && isMadeOf(text.slice(end), words, parts - 1)) return true;
  }
  return false;
}
