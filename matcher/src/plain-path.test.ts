import assert from "node:assert/strict";
import { test } from "node:test";
import { isPlainPath } from "./plain-path.js";

test("a path is plain when it is absolute and each component names something below the one before", () => {
  for (const plain of [
    "/a",
    "/a/b",
    "/.a",
    "/..a",
    "/a./b..",
    "/.../a",
    "/a/.b/..c",
    "/process/a",
    "/dev/fda",
    "/proc",
    "/dev/fd",
  ])
    assert.equal(isPlainPath(Buffer.from(plain)), true, plain);
  for (const other of [
    "",
    "a",
    "a/b",
    "./a",
    "/",
    "//a",
    "/a/",
    "/a//b",
    "/.",
    "/..",
    "/a/.",
    "/a/..",
    "/./a",
    "/../a",
    "/a/./b",
    "/a/../b",
    "/proc/self/exe",
    "/dev/fd/5",
    "/dev/fd/5/a",
  ])
    assert.equal(isPlainPath(Buffer.from(other)), false, other);
});
