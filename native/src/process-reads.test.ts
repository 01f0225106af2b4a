import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { AREA_PIECE_BYTES, type CodeMapping, processReads, SEARCH_BYTES } from "./process-reads.js";

const DEADLINE_MS = 10_000;
const LIMIT = 8 * 2 ** 20;
const code = (wanted: string) => (error: unknown) => error instanceof Error && "code" in error && error.code === wanted;

/** A process with these arguments, that lives for the test. */
async function sleeper(t: { after(act: () => void): void }, args: readonly string[], argv0 = "x"): Promise<number> {
  const child: ChildProcess = spawn("/bin/sh", ["-c", "echo; read _", ...args], {
    argv0,
    stdio: ["pipe", "pipe", "ignore"],
  });
  t.after(() => child.kill("SIGKILL"));
  await once(child.stdout!, "data");
  return child.pid!;
}

const areaOf = (args: readonly string[], argv0 = "x") =>
  Buffer.from([argv0, "-c", "echo; read _", ...args].map((argument) => `${argument}\0`).join(""));

for (const length of [0, 1, AREA_PIECE_BYTES - 30, AREA_PIECE_BYTES, 100_000]) {
  test(`arguments of ${length} bytes and more are read whole, in pieces, with one hash`, async (t) => {
    const args = ["sh", "a".repeat(length), "b"];
    const pid = await sleeper(t, args);
    const expected = areaOf(args);
    const whole = await processReads.area(pid, DEADLINE_MS, 0, LIMIT, 0n);
    assert.equal(whole.length, expected.length);
    assert.deepEqual(Buffer.from(whole.bytes), expected.subarray(0, AREA_PIECE_BYTES));
    const pieces: Uint8Array[] = [];
    let hash = 0n;
    for (let from = 0; from < whole.length; from += AREA_PIECE_BYTES) {
      const piece = await processReads.area(pid, DEADLINE_MS, from, AREA_PIECE_BYTES, hash);
      hash = piece.hash;
      pieces.push(piece.bytes);
    }
    assert.deepEqual(Buffer.concat(pieces), expected);
    assert.equal(hash, whole.hash);
  });
}

test("how much processes have computed is what /proc tells, whatever their names, and of no thread of the kernel", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "times-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const program = join(folder, "x) R 1 (");
  symlinkSync("/bin/sh", program);
  const child = spawn(program, ["-c", "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done; echo; read _"], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  t.after(() => child.kill("SIGKILL"));
  await once(child.stdout!, "data");
  const { processes, next } = await processReads.times(DEADLINE_MS, 0);
  assert.equal(next, null);
  const one = processes.find(({ pid }) => pid === child.pid)!;
  const fields = readFileSync(`/proc/${child.pid}/stat`, "latin1").split(") ").at(-1)!.split(" ");
  assert.equal(one.ppid, process.pid);
  assert.equal(one.startTicks, Number(fields[19]));
  assert.equal(one.cpuTicks, Number(fields[11]) + Number(fields[12]));
  assert.ok(one.cpuTicks > 0);
  assert.ok(!processes.some(({ pid }) => pid === 2), "kthreadd");
  const pids = processes.map(({ pid }) => pid);
  assert.deepEqual(
    pids,
    pids.toSorted((a, b) => a - b),
  );
  const rest = await processReads.times(DEADLINE_MS, child.pid!);
  assert.equal(rest.processes[0]!.pid, child.pid);
});

test("other arguments have another hash, wherever they differ", async (t) => {
  const rows = [["a"], ["b"], ["a", ""], ["", "a"], ["a".repeat(70_000)], [`${"a".repeat(69_999)}b`]];
  const hashes = new Set<bigint>();
  for (const args of rows) {
    hashes.add((await processReads.area(await sleeper(t, ["sh", ...args]), DEADLINE_MS, 0, LIMIT, 0n)).hash);
  }
  assert.equal(hashes.size, rows.length);
});

test("a process that is gone is told by the error's code", async () => {
  const child = spawn("/bin/true");
  await once(child, "close");
  await assert.rejects(processReads.area(child.pid!, DEADLINE_MS, 0, LIMIT, 0n), code("ENOENT"));
  await assert.rejects(processReads.name(child.pid!, DEADLINE_MS, Buffer.from("/bin/true")), code("ENOENT"));
});

test("reads at one time do not disturb each other, and leave no process behind", async (t) => {
  const pids = await Promise.all(["a", "bb", "ccc"].map((word) => sleeper(t, ["sh", word])));
  const reads = Array.from({ length: 300 }, (_, i) => processReads.area(pids[i % 3]!, DEADLINE_MS, 0, LIMIT, 0n));
  for (const [i, { bytes }] of (await Promise.all(reads)).entries()) {
    assert.deepEqual(Buffer.from(bytes), areaOf(["sh", ["a", "bb", "ccc"][i % 3]!]));
  }
  const names = readdirSync(`/proc/${process.pid}/task`).length;
  assert.ok(names < 40, "threads do not add up");
  assert.equal(processReads.lost(), 0);
});

test("a name is looked up in the process's root, links and all", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "names-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const pid = await sleeper(t, ["sh"]);
  const at = (name: string) => Buffer.from(join(folder, name));
  writeFileSync(join(folder, "other"), "#!/bin/sh -e\nexit\n");
  symlinkSync("/bin/sh", join(folder, "link"));
  symlinkSync("link", join(folder, "link-to-link"));
  symlinkSync("loop", join(folder, "loop"));
  symlinkSync(`/proc/${pid}/exe`, join(folder, "magic"));
  mkdirSync(join(folder, "folder"));
  execFileSync("mkfifo", [join(folder, "fifo")]);
  const rows: readonly (readonly [path: Buffer, names: string])[] = [
    [Buffer.from("/bin/sh"), "same"],
    [Buffer.from("/usr/bin/../bin//sh"), "same"],
    [at("link"), "same"],
    [at("link-to-link"), "same"],
    [at("other"), "other"],
    [at("none"), "none"],
    [at("other/x"), "none"],
    [at("loop"), "none"],
    [at("magic"), "unknown"],
    [at("folder"), "none"],
    [at("fifo"), "none"],
    [Buffer.from("/dev/null"), "none"],
  ];
  for (const [path, names] of rows) {
    const check = await processReads.name(pid, DEADLINE_MS, path, true);
    assert.equal(check.names, names, path.toString());
  }
  const { head } = await processReads.name(pid, DEADLINE_MS, at("other"), true);
  assert.equal(Buffer.from(head!).toString(), "#!/bin/sh -e\nexit\n");
});

/** Node's own code, of this process: some 30 MB, of which much is there. */
async function ownCode(): Promise<CodeMapping> {
  const { ino } = statSync(process.execPath, { bigint: true });
  const { mappings } = await processReads.code(process.pid, DEADLINE_MS, 0n);
  return mappings.find(({ inode, isExecutable }) => inode === ino && isExecutable)!;
}

test("mappings are listed from an address on, and a file's tell when it changed", async () => {
  const own = await ownCode();
  assert.ok(own.isFile && !own.isNameless);
  assert.equal(own.changedNs, statSync(process.execPath, { bigint: true }).ctimeNs);
  const { mappings, next } = await processReads.code(process.pid, DEADLINE_MS, own.start + 1n);
  assert.ok(mappings.every(({ start }) => start > own.start));
  assert.equal(next, null);
});

test("a pattern is found at its address, whatever its length, and a page that is known is not read", async () => {
  const own = await ownCode();
  const page = Buffer.alloc(4096);
  const memory = openSync("/proc/self/mem", "r");
  readSync(memory, page, 0, page.length, own.start);
  closeSync(memory);
  for (const length of [4, 7, 16]) {
    const pattern = page.subarray(1001, 1001 + length);
    processReads.prepareSearch([Buffer.from("no such pattern"), pattern]);
    const { bytes, hits, next, known } = await processReads.search(process.pid, DEADLINE_MS, own.start, 4096);
    assert.equal(bytes, 4096);
    assert.equal(next, own.start + 4096n);
    const found = hits.map(({ address, pattern: index }) => [Number(address - own.start), index]);
    assert.ok(found.some(([at, index]) => at === 1001 && index === 1));
    assert.ok(found.every(([at]) => page.subarray(at, at! + length).equals(pattern)));
    assert.equal(known[0], 1);
    const again = await processReads.search(process.pid, DEADLINE_MS, own.start, 4096, known);
    assert.deepEqual([again.bytes, again.hits], [0, []]);
  }
});

test("a search that finds too much says where it stopped, and goes on from there", async () => {
  const own = await ownCode();
  // Each pattern is met by some of the filling between functions.
  processReads.prepareSearch([Buffer.from([0, 0, 0, 0]), Buffer.alloc(4, 0xcc), Buffer.alloc(4, 0x90)]);
  const addresses: bigint[] = [];
  let stops = 0;
  const end = own.start + BigInt(SEARCH_BYTES);
  for (let from = own.start; from < end; ) {
    const { hits, next } = await processReads.search(process.pid, DEADLINE_MS, from, Number(end - from));
    assert.ok(next > from && next <= end);
    if (next < end) stops++;
    addresses.push(...hits.map(({ address }) => address));
    from = next;
  }
  assert.ok(stops > 0);
  assert.ok(new Set(addresses).size > 4096);
});

test("patterns that are too short or too long are refused", () => {
  for (const length of [3, 17]) assert.throws(() => processReads.prepareSearch([new Uint8Array(length)]), /4 to 16/);
});
