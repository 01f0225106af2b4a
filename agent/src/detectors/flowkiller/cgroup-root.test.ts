import assert from "node:assert/strict";
import { test } from "node:test";
import { NativeError } from "@cryptnono/native";
import { UnsupportedError } from "../../errors.js";
import { findCgroupRoot, type RootParts } from "./cgroup-root.js";
import { explainFailure } from "./failures.js";

const CGROUP2 = 0x63677270;
const enoent = Object.assign(new Error(), { code: "ENOENT" });

/** A machine with cgroup2 file systems, by path to the root's inode number. */
function machine(mounts: Readonly<Record<string, number>>, more: RootParts = {}): RootParts {
  return {
    readMounts: () =>
      Object.keys(mounts)
        .map((path) => `cgroup2 ${path.replace(" ", "\\040")} cgroup2 rw 0 0`)
        .join("\n"),
    statfs: (path) => {
      if (path in mounts) return { type: CGROUP2 };
      if (path === "/tmp") return { type: 0xef53 };
      throw enoent;
    },
    inode: (path) => mounts[path]!,
    exists: () => false,
    mount: () => {
      throw new NativeError("mount cgroup2", "EPERM", "operation not permitted", undefined);
    },
    close: () => {},
    ...more,
  };
}

test("the mounted root is taken, the chart's first", () => {
  assert.equal(findCgroupRoot(null, machine({ "/sys/fs/cgroup": 1 })).path, "/sys/fs/cgroup");
  const both = machine({ "/sys/fs/cgroup": 82, "/host/sys/fs/cgroup": 1 });
  assert.deepEqual([findCgroupRoot(null, both).path, findCgroupRoot(null, both).isOwn], ["/host/sys/fs/cgroup", false]);
  assert.equal(findCgroupRoot(null, machine({ "/mnt/a b": 1 })).path, "/mnt/a b");
});

test("where there is none one is mounted, and closed when it is of no more use", () => {
  const closed: number[] = [];
  const own = machine(
    { "/proc/self/fd/7": 1 },
    { readMounts: () => "", mount: () => 7, close: (fd) => closed.push(fd) },
  );
  const root = findCgroupRoot(null, own);
  assert.deepEqual([root.path, root.isOwn], ["/proc/self/fd/7", true]);
  root.close();
  assert.deepEqual(closed, [7]);
});

for (const [what, given, parts, message] of [
  [
    "a cgroup namespace",
    null,
    machine({ "/sys/fs/cgroup": 82 }),
    /\/sys\/fs\/cgroup: inode 82, a cgroup below the root: the agent is in a cgroup namespace.*; a mount of its own: .*EPERM/,
  ],
  [
    "no capability to mount",
    null,
    machine({}),
    /^find the root cgroup: a mount of its own: mount cgroup2: operation not permitted/,
  ],
  ["a directory of another kind", "/tmp", machine({}), /\/tmp: not a cgroup2 file system/],
  ["a directory that is not there", "/none", machine({}), /\/none: no such directory/],
  [
    "a cgroup below the root",
    "/sys/fs/cgroup",
    machine({ "/sys/fs/cgroup": 1 }, { exists: () => true }),
    /a cgroup below the root/,
  ],
] as const) {
  test(`${what} is told, with the way out`, () => {
    assert.throws(
      () => findCgroupRoot(given, parts),
      (error) => {
        assert.ok(error instanceof UnsupportedError);
        assert.match(error.message, message);
        assert.match(error.hint, /mount the node's \/sys\/fs\/cgroup .*SYS_ADMIN/);
        return true;
      },
    );
  });
}

test("a hook that another program has for itself is told, with whose it may be", () => {
  const told = explainFailure(new NativeError("attach cgroup/connect4", "EPERM", "x", undefined));
  assert.ok(told instanceof UnsupportedError);
  assert.match(told.message, /another program has the root cgroup's hook for itself/);
  assert.match(told.hint, /Cilium before 1\.14/);
  const unprivileged = explainFailure(new NativeError("load the BPF object", "EPERM", "x", undefined));
  assert.ok(unprivileged instanceof UnsupportedError);
  assert.match(unprivileged.hint, /BPF, PERFMON and NET_ADMIN/);
  const other = new NativeError("load the BPF object", "EINVAL", "x", undefined);
  assert.equal(explainFailure(other), other);
});
