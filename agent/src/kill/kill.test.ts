import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parseStat, ticksToNs } from "../proc/index.js";
import { createKiller, type KillResult } from "./kill.js";

const START = 5000;

/** What the fake kernel does at one call: an error's code, or for stat the process it shows. */
type Answer =
  | string
  | { readonly start?: number; readonly state?: string; readonly flags?: number; readonly threads?: number };

const statOf = ({ start = START, state = "S", flags = 0, threads = 1 }: Exclude<Answer, string>): Buffer =>
  Buffer.from(`9 (x) ${state} 1 0 0 0 0 ${flags} 0 0 0 0 0 0 0 0 0 0 ${threads} 0 ${start} 0\n`);

interface Kernel {
  readonly stats?: readonly Answer[];
  readonly open?: string;
  readonly signal?: string;
}

function kill(
  pid: number,
  { stats = [{}, {}], open, signal }: Kernel,
): { readonly result: KillResult; readonly calls: readonly string[] } {
  const calls: string[] = [];
  const answers = [...stats];
  const fail = (code: string): never => {
    throw Object.assign(new Error(code), { code });
  };
  const killer = createKiller({
    selfPid: 500,
    readStat(pid) {
      calls.push(`stat ${pid}`);
      const answer = answers.shift() ?? fail("unexpected");
      return typeof answer === "string" ? fail(answer) : statOf(answer);
    },
    native: {
      pidfdOpen(pid) {
        calls.push(`open ${pid}`);
        return open === undefined ? 33 : fail(open);
      },
      pidfdSendSignal(fd, number) {
        calls.push(`signal ${fd} ${number}`);
        if (signal !== undefined) fail(signal);
      },
      close(fd) {
        calls.push(`close ${fd}`);
      },
    },
  });
  return { result: killer(pid, ticksToNs(START) + 1234n), calls };
}

test("a process is killed between two looks at its start time", () => {
  const { result, calls } = kill(9, {});
  assert.deepEqual(result, { kind: "killed" });
  assert.deepEqual(calls, ["stat 9", "open 9", "stat 9", "signal 33 9", "close 33"]);
});

const ROWS: readonly (readonly [name: string, pid: number, kernel: Kernel, result: KillResult, signalled: boolean])[] =
  [
    ["gone before", 9, { stats: ["ENOENT"] }, { kind: "missed", because: "exited" }, false],
    ["gone while its stat is read", 9, { stats: ["ESRCH"] }, { kind: "missed", because: "exited" }, false],
    ["a zombie", 9, { stats: [{ state: "Z" }] }, { kind: "missed", because: "exited" }, false],
    [
      "one whose first thread ended",
      9,
      {
        stats: [
          { state: "Z", threads: 2 },
          { state: "Z", threads: 2 },
        ],
      },
      { kind: "killed" },
      true,
    ],
    ["another one by now", 9, { stats: [{ start: START + 1 }] }, { kind: "missed", because: "pid-reused" }, false],
    ["gone at open", 9, { open: "ESRCH" }, { kind: "missed", because: "exited" }, false],
    ["replaced at open", 9, { stats: [{}, { start: START + 1 }] }, { kind: "missed", because: "pid-reused" }, false],
    ["gone after open", 9, { stats: [{}, "ENOENT"] }, { kind: "missed", because: "exited" }, false],
    ["gone at the signal", 9, { signal: "ESRCH" }, { kind: "missed", because: "exited" }, true],
    ["not permitted", 9, { signal: "EPERM" }, { kind: "failed", code: "EPERM", errno: 1 }, true],
    ["out of descriptors", 9, { open: "EMFILE" }, { kind: "failed", code: "EMFILE", errno: 24 }, false],
    ["unreadable", 9, { stats: ["EACCES"] }, { kind: "failed", code: "EACCES", errno: 13 }, false],
    ["a kernel thread", 9, { stats: [{ flags: 0x00200040 }] }, { kind: "refused", because: "a kernel thread" }, false],
    ["the agent", 500, {}, { kind: "refused", because: "the agent itself" }, false],
    ["init", 1, {}, { kind: "refused", because: "init" }, false],
  ];

for (const [name, pid, kernel, expected, signalled] of ROWS) {
  test(`a process that is ${name} gives ${JSON.stringify(expected)}`, () => {
    const { result, calls } = kill(pid, kernel);
    assert.deepEqual(result, expected);
    assert.equal(calls.includes("signal 33 9"), signalled);
    const opened = calls.includes(`open ${pid}`) && kernel.open === undefined;
    assert.equal(calls.includes("close 33"), opened, "what was opened is closed");
  });
}

test("a fault that is no errno is not swallowed, and the descriptor is closed", () => {
  assert.throws(() => kill(9, { signal: "ERR_INVALID_ARG_TYPE" }), /ERR_INVALID/);
});

test("a real process dies, and is missed the second time", async () => {
  const child = spawn("/bin/sleep", ["60"]);
  await once(child, "spawn");
  const exit = once(child, "exit");
  const pid = child.pid!;
  const readStat = (id: number): Buffer => readFileSync(`/proc/${id}/stat`);
  const startTimeNs = ticksToNs(parseStat(readStat(pid))!.startTicks);
  const native = {
    pidfdOpen: (id: number) => id,
    pidfdSendSignal: (fd: number) => void process.kill(fd, "SIGKILL"),
    close: () => {},
  };
  const killer = createKiller({ native, readStat });
  assert.deepEqual(killer(pid, startTimeNs + 10_000_000n), { kind: "missed", because: "pid-reused" });
  assert.deepEqual(killer(pid, startTimeNs), { kind: "killed" });
  const [, signal] = await exit;
  assert.equal(signal, "SIGKILL");
  assert.deepEqual(killer(pid, startTimeNs), { kind: "missed", because: "exited" });
});
