// What is done with programs that begin: their files are searched once, within bounds, and marks are for the process that began.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { FileSearch } from "@cryptnono/native";
import { type Hit, PATTERNS } from "./algorithms.js";
import { AtExec, EXEC_BUDGET, type ExecResult, MOST_FILE_BYTES, PIECE_BYTES } from "./at-exec.js";
import { BUDGET, Budget, type BudgetLimits } from "./budget.js";
import { FAMILIES } from "./constants.js";

const CONSTANTS: readonly Hit[] = FAMILIES.find(({ name }) => name === "randomx-superscalar")!.patterns.map(
  (pattern, i) => ({ address: BigInt(7 * PIECE_BYTES - 40 + i * 13), pattern: PATTERNS.indexOf(pattern) }),
);

/** @param fileOf - Each process's file. */
function machine(
  fileOf: (pid: number) => string,
  {
    size = 8n * BigInt(PIECE_BYTES),
    limits = [unbounded()],
    furtherNs = 1e12,
    mostCached = 9,
    cpuNs = 1e6,
  }: Partial<{ size: bigint; limits: BudgetLimits[]; furtherNs: number; mostCached: number; cpuNs: number }> = {},
) {
  let now = 0;
  const counted: ExecResult[] = [];
  const marked: number[] = [];
  const searched: bigint[] = [];
  const budgets = limits.map((one) => new Budget(one, () => now));
  const atExec = new AtExec({
    budgets,
    further: new Budget({ burstNs: furtherNs, nsPerSecond: 1000 }, () => now),
    mostCached,
    became: (_, result) => void counted.push(result),
    searched() {},
    mark: ({ pid }) => void marked.push(pid),
    proc: {
      read(pid) {
        if (fileOf(pid) === "gone") throw Object.assign(new Error("gone"), { code: "ENOENT" });
        return Buffer.from(`${pid} (x) R 1 ${"0 ".repeat(17)}7 ${"0 ".repeat(30)}`);
      },
      async searchExe(pid, from, bytes): Promise<FileSearch> {
        const key = fileOf(pid);
        if (key === "going") throw Object.assign(new Error("gone"), { code: "ENOENT" });
        if (bytes > 0) searched.push(from);
        const next = from + BigInt(bytes);
        const hits = key.startsWith("miner")
          ? CONSTANTS.filter(({ address }) => address >= from && address < next)
          : [];
        return { key, size, bytes, cpuNs, hits, next };
      },
    },
  });
  const began = (pid: number, ticks = 7n) => atExec.add({ pid, startTimeNs: ticks * 10_000_000n, timeNs: 0n });
  function pass(ms: number): void {
    now += ms;
  }
  return { atExec, counted, marked, searched, began, pass, budgets };
}

const unbounded = () => limitsOf(1e12);
const limitsOf = (ns: number) => ({ burstNs: ns, nsPerSecond: ns });

test("a file is searched once, to its end, and each process that runs it is marked", async () => {
  const { atExec, counted, marked, searched, began } = machine(() => "miner");
  for (const pid of [5, 6]) {
    began(pid);
    await atExec.run();
  }
  assert.deepEqual(marked, [5, 6]);
  assert.deepEqual(counted, ["searched", "cached"]);
  assert.equal(searched.length, 8);
});

test("what has no constants, is gone, or has another's number is not marked", async () => {
  const { atExec, counted, marked, began } = machine((pid) => ["miner", "shell", "going", "gone"][pid - 5]!);
  for (const [pid, ticks] of [
    [5, 8n],
    [6, 7n],
    [7, 7n],
    [8, 7n],
  ] as const)
    began(pid, ticks);
  await atExec.run();
  assert.deepEqual(marked, []);
  assert.deepEqual(counted.toSorted(), ["searched", "vanished", "vanished", "vanished"]);
});

test("files that were longest unused are forgotten", async () => {
  const { atExec, counted, began } = machine((pid) => `file ${pid}`, { mostCached: 2 });
  for (const pid of [1, 2, 1, 3, 1, 2]) began(pid);
  await atExec.run();
  assert.deepEqual(counted, ["searched", "searched", "cached", "searched", "cached", "searched"]);
});

test("of a large file only the beginning is searched", async () => {
  const { atExec, searched, began } = machine(() => "large", { size: 2n ** 40n });
  began(5);
  await atExec.run();
  assert.equal(searched.length, MOST_FILE_BYTES / PIECE_BYTES);
});

test("a large file keeps none waiting that comes after it", async () => {
  const { atExec, counted, marked, searched, began, pass } = machine((pid) => (pid === 5 ? "large" : "miner"), {
    furtherNs: 1000,
  });
  began(5);
  await atExec.run();
  assert.equal(searched.length, 2);
  began(6);
  await atExec.run();
  assert.deepEqual(searched.slice(2), [0n]);
  assert.deepEqual(counted, []);
  for (let i = 0; i < 40; i++) {
    pass(10_000_000);
    await atExec.run();
  }
  assert.deepEqual(marked, [6]);
  assert.deepEqual(counted, ["searched", "searched"]);
});

test("without processor time it waits, and what finds no room is put off", async () => {
  const { atExec, counted, began, pass } = machine(() => "shell", { limits: [limitsOf(1000)], size: 9n });
  for (let pid = 1; pid <= 257; pid++) assert.equal(began(pid), pid <= 256);
  await atExec.run();
  assert.deepEqual(counted, ["put-off", "searched"]);
  await atExec.run();
  assert.equal(counted.length, 2);
  pass(3_600_000_000);
  await atExec.run();
  assert.deepEqual(counted.slice(2), ["cached"]);
});

test("where a look takes more than ever comes in, each that lives is looked at, and the scan of memory too", async () => {
  const { atExec, counted, began, pass, budgets } = machine((pid) => (pid % 10 === 0 ? `file ${pid}` : "gone"), {
    limits: [EXEC_BUDGET, BUDGET],
    size: BigInt(PIECE_BYTES),
    cpuNs: 1e9,
  });
  const shared = budgets[1]!;
  let scans = 0;
  for (let pid = 1; pid <= 50; pid++) began(pid);
  assert.equal(atExec.waiting, 50);
  for (let second = 0; second < 120; second++) {
    pass(1000);
    await atExec.run();
    shared.spend(3_000_000); // what the agent takes by itself
    if (!shared.isOpen) continue;
    scans++;
    shared.spend(1e9);
  }
  assert.equal(atExec.waiting, 0);
  assert.deepEqual([counted.length, counted.filter((result) => result === "searched").length], [50, 5]);
  assert.ok(scans >= 5, `${scans}`);
});
