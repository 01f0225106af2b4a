import assert from "node:assert/strict";
import { test } from "node:test";
import { type CodeMapping, MOST_PATTERN_BYTES } from "@cryptnono/native";
import { parseStat } from "../../../proc/index.js";
import { algorithmOf, familiesIn, type Hit, PATTERNS } from "./algorithms.js";
import { Budget } from "./budget.js";
import { BurnWatch } from "./burning.js";
import { FAMILIES, SALT_PREFIX } from "./constants.js";
import { Searched } from "./searched.js";

const hit = (address: number, pattern: number): Hit => ({ address: BigInt(address), pattern });
const indexOf = (family: string) => {
  const at = FAMILIES.findIndex(({ name }) => name === family);
  return FAMILIES.slice(0, at).reduce((sum, { patterns }) => sum + patterns.length, 0);
};

test("no pattern begins with another one, and none is shorter or longer than is searched for", () => {
  const texts = PATTERNS.map((pattern) => Buffer.from(pattern).toString("latin1")).toSorted();
  for (const [i, text] of texts.entries()) {
    assert.ok(text.length >= 4 && text.length <= MOST_PATTERN_BYTES, text);
    assert.ok(i === 0 || !text.startsWith(texts[i - 1]!), Buffer.from(text, "latin1").toString("hex"));
  }
  assert.ok(PATTERNS.length <= 1024);
});

test("what is needed of a family cannot be met by chance: 32 bytes, or 8 of a name that only tells the variant", () => {
  for (const { name, patterns, needed } of FAMILIES) {
    assert.ok(patterns.length >= needed, name);
    const bytes = needed * patterns[0]!.length;
    assert.ok(bytes >= (name.startsWith(SALT_PREFIX) ? 8 : name === "clhash" ? 16 : 32), name);
  }
});

test("so many different patterns within the window are a family; the same one again, or far away, is none", () => {
  const from = indexOf("randomx-superscalar");
  const near = Array.from({ length: 8 }, (_, i) => hit(1000 + i * 13, from + i));
  assert.deepEqual([...familiesIn(near)], [["randomx-superscalar", 8]]);
  assert.equal(familiesIn(near.slice(1)).size, 0);
  assert.equal(familiesIn(near.map(({ address }) => ({ address, pattern: from }))).size, 0);
  assert.equal(familiesIn(near.map((one, i) => ({ ...one, address: BigInt(i * 8192) }))).size, 0);
  // The window moves on: what it leaves behind does not count.
  const spread = near.map((one, i) => ({ ...one, address: BigInt(i * 1200) }));
  assert.equal(familiesIn(spread).size, 0);
  assert.equal(familiesIn([...spread, hit(8401, from)]).size, 1);
});

test("a candidate of SHA-3's contest alone is no algorithm that is mined", () => {
  assert.equal(algorithmOf(new Set(["jh", "skein"])), null);
  assert.deepEqual(algorithmOf(new Set(["jh", "skein", "groestl"])), { name: "CryptoNight" });
  assert.deepEqual(algorithmOf(new Set(["jh", "skein", "groestl", "hamsi", "fugue", "shabal"])), {
    name: "GhostRider or X16R",
  });
  assert.equal(algorithmOf(new Set(["haraka"])), null);
});

test("RandomX's variant is told by the one salt that is there", () => {
  assert.deepEqual(algorithmOf(new Set(["randomx-superscalar"])), { name: "RandomX" });
  assert.deepEqual(algorithmOf(new Set(["randomx-aes", "salt-Wownero"])), { name: "RandomX", variant: "Wownero" });
  assert.deepEqual(algorithmOf(new Set(["randomx-aes", "salt-Wownero", "salt-Monero"])), { name: "RandomX" });
  assert.equal(algorithmOf(new Set(["salt-Wownero"])), null);
});

test("a budget is open until it is used up, and again after a while", () => {
  let now = 0;
  const budget = new Budget({ burstNs: 100, nsPerSecond: 10 }, () => now);
  assert.ok(budget.isOpen);
  budget.spend(150);
  assert.ok(!budget.isOpen);
  now = 6000;
  assert.ok(budget.isOpen);
});

test("what a budget is owed is forgiven once it was closed for long, whatever is paid meanwhile", () => {
  let now = 0;
  const budget = new Budget({ burstNs: 100, nsPerSecond: 10, closedMostMs: 5000 }, () => now);
  const openAt: number[] = [];
  for (; now <= 20_000; now += 1000) {
    budget.spend(11);
    if (!budget.isOpen) continue;
    openAt.push(now);
    budget.spend(1_000_000);
  }
  assert.deepEqual(openAt, [0, 6000, 12_000, 18_000]);
});

/** A process's stat with so many ticks of CPU. */
const stat = (pid: number, ppid: number, ticks: number, start = 7) =>
  Buffer.from(`${pid} (a b) R ${ppid} 0 0 0 0 0 0 0 0 0 ${ticks} 0 0 0 0 0 1 0 ${start} ${"0 ".repeat(30)}`);

function watchOf(scopePid = 0) {
  const all = new Map<number, Buffer>();
  let now = 0;
  const proc = {
    // A process at a time: the next one is asked for by its number.
    times(from: number) {
      const [pid, ...others] = [...all.keys()].filter((one) => one >= from).sort((a, b) => a - b);
      const one = pid === undefined ? null : parseStat(all.get(pid)!)!;
      return Promise.resolve({
        processes: pid === undefined || one === null ? [] : [{ pid, ...one }],
        next: others[0] ?? null,
        cpuNs: 0,
      });
    },
    read(pid: number) {
      return all.get(pid)!;
    },
  };
  const watch = new BurnWatch(proc, scopePid, () => now);
  return {
    all,
    async look(afterMs: number) {
      now += afterMs;
      return (await watch.look(0.5)).map(({ pid, share }) => [pid, share]);
    },
  };
}

test("who burns is known by the difference of two looks, and a new process by all of its own", async () => {
  const { all, look } = watchOf();
  all.set(1, stat(1, 0, 1000));
  all.set(2, stat(2, 1, 0));
  assert.deepEqual(await look(0), []);
  all.set(1, stat(1, 0, 1010));
  all.set(2, stat(2, 1, 180));
  all.set(3, stat(3, 1, 190));
  assert.deepEqual(await look(2000), [
    [3, 0.95],
    [2, 0.9],
  ]);
  // A number that was given again.
  all.set(2, stat(2, 1, 100, 8));
  assert.deepEqual(await look(2000), [[2, 0.5]]);
});

test("a scope is its descendants", async () => {
  const { all, look } = watchOf(5);
  await look(0);
  all.set(5, stat(5, 1, 0));
  all.set(6, stat(6, 5, 0));
  all.set(7, stat(7, 6, 100));
  all.set(8, stat(8, 1, 100));
  assert.deepEqual(await look(1000), [[7, 1]]);
});

const FILE: CodeMapping = {
  start: 0x1000n,
  end: 0x3000n,
  offset: 0n,
  inode: 9n,
  changedNs: 5n,
  device: "8:1",
  isExecutable: true,
  isFile: true,
  isNameless: false,
};
const ANONYMOUS: CodeMapping = { ...FILE, inode: 0n, changedNs: 0n, isFile: false };

test("a mapping is searched once in a process, and again after a while or when its file has changed", async () => {
  let now = 0;
  const searched = new Searched(() => now);
  for (const mapping of [FILE, ANONYMOUS]) searched.add("1 7", mapping);
  for (const mapping of [FILE, ANONYMOUS]) {
    assert.ok(searched.has("1 7", mapping));
    assert.ok(!searched.has("2 7", mapping));
  }
  assert.ok(!searched.has("1 7", { ...FILE, changedNs: 6n }));
  assert.ok(!searched.has("1 7", { ...FILE, offset: 0x1000n }));
  now = 120_000;
  assert.ok(!searched.has("1 7", ANONYMOUS));
  assert.ok(searched.has("1 7", FILE));
  now = 600_000;
  assert.ok(!searched.has("1 7", FILE));
});

test("pages of a file are known for every process that maps it, until it changes", async () => {
  let now = 0;
  const searched = new Searched(() => now);
  const pages = Uint8Array.of(3);
  searched.addPages(FILE, 0x1000n, 8192, pages);
  assert.equal(searched.pages({ ...FILE, start: 0x5000n, end: 0x7000n }, 0x5000n, 8192), pages);
  assert.equal(searched.pages({ ...FILE, changedNs: 6n }, 0x1000n, 8192), undefined);
  assert.equal(searched.pages({ ...FILE, offset: 0x1000n }, 0x1000n, 8192), undefined);
  searched.addPages(ANONYMOUS, 0x1000n, 8192, pages);
  assert.equal(searched.pages(ANONYMOUS, 0x1000n, 8192), undefined);
  // Known pages are learnt to the end of their time, and no longer.
  now = 599_000;
  searched.addPages(FILE, 0x1000n, 8192, pages);
  now = 600_000;
  assert.equal(searched.pages(FILE, 0x1000n, 8192), undefined);
});
