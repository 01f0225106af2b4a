// How rare the constants of the memory scan are: files below folders that hold a family of them, and what algorithm that is.
// node test/dist/monero/rarity.js FOLDER [FOLDER...]; reads each regular file once, links not followed.
import { closeSync, fstatSync, openSync, readdirSync, readSync } from "node:fs";
import { join } from "node:path";
import { algorithmOf, familiesIn, type Hit, PATTERNS } from "@cryptnono/agent/detectors/monero/memory/algorithms";
import { FAMILIES } from "@cryptnono/agent/detectors/monero/memory/constants";

/** What is smaller holds no program. */
const LEAST_BYTES = 3072;
/** Of one read; the next begins so much before its end that a window is whole in one of them. */
const PIECE = Buffer.alloc(16 * 2 ** 20);
const OVERLAP = 16_384;

const FILTER_BITS = 16;
const filter = new Uint8Array(2 ** FILTER_BITS);
const byWord = new Map<number, number[]>();
for (const [i, pattern] of PATTERNS.entries()) {
  const word = Buffer.from(pattern).readInt32LE(0);
  filter[hashOf(word)] = 1;
  byWord.set(word, [...(byWord.get(word) ?? []), i]);
}

const counts = new Map(FAMILIES.map(({ name }) => [name, 0]));
const named: string[] = [];
let files = 0;
let bytes = 0;
for (const folder of process.argv.slice(2)) walk(folder);
console.log(`${files} files, ${(bytes / 1e9).toFixed(1)} GB`);
console.log("| family | files |");
console.log("| --- | --- |");
for (const [name, count] of counts) console.log(`| ${name} | ${count} |`);
for (const line of named) console.log(line);

function walk(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) walk(path);
    else if (entry.isFile()) search(path);
  }
}

function search(path: string): void {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch {
    return;
  }
  const { size } = fstatSync(fd);
  const found = new Set<string>();
  if (size >= LEAST_BYTES) {
    files++;
    bytes += size;
    for (let from = 0; from < size; from += PIECE.length - OVERLAP) {
      const length = readSync(fd, PIECE, 0, PIECE.length, from);
      for (const name of familiesIn(hitsIn(PIECE.subarray(0, length))).keys()) found.add(name);
      if (length < PIECE.length) break;
    }
  }
  closeSync(fd);
  for (const name of found) counts.set(name, counts.get(name)! + 1);
  const algorithm = algorithmOf(found);
  if (algorithm !== null)
    named.push(`${path}: ${algorithm.name} ${algorithm.variant ?? ""} (${[...found].join(", ")})`);
}

function hitsIn(piece: Buffer): Hit[] {
  const hits: Hit[] = [];
  let word = piece.length < 4 ? 0 : piece.readInt32LE(0) << 8;
  for (let at = 0; at + 4 <= piece.length; at++) {
    word = (word >>> 8) | (piece[at + 3]! << 24);
    if (filter[hashOf(word)] === 0) continue;
    for (const pattern of byWord.get(word) ?? []) {
      const wanted = PATTERNS[pattern]!;
      if (piece.subarray(at, at + wanted.length).equals(wanted)) hits.push({ address: BigInt(at), pattern });
    }
  }
  return hits;
}

function hashOf(word: number): number {
  return Math.imul(word, 0x9e3779b1) >>> (32 - FILTER_BITS);
}
