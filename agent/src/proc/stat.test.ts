import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { hasEnded, isDead, nsToTicks, parseStat, ticksToNs } from "./stat.js";

/** Printed by `cat /proc/self/stat` on Linux 6.18, the name, state, flags and threads put in. */
const line = (comm: string, state = "S", flags = 4194304, threads = 1): Buffer =>
  Buffer.from(
    `4242 (${comm}) ${state} 77 4242 77 34816 4242 ${flags} 101 0 0 0 30 12 0 0 20 0 ${threads} 0 98765 5644288 375 18446744073709551615 94 94 140 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 94 94 94 140 140 140 140 0\n`,
    "latin1",
  );

const COMMS = ["cat", "a b", "a) S 1 (b", "((", "))", "", "x\ny", "tmux: server", "\xff\xfe", "1 2 3 4 5 6 7 8"];

for (const comm of COMMS) {
  test(`a process named ${JSON.stringify(comm)} is read right`, () => {
    const stat = parseStat(line(comm));
    assert.equal(Buffer.from(stat!.comm).toString("latin1"), comm);
    assert.deepEqual(
      { ...stat, comm: undefined },
      {
        comm: undefined,
        state: "S",
        ppid: 77,
        isKernelThread: false,
        threads: 1,
        cpuTicks: 42,
        startTicks: 98765,
        image: "140 140",
        argumentBytes: 0,
      },
    );
  });
}

test("a kernel thread is known by its flag", () => {
  assert.equal(parseStat(line("kworker/0:1", "I", 69238880))?.isKernelThread, true);
});

test("a process whose first thread has ended lives while it has others", () => {
  const alone = parseStat(line("x", "Z"))!;
  const others = parseStat(line("x", "Z", 0, 3))!;
  assert.deepEqual([hasEnded(alone), isDead(alone), hasEnded(others), isDead(others)], [true, true, true, false]);
});

for (const text of ["", "1", "1 (x", "1 (x) S 1 2", "1 x) ( S"]) {
  test(`${JSON.stringify(text)} is no stat file`, () => assert.equal(parseStat(Buffer.from(text)), null));
}

test("the running test finds itself", () => {
  const stat = parseStat(readFileSync("/proc/self/stat"));
  assert.equal(stat?.argumentBytes, readFileSync("/proc/self/cmdline").length);
  assert.equal(stat?.ppid, process.ppid);
  assert.ok(stat!.startTicks > 0 && stat!.threads > 1);
});

test("a kernel's start time falls into the tick that /proc shows", () => {
  assert.equal(nsToTicks(ticksToNs(98765) + 9_999_999n), 98765);
});
