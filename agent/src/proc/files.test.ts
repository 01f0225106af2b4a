import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { NativeError, processReads } from "@cryptnono/native";
import { openProc, StuckError } from "./files.js";

const code = (wanted: string) => (error: unknown) => error instanceof Error && "code" in error && error.code === wanted;

/** A folder laid out like /proc. */
function fakeProc(prepare: (root: string) => void): string {
  const root = mkdtempSync(join(tmpdir(), "proc-"));
  prepare(root);
  test.after(() => rmSync(root, { recursive: true, force: true }));
  return root;
}

test("process ids are the numeric names", () => {
  const root = fakeProc((root) => ["1", "42", "self", "sys", "4x"].forEach((name) => void mkdirSync(join(root, name))));
  assert.deepEqual(openProc({ root }).pids().sort(), [1, 42]);
});

test("of many threads no more are listed than are asked for", () => {
  const root = fakeProc((root) => {
    for (let thread = 1; thread <= 200; thread++) mkdirSync(join(root, "1/task", String(thread)), { recursive: true });
  });
  const proc = openProc({ root });
  assert.equal(proc.threads(1, 64).length, 64);
  assert.equal(new Set(proc.threads(1, 1000)).size, 200);
});

test("a process that is gone is told by the error's code", () => {
  const proc = openProc({ root: fakeProc(() => {}) });
  assert.throws(() => proc.read(7, "stat"), code("ENOENT"));
  assert.throws(() => proc.exe(7), code("ENOENT"));
  assert.throws(() => proc.threads(7, 1), code("ENOENT"));
});

const REFUSALS: readonly (readonly [code: string, isStuck: boolean])[] = [
  ["ETIMEDOUT", true],
  ["EBUSY", true],
  ["ESRCH", false],
  ["EMFILE", false],
];

for (const [refusal, isStuck] of REFUSALS) {
  test(`a read that is refused by ${refusal} is ${isStuck ? "" : "not "}taken for one without an answer`, async () => {
    const fail = () => Promise.reject(new NativeError("read", refusal, "refused", undefined));
    const proc = openProc({ reads: { ...processReads, area: fail, name: fail } });
    const expected = (error: unknown) =>
      error instanceof StuckError === isStuck && code(isStuck ? "STUCK" : refusal)(error);
    await assert.rejects(proc.area(1, 0, 1, 0n), expected);
    await assert.rejects(proc.name(1, Buffer.from("/x"), false), expected);
  });
}

test("of a real process everything is read", async () => {
  const child = spawn("/bin/sleep", ["60"], { argv0: "renamed" });
  await once(child, "spawn");
  try {
    const proc = openProc({ deadlineMs: 10_000 });
    const pid = child.pid!;
    assert.ok(proc.pids().includes(pid));
    assert.deepEqual(proc.threads(pid, 10), [pid]);
    const deadline = performance.now() + 60_000;
    let area = "";
    while (!area.startsWith("renamed") && performance.now() < deadline)
      area = Buffer.from((await proc.area(pid, 0, 2 ** 20, 0n)).bytes).toString();
    assert.equal(area, "renamed\u000060\0");
    assert.equal((await proc.name(pid, Buffer.from("/bin/sleep"), false)).names, "same");
    assert.equal((await proc.name(pid, Buffer.from("/bin/sh"), false)).names, "other");
    assert.match(Buffer.from(proc.exe(pid)).toString(), /\/sleep$/);
    assert.deepEqual(Buffer.from(proc.read(pid, "cgroup")), readFileSync(`/proc/${pid}/cgroup`));
    assert.equal(proc.lostReads(), 0);
  } finally {
    child.kill("SIGKILL");
  }
});
