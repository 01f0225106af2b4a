import assert from "node:assert/strict";
import { test } from "node:test";
import { GroupPlaces, groupOfLines } from "./groups.js";

for (const [name, lines, group] of [
  ["the unified hierarchy alone", "0::/kubepods/burstable/pod1/abc", "/kubepods/burstable/pod1/abc"],
  ["nested cgroups of one container", "0::/kubepods/burstable/pod1/abc/own/deeper", "/kubepods/burstable/pod1/abc"],
  ["a controller of the old hierarchy first", "4:memory:/docker/abc\n0::/", "/docker/abc"],
  ["another one when that is at its root", "8:pids:/docker/abc\n4:memory:/\n0::/x", "/docker/abc"],
  ["the unified one when both are at their roots", "8:pids:/\n4:memory:/\n0::/x/y", "/x/y"],
  ["controllers that share a hierarchy", "4:cpu,memory:/docker/abc", "/docker/abc"],
  ["colons in the path", "0::/a:b/c", "/a:b/c"],
  ["the root of all", "0::/", "/"],
  ["nothing to read", "", "/"],
] as const) {
  test(`group: ${name}`, () => assert.equal(groupOfLines(lines), group));
}

test("places are remembered for as many groups as there is room, the longest unused goes", () => {
  const places = new GroupPlaces(2);
  const at = (path: string) => ({ source: "kernel", paths: [path] }) as const;
  places.remember("1", at("/1"));
  places.remember("2", at("/2"));
  places.remember("1", at("/1b"));
  places.remember("3", at("/3"));
  assert.deepEqual([places.get("1"), places.get("2"), places.get("3")], [at("/1b"), undefined, at("/3")]);
});
