import assert from "node:assert/strict";
import { test } from "node:test";
import { isHostFile, isOrdinaryName } from "./ordinary.js";

const words = new Set(["ghost", "rider", "eagle", "song", "wild", "graft", "time", "travel", "cash", "random"]);

for (const [name, isOrdinary] of [
  ["ghostrider", true],
  ["timetravel10", true],
  ["wild", true],
  // What is not made of words, or says what it is for.
  ["wildrig", false],
  ["wildrig64", false],
  ["randomxmonero", false],
  ["graftcp", false],
  ["randomx", false],
  ["ghost-rider", false],
  ["x", false],
  ["", false],
] as const) {
  test(`«${name}» is ${isOrdinary ? "" : "not "}made of ordinary words`, () => {
    assert.equal(isOrdinaryName(name, words), isOrdinary);
  });
}

for (const [path, isHosts] of [
  ["/etc/ld.so.preload", true],
  ["/proc/sys/vm/nr_hugepages", true],
  ["rm -rf /etc/ld.so.preload", false],
  ["/tmp/kdevtmpfsi", false],
  ["/etc/a file", false],
] as const) {
  test(`«${path}» is ${isHosts ? "" : "not "}a host's file by itself`, () => assert.equal(isHostFile(path), isHosts));
}
