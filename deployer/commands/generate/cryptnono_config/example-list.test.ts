// The repository's own list: what it hits, what it spares, and that the values file is what the generator makes.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { Matcher, type MatchMode } from "@cryptnono/matcher";
import { rounds } from "@cryptnono/matcher/test/rounds";
import { attackLines } from "../../../generator/attack-lines.js";
import { benignLines, isOnHost } from "../../../generator/benign-lines.js";
import { halfOf } from "../../../generator/halves.js";
import { measure } from "../../../generator/measure.js";
import { banned, shellLine } from "../../../generator/string-index.js";
import type { BannedList } from "../../../generator/types.js";
import { findPaths, type Paths } from "../../../paths.js";
import { type Entry, entriesOf, readValues, stringsOfEntry, type Values } from "../../../sops/values-file.js";
import { ENVIRONMENT, REPOSITORY, withoutSops } from "../../../test/workspace.js";
import { toEntries } from "./changes.js";
import { typeErrors } from "./check-generator.js";
import { decryptGenerator, GENERATED_LIST, HAND_LIST, runGenerator } from "./run.js";

describe("the example list", { skip: withoutSops }, () => {
  let paths: Paths;
  let list: BannedList;
  let values: Values;
  let matcher: Matcher;
  let hostMatcher: Matcher;
  before(async () => {
    Object.assign(process.env, ENVIRONMENT);
    paths = findPaths(REPOSITORY);
    await runGenerator(paths, false, async (made) => {
      list = made;
    });
    // From the file that is deployed, not from the generator.
    values = await readValues(paths.root, paths.values);
    const entries = [HAND_LIST, GENERATED_LIST].flatMap((name) => entriesOf(values, name));
    matcher = matcherOf(entries);
    hostMatcher = matcherOf(entries.filter((entry) => typeof entry === "string" || entry.scope === undefined));
  });

  const kills = (line: string) => matcher.match(shellLine(line)).kind === "banned";
  const killsOnHost = (line: string) => hostMatcher.match(shellLine(line)).kind === "banned";

  test("is what the generator makes", () => {
    assert.deepEqual(entriesOf(values, GENERATED_LIST), toEntries(list.kept));
  });

  test("has at least 6,000 strings, each with a source and a rule", (t) => {
    assert.ok(list.kept.length >= 6000, String(list.kept.length));
    for (const { source, rule } of [...list.kept, ...list.dropped]) assert.ok(source !== "" && rule !== "");
    t.diagnostic(`${list.kept.length} strings`);
  });

  test("has a generator without type errors", async () => {
    assert.deepEqual(typeErrors(await decryptGenerator(paths), paths.plainGenerator), []);
  });

  // Both halves: the rules were made with the tuning one in view, the other is for figures alone.
  for (const half of ["tuning", "held-out"] as const) {
    test(`hits at least 95 of 100 command lines that run or fetch miners, ${half} half`, (t) => {
      const lines = attackLines().filter(({ text, act }) => act === "run" && halfOf(text) === half);
      const hit = lines.filter(({ text }) => kills(text)).length;
      t.diagnostic(`${hit} of ${lines.length}`);
      assert.ok(lines.length >= 80 && hit / lines.length >= 0.95, `${hit} of ${lines.length}`);
    });
  }

  test("hits 94 of 100 lines with those that only prepare or hide, in an administrator's own words", (t) => {
    const lines = attackLines();
    const hit = lines.filter(({ text }) => kills(text)).length;
    t.diagnostic(`${hit} of ${lines.length}`);
    assert.ok(hit / lines.length >= 0.94, `${hit} of ${lines.length}`);
  });

  test("hits no benign line of the held-out half when only the tuning half is known", (t) => {
    const [all] = measure(list, attackLines(), benignLines());
    t.diagnostic(`${all!.benign["held-out"].hit} of ${all!.benign["held-out"].of}`);
    assert.ok(all!.benign["held-out"].of >= 100_000);
    assert.equal(all!.benign["held-out"].hit, 0);
    assert.equal(all!.benign.list.hit, 0);
  });

  test("has no string that is a host's file or switch by itself", () => {
    const line = (text: string) => assert.ok(!killsOnHost(text));
    ["cat /etc/ld.so.preload", "sysctl -w vm.nr_hugepages=640", "modprobe msr allow_writes=on"].forEach(line);
    assert.ok(!kills("sh -c 'echo /usr/lib/libjemalloc.so.2 > /etc/ld.so.preload'"));
    assert.ok(kills("modprobe msr allow_writes=on"));
    assert.ok(killsOnHost("sh -c '/sbin/modprobe msr allow_writes=on > /dev/null 2>&1'"));
  });

  test("hits none of at least 50,000 benign lines, of which a part is asked", (t) => {
    const all = benignLines();
    assert.ok(all.length >= 50_000);
    // By the product's own search, others in each run; by the generator's all of them are asked above.
    const share = rounds(25_000) / all.length;
    const lines = all.filter(() => Math.random() < share);
    const killed = lines.filter((line) => (isOnHost(line) ? killsOnHost : kills)(line.text));
    t.diagnostic(`${killed.length} of ${lines.length}`);
    assert.deepEqual(
      killed.map(({ place }) => place),
      [],
    );
  });
});

function matcherOf(entries: readonly Entry[]): Matcher {
  return new Matcher(
    entries.map((entry) => {
      const [value, ...also] = stringsOfEntry(entry);
      const mode = (typeof entry === "string" ? "word" : (entry.mode ?? "word")) as MatchMode;
      return banned({ value: value!, mode, ...(also.length === 0 ? {} : { also }) });
    }),
  );
}
