// How processes that burn CPU are searched: in turns, to the end, however large they are.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { CodeMapping, MemorySearch } from "@cryptnono/native";
import type { ProcFiles } from "../../../proc/index.js";
import { type Hit, PATTERNS } from "./algorithms.js";
import { BUDGET, Budget, type BudgetLimits } from "./budget.js";
import { BurnWatch } from "./burning.js";
import { FAMILIES } from "./constants.js";
import { type Finding, MemoryScan } from "./scan.js";
import { Searched } from "./searched.js";

const MIB = 2 ** 20;

interface FakeProcess {
  readonly mappings: readonly CodeMapping[];
  readonly constants?: readonly Hit[];
}

function mappingOf(start: bigint, bytes: number, more: Partial<CodeMapping> = {}): CodeMapping {
  return {
    start,
    end: start + BigInt(bytes),
    offset: 0n,
    inode: 0n,
    changedNs: 0n,
    device: "0:0",
    isExecutable: true,
    isFile: false,
    isNameless: false,
    ...more,
  };
}

/** A nanosecond for each byte is what a fake search takes. */
const limitsOf = (burstNs: number) => ({ burstNs, nsPerSecond: burstNs / 20 });

/**
 * A machine whose processes each use a whole processor.
 *
 * @param limits - As {@link BudgetLimits}, or the burst; a twentieth of it comes back each second then.
 * @param mostListed - Mappings of one list.
 */
function machine(
  processes: Readonly<Record<number, FakeProcess>>,
  limits: number | BudgetLimits,
  mostListed = 1000,
  stepMs = 20_000,
) {
  let now = 0;
  const reads: { pid: number; from: bigint; bytes: number; atMs: number }[] = [];
  const findings: Finding[] = [];
  const proc: Pick<ProcFiles, "times" | "read" | "code" | "search"> = {
    times: () =>
      Promise.resolve({
        processes: Object.keys(processes).map((pid) => ({
          pid: Number(pid),
          ppid: 1,
          startTicks: 7,
          cpuTicks: now / 10,
        })),
        next: null,
        cpuNs: 0,
      }),
    read: (pid) => Buffer.from(`${pid} (x) R 1 ${"0 ".repeat(9)}${now / 10} 0 0 0 0 0 1 0 7 ${"0 ".repeat(30)}`),
    code(pid, from) {
      const rest = processes[pid]!.mappings.filter(({ start }) => start >= from);
      const mappings = rest.slice(0, mostListed);
      return Promise.resolve({
        mappings,
        cpuNs: 1_000_000,
        next: rest.length > mostListed ? mappings.at(-1)!.end : null,
      });
    },
    search(pid, from, bytes): Promise<MemorySearch> {
      reads.push({ pid, from, bytes, atMs: now });
      const hits = (processes[pid]!.constants ?? []).filter(
        ({ address }) => address >= from && address < from + BigInt(bytes),
      );
      return Promise.resolve({ bytes, cpuNs: bytes, hits, next: from + BigInt(bytes), known: new Uint8Array(128) });
    },
  };
  const budget = new Budget(typeof limits === "number" ? limitsOf(limits) : limits, () => now);
  const scan = new MemoryScan({
    proc: proc as ProcFiles,
    watch: new BurnWatch(proc, 0, () => now),
    budget,
    searched: new Searched(() => now),
    count: { candidate() {}, searched() {}, failed: (why) => assert.fail(why) },
    leastShare: 0.3,
    everyMs: 20_000,
    ownCpuNs: () => 0,
    nowMs: () => now,
    found: (finding) => Promise.resolve(void findings.push(finding)),
  });
  return {
    findings,
    reads,
    async look() {
      now += stepMs;
      await scan.run(() => false);
    },
  };
}

/** A family's patterns, as operands of code stand: some bytes apart. */
function standing(family: string, from: bigint): Hit[] {
  const { patterns } = FAMILIES.find(({ name }) => name === family)!;
  return patterns.map((pattern, i) => ({ address: from + BigInt(i * 13), pattern: PATTERNS.indexOf(pattern) }));
}

const CONSTANTS_AT = (from: bigint) => standing("randomx-superscalar", from);

test("a mapping that is larger than the budget is gone on with at the next look, to its end", async () => {
  const large = mappingOf(0x10000n, 100 * MIB);
  const { findings, reads, look } = machine(
    { 5: { mappings: [large], constants: CONSTANTS_AT(large.end - 4096n) } },
    16 * MIB,
  );
  for (let i = 0; i < 20 && findings.length === 0; i++) await look();
  assert.equal(findings.length, 1);
  assert.deepEqual(findings[0]!.algorithm, { name: "RandomX" });
  assert.equal(new Set(reads.map(({ from }) => from)).size, reads.length, "nothing is searched twice");
});

test("constants on both sides of where a search ended are one family", async () => {
  const two = mappingOf(0x10000n, 8 * MIB);
  const { findings, look } = machine(
    { 5: { mappings: [two], constants: CONSTANTS_AT(two.start + BigInt(4 * MIB) - 80n) } },
    64 * MIB,
  );
  for (let i = 0; i < 3; i++) await look();
  assert.equal(findings.length, 1);
  assert.equal(findings[0]!.families.get("randomx-superscalar"), 14);
});

test("a process with very much to search does not keep another one from its turn", async () => {
  const { findings, look } = machine(
    {
      5: { mappings: [mappingOf(0x10000n, 4096 * MIB)] },
      6: { mappings: [mappingOf(0x10000n, MIB)], constants: CONSTANTS_AT(0x10000n) },
    },
    32 * MIB,
  );
  for (let i = 0; i < 2; i++) await look();
  assert.deepEqual(
    findings.map(({ burning }) => burning.pid),
    [6],
  );
});

test("all mappings are looked at, though a list has room for a few", async () => {
  const mappings = Array.from({ length: 50 }, (_, i) => mappingOf(BigInt((i + 1) * 0x10000), 4096));
  const { findings, look } = machine({ 5: { mappings, constants: CONSTANTS_AT(mappings[49]!.start) } }, 64 * MIB, 7);
  for (let i = 0; i < 2; i++) await look();
  assert.equal(findings.length, 1);
});

test("what was found in one mapping counts with what is found in another", async () => {
  const mappings = [mappingOf(0x10000n, 4096), mappingOf(0x20000n, 8192)];
  const constants = [...standing("haraka", 0x10000n), ...standing("clhash", 0x21000n)];
  const { findings, look } = machine({ 5: { mappings, constants } }, 64 * MIB);
  for (let i = 0; i < 2; i++) await look();
  assert.deepEqual(
    findings.map(({ algorithm, places }) => [algorithm.name, places.length]),
    [["VerusHash", 2]],
  );
});

test("no ten seconds take more than half a percent of a processor, the first ones neither, and each process has its turn", async () => {
  const processes = Object.fromEntries(
    Array.from({ length: 200 }, (_, i) => [i + 5, { mappings: [mappingOf(0x10000n, MIB)] }]),
  );
  const { reads, look } = machine(processes, BUDGET, 1000, 1000);
  for (let i = 0; i < 400; i++) await look();
  const windows = reads.map(({ atMs }) =>
    reads.reduce((sum, read) => sum + (read.atMs >= atMs && read.atMs < atMs + 10_000 ? read.bytes : 0), 0),
  );
  assert.ok(Math.max(...windows) <= 50_000_000, `${Math.max(...windows)} ns`);
  const read = new Set(reads.map(({ pid }) => String(pid)));
  assert.deepEqual(
    Object.keys(processes).filter((pid) => !read.has(pid)),
    [],
  );
});

test("a new process is searched at the next look, though others wait", async () => {
  const processes: Record<number, FakeProcess> = { 5: { mappings: [mappingOf(0x10000n, 4096 * MIB)] } };
  const { findings, look } = machine(processes, BUDGET, 1000, 1000);
  for (let i = 0; i < 100; i++) await look();
  processes[6] = { mappings: [mappingOf(0x10000n, MIB)], constants: CONSTANTS_AT(0x10000n) };
  for (let i = 0; i < 45 && findings.length === 0; i++) await look();
  assert.deepEqual(
    findings.map(({ burning }) => burning.pid),
    [6],
  );
});

test("a file that nobody was searched for comes before those that were", async () => {
  const named = (start: bigint, bytes: number, inode: bigint) =>
    mappingOf(start, bytes, { isFile: true, inode, changedNs: 9n });
  const [common, own] = [named(0x10000n, MIB, 3n), named(0x900000n, 2 * MIB, 4n)];
  const processes: Record<number, FakeProcess> = { 5: { mappings: [common] } };
  const { reads, look } = machine(processes, 64 * MIB);
  for (let i = 0; i < 2; i++) await look();
  processes[6] = { mappings: [common, own] };
  for (let i = 0; i < 2; i++) await look();
  assert.deepEqual(
    reads.filter(({ pid }) => pid === 6).map(({ from }) => from),
    [own.start, common.start],
  );
});
