import assert from "node:assert/strict";
import { test } from "node:test";
import type { CodeMapping } from "@cryptnono/native";
import { algorithmOf, FAMILIES, familiesIn, WORDS } from "./algorithms.js";
import { Budget } from "./budget.js";
import { BurnWatch } from "./burning.js";
import { Searched } from "./searched.js";

const hit = (address: number, word: number) => ({ address: BigInt(address), word });
const indexOf = (family: string) => {
  const at = FAMILIES.findIndex(({ name }) => name === family);
  return FAMILIES.slice(0, at).reduce((sum, { words }) => sum + words.length, 0);
};

test("no word stands in two families, and each family has more words than are needed", () => {
  assert.equal(new Set(WORDS).size, WORDS.length);
  for (const { name, words, needed } of FAMILIES) assert.ok(words.length > needed, name);
});

test("so many different words within the window are a family; the same one again, or far away, is none", () => {
  const from = indexOf("randomx-superscalar");
  const near = Array.from({ length: 8 }, (_, i) => hit(1000 + i * 13, from + i));
  assert.deepEqual([...familiesIn(near)], [["randomx-superscalar", 8]]);
  assert.equal(familiesIn(near.slice(1)).size, 0);
  assert.equal(familiesIn(near.map(({ address }) => ({ address, word: from }))).size, 0);
  assert.equal(familiesIn(near.map((one, i) => ({ ...one, address: BigInt(i * 8192) }))).size, 0);
});

test("a candidate of SHA-3's contest alone is no algorithm that is mined", () => {
  assert.equal(algorithmOf(new Set(["jh", "skein"])), null);
  assert.equal(algorithmOf(new Set(["jh", "skein", "groestl"])), "CryptoNight");
  assert.equal(algorithmOf(new Set(["randomx-superscalar"])), "RandomX");
});

test("a budget is open until it is used up, and again after a while", () => {
  let now = 0;
  const budget = new Budget({ burstBytes: 100, bytesPerSecond: 10 }, () => now);
  assert.ok(budget.isOpen);
  budget.spend(150);
  assert.ok(!budget.isOpen);
  now = 6000;
  assert.ok(budget.isOpen);
});

/** A process's stat with so many ticks of CPU. */
const stat = (pid: number, ppid: number, ticks: number, start = 7) =>
  Buffer.from(`${pid} (a b) R ${ppid} 0 0 0 0 0 0 0 0 0 ${ticks} 0 0 0 0 0 1 0 ${start} ${"0 ".repeat(30)}`);

function watchOf(scopePid = 0) {
  const all = new Map<number, Buffer>();
  let now = 0;
  const proc = {
    pids: () => [...all.keys()],
    read(pid: number) {
      return all.get(pid)!;
    },
  };
  const watch = new BurnWatch(proc, scopePid, () => now);
  return {
    all,
    look(afterMs: number) {
      now += afterMs;
      return watch.look(0.5).map(({ pid, share }) => [pid, share]);
    },
  };
}

test("who burns is known by the difference of two looks, and a new process by all of its own", () => {
  const { all, look } = watchOf();
  all.set(1, stat(1, 0, 1000));
  all.set(2, stat(2, 1, 0));
  assert.deepEqual(look(0), []);
  all.set(1, stat(1, 0, 1010));
  all.set(2, stat(2, 1, 180));
  all.set(3, stat(3, 1, 190));
  assert.deepEqual(look(2000), [
    [3, 0.95],
    [2, 0.9],
  ]);
  // A number that was given again.
  all.set(2, stat(2, 1, 100, 8));
  assert.deepEqual(look(2000), [[2, 0.5]]);
});

test("a scope is its descendants", () => {
  const { all, look } = watchOf(5);
  look(0);
  all.set(5, stat(5, 1, 0));
  all.set(6, stat(6, 5, 0));
  all.set(7, stat(7, 6, 100));
  all.set(8, stat(8, 1, 100));
  assert.deepEqual(look(1000), [[7, 1]]);
});

test("a file's mapping is searched once for all processes, and again after a while; what has no file by process", () => {
  let now = 0;
  const searched = new Searched(() => now);
  const file: CodeMapping = {
    start: 0x1000n,
    end: 0x3000n,
    offset: 0n,
    inode: 9n,
    device: "8:1",
    isExecutable: true,
    isFile: true,
    isNameless: false,
  };
  const anonymous = { ...file, inode: 0n, isFile: false };
  for (const mapping of [file, anonymous]) searched.add("1 7", mapping);
  assert.ok(searched.has("2 7", { ...file, start: 0x5000n, end: 0x7000n }));
  assert.ok(!searched.has("2 7", { ...file, offset: 0x1000n }));
  assert.ok(searched.has("1 7", anonymous));
  assert.ok(!searched.has("2 7", anonymous));
  now = 600_000;
  assert.ok(!searched.has("1 7", file));
});
