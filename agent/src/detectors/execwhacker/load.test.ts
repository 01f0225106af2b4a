import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { watchLoop } from "@cryptnono/native";
import { type LoadRequest, load, loadInTurns } from "./load.js";
import type { CompiledRules } from "./rules.js";

const folder = mkdtempSync(join(tmpdir(), "load-"));
test.after(() => rmSync(folder, { recursive: true }));

function request(config: unknown, more: Partial<LoadRequest> = {}): LoadRequest {
  const file = join(folder, "list.json");
  writeFileSync(file, typeof config === "string" ? config : JSON.stringify(config));
  return { files: [file], mode: "enforce", allowAcrossLists: false, ways: {}, more: [], ...more };
}

const objects = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    value: `string-${i}`,
    mode: i % 2 ? "word" : "anywhere",
    ...(i % 3 ? { note: `n${i % 5}` } : {}),
  }));

const plain = ({ rules, list: { strings: _, ...list } }: CompiledRules) => ({
  ...rules,
  list,
  strings: Array.from({ length: rules.strings.length }, (_, i) => rules.strings.at(i)!).map((rule) => ({
    ...rule,
    value: Buffer.from(rule.value).toString(),
  })),
});

const ALLOWED = ["/usr/bin/honest( .*)?$", ".*a.{12}b"];
const more: LoadRequest["more"] = [
  { value: Buffer.from("of-its-own"), mode: "anywhere", list: "self", index: 0, action: "enforce", allowSet: 0 },
];

/** What is in force meanwhile. */
const before = load(request({ bannedCommandStrings: ["before"], allowedCommandPatterns: ALLOWED }));

for (const [name, count] of [
  ["a small list, in this thread", 5],
  ["a large list, by a worker", 9000],
] as const) {
  test(`${name}: the same rules and tables as at once, and the same verdicts`, async () => {
    const asked = request({ bannedCommandStrings: objects(count), allowedCommandPatterns: ALLOWED }, { more });
    const [loaded, expected] = [await loadInTurns(asked, before), load(asked)];
    assert.deepEqual(plain(loaded), plain(expected));
    for (const args of [["x", "string-3"], ["x", "xstring-3x"], ["x", "xstring-4x"], ["x"], ["of-its-own"]]) {
      for (const path of ["/usr/bin/honest", "/usr/bin/other"]) {
        const line = { path: Buffer.from(path), args: args.map((arg) => Buffer.from(arg)) };
        assert.deepEqual(loaded.judge(line).kind, expected.judge(line).kind);
      }
    }
  });
}

test("patterns that stay are not compiled again, and others by a worker", async () => {
  const same = await loadInTurns(request({ bannedCommandStrings: ["b"], allowedCommandPatterns: ALLOWED }), before);
  assert.equal(same.list.allow, before.list.allow);
  assert.equal(Buffer.from(same.rules.strings.at(0)!.value).toString(), "b");
  const other = await loadInTurns(request({ bannedCommandStrings: ["b"], allowedCommandPatterns: ["x$"] }), same);
  assert.deepEqual(plain(other), plain(load(request({ bannedCommandStrings: ["b"], allowedCommandPatterns: ["x$"] }))));
});

test("a fault is told in the same words, whoever finds it", async () => {
  for (const config of [
    { bannedCommandStrings: [...objects(9000), ""] },
    { bannedCommandStrings: objects(9000), allowedCommandPatterns: ["("] },
    { bannedCommandStrings: objects(9000), allowedCommandPatterns: ["(a{1,40}b?){1,40}c(.{1,30}d){1,30}"] },
  ]) {
    const asked = request(config);
    const told = (error: unknown) => {
      const { name, message, hint } = error as Error & { hint?: string };
      return [name, message, hint];
    };
    const expected = await Promise.resolve()
      .then(() => load(asked))
      .then(() => assert.fail(), told);
    assert.deepEqual(await loadInTurns(asked, before).then(() => assert.fail(), told), expected);
  }
});

test("a large list leaves the event loop its turns", async () => {
  const asked = request({ bannedCommandStrings: objects(30_000) });
  const watch = watchLoop();
  const start = performance.now();
  await loadInTurns(asked, before);
  const elapsedMs = performance.now() - start;
  await new Promise((resolve) => setTimeout(resolve, 1));
  const longestMs = watch.read().longestNs / 1e6;
  // At once it is one turn.
  assert.ok(longestMs < elapsedMs / 2, `${longestMs} of ${elapsedMs} ms`);
});
