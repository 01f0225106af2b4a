import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
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

/** A fifo that is open for writing but never written stands for a page that is never served. */
async function stuckFile(path: string): Promise<() => Promise<void>> {
  const [made] = await once(spawn("mkfifo", [path]), "close");
  assert.equal(made, 0);
  const holder = spawn("/bin/sh", ["-c", 'exec 3<>"$1"; echo open; read -r _', "sh", path], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  await once(holder.stdout, "data");
  return async () => {
    holder.stdin.end("\n");
    await once(holder, "close");
  };
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 5000;
  while (!condition()) {
    assert.ok(performance.now() < deadline, "in time");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test("memory that does not answer costs the deadline once a process, and at most three threads", async () => {
  const root = fakeProc((root) => ["1", "2", "3", "4", "5"].forEach((pid) => void mkdirSync(join(root, pid))));
  const releases = await Promise.all(["1", "2", "3", "4"].map((pid) => stuckFile(join(root, pid, "cmdline"))));
  writeFileSync(join(root, "5/cmdline"), "well\0");
  const proc = openProc({ root, deadlineMs: 100 });
  const isPending = (wanted: boolean) => (error: unknown) => error instanceof StuckError && error.isPending === wanted;
  await assert.rejects(proc.cmdline(1), isPending(true));
  await assert.rejects(proc.cmdline(1), isPending(false), "it is not asked again");
  assert.equal(Buffer.from(await proc.cmdline(5)).toString(), "well\0");
  await assert.rejects(proc.cmdline(2), isPending(true));
  await assert.rejects(proc.cmdline(3), isPending(true));
  assert.equal(proc.stuckReads(), 3);
  for (const pid of [4, 5]) await assert.rejects(proc.cmdline(pid), isPending(false), "the last thread is not risked");
  const held = (): number =>
    readdirSync("/proc/self/fd").filter((fd) => linkOf(`/proc/self/fd/${fd}`).startsWith(root)).length;
  assert.equal(held(), 3);
  for (const release of releases) await release();
  await until(() => proc.stuckReads() === 0);
  assert.equal(Buffer.from(await proc.cmdline(5)).toString(), "well\0");
  assert.equal(held(), 0);
  rmSync(join(root, "1/cmdline"));
  writeFileSync(join(root, "1/cmdline"), "back\0");
  assert.equal(Buffer.from(await proc.cmdline(1)).toString(), "back\0");
});

test("what is no regular file is not opened", async () => {
  const root = fakeProc((root) => mkdirSync(join(root, "1/root"), { recursive: true }));
  const release = await stuckFile(join(root, "1/root/fifo"));
  assert.equal(await openProc({ root }).head(1, bytes("/fifo")), null);
  await release();
});

test("reads at the same time do not disturb each other, and their bytes stay", async () => {
  const sizes = [10, 70_000, 20, 65_536, 30];
  const root = fakeProc((root) => {
    for (const [pid, size] of sizes.entries()) {
      mkdirSync(join(root, String(pid)));
      writeFileSync(join(root, String(pid), "cmdline"), Buffer.alloc(size, String(pid)));
    }
  });
  const proc = openProc({ root });
  for (let round = 0; round < 20; round++) {
    const areas = await Promise.all(sizes.map((_, pid) => proc.cmdline(pid)));
    await proc.cmdline(0);
    for (const [pid, size] of sizes.entries()) {
      assert.equal(Buffer.compare(areas[pid]!, Buffer.alloc(size, String(pid))), 0);
    }
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
