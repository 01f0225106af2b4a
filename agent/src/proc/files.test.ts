import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openProc, StuckError } from "./files.js";

const bytes = (text: string): Buffer => Buffer.from(text);
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

for (const length of [0, 1, 65_535, 65_536, 65_537, 131_072, 2_000_000]) {
  test(`a command line of ${length} bytes is read whole`, async () => {
    const content = Buffer.alloc(length, "ab\0");
    const root = fakeProc((root) => {
      mkdirSync(join(root, "1"));
      writeFileSync(join(root, "1/cmdline"), content);
    });
    const proc = openProc({ root });
    assert.equal(Buffer.compare(await proc.cmdline(1), content), 0);
    assert.equal(Buffer.compare(await proc.cmdline(1), content), 0);
  });
}

test("a command line longer than any real one is read to the limit", async () => {
  const root = fakeProc((root) => {
    mkdirSync(join(root, "1"));
    writeFileSync(join(root, "1/cmdline"), Buffer.alloc(9 * 1024 * 1024, "x"));
  });
  assert.equal((await openProc({ root }).cmdline(1)).length, 8 * 1024 * 1024);
});

test("a process that is gone is told by the error's code", async () => {
  const proc = openProc({ root: fakeProc(() => {}) });
  assert.throws(() => proc.read(7, "stat"), code("ENOENT"));
  assert.throws(() => proc.link(7, "exe"), code("ENOENT"));
  await assert.rejects(proc.cmdline(7), code("ENOENT"));
});

test("memory that does not answer costs the deadline, and its thread is found again", async () => {
  // A fifo that someone may write to but does not stands for a page that is never served.
  const root = fakeProc((root) => mkdirSync(join(root, "1")));
  const fifo = join(root, "1/cmdline");
  const [made] = await once(spawn("mkfifo", [fifo]), "close");
  assert.equal(made, 0);
  const holder = spawn("/bin/sh", ["-c", 'exec 3<>"$1"; echo open; read -r _', "sh", fifo], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  await once(holder.stdout, "data");
  const proc = openProc({ root, deadlineMs: 50 });
  for (let i = 0; i < 3; i++) await assert.rejects(proc.cmdline(1), StuckError);
  assert.equal(proc.stuckReads(), 3);
  const start = performance.now();
  await assert.rejects(proc.cmdline(1), StuckError, "the last thread is not risked");
  assert.ok(performance.now() - start < 40);
  holder.stdin.end("\n");
  await once(holder, "close");
  mkdirSync(join(root, "2"));
  writeFileSync(join(root, "2/cmdline"), "back\0");
  const deadline = performance.now() + 5000;
  for (;;) {
    const area = await proc.cmdline(2).catch(() => null);
    if (area !== null) {
      assert.equal(Buffer.from(area).toString(), "back\0");
      assert.ok(proc.stuckReads() < 3);
      break;
    }
    assert.ok(performance.now() < deadline);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
});

test("a path is resolved in the process's own root, absolute links too", async () => {
  const root = fakeProc((root) => {
    mkdirSync(join(root, "1/root/usr/bin"), { recursive: true });
    mkdirSync(join(root, "1/root/etc/alternatives"), { recursive: true });
    copyFileSync("/bin/true", join(root, "1/root/usr/bin/tool-1.0"));
    writeFileSync(join(root, "1/root/usr/bin/other"), "other");
    symlinkSync("/etc/alternatives/tool", join(root, "1/root/usr/bin/tool"));
    symlinkSync("../../usr/bin/./tool-1.0", join(root, "1/root/etc/alternatives/tool"));
    symlinkSync("usr/bin", join(root, "1/root/bin"));
    symlinkSync("loop", join(root, "1/root/loop"));
    symlinkSync("root/usr/bin/tool-1.0", join(root, "1/exe"));
  });
  const proc = openProc({ root });
  const rows: readonly (readonly [path: string, same: boolean])[] = [
    ["/usr/bin/tool-1.0", true],
    ["/usr/bin/tool", true],
    ["//bin//tool", true],
    ["/bin/../../../bin/tool", true],
    ["/usr/bin/other", false],
    ["/usr/bin/none", false],
    ["/loop", false],
    ["/loop/tool", false],
    ["/usr/bin/tool/x", false],
  ];
  for (const [path, same] of rows) assert.equal(await proc.isExecutable(1, bytes(path)), same, path);
  assert.equal(Buffer.from((await proc.head(1, bytes("/bin/other")))!).toString(), "other");
  assert.equal(await proc.head(1, bytes("/bin")), null);
});

test("of a real process everything is read", async () => {
  const child = spawn("/bin/sleep", ["60"], { argv0: "renamed" });
  await once(child, "spawn");
  try {
    const proc = openProc();
    const pid = child.pid!;
    assert.ok(proc.pids().includes(pid));
    assert.deepEqual(proc.threads(pid), [pid]);
    const deadline = performance.now() + 5000;
    let area = "";
    while (!area.startsWith("renamed") && performance.now() < deadline)
      area = Buffer.from(await proc.cmdline(pid)).toString();
    assert.equal(area, "renamed\u000060\0");
    assert.equal(await proc.isExecutable(pid, bytes("/bin/sleep")), true);
    assert.equal(await proc.isExecutable(pid, bytes("/bin/sh")), false);
    assert.deepEqual(Buffer.from(proc.read(pid, "cgroup")), readFileSync(`/proc/${pid}/cgroup`));
  } finally {
    child.kill("SIGKILL");
  }
});
