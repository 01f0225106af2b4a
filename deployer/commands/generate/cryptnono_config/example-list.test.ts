// The repository's own list: what it hits, what it spares, and that the values file is what the generator makes.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { Matcher, type MatchMode } from "@cryptnono/matcher";
import { benignLines } from "../../../generator/benign-lines.js";
import { bytes, shellLine } from "../../../generator/string-index.js";
import type { BannedList } from "../../../generator/types.js";
import { findPaths, type Paths } from "../../../paths.js";
import { entriesOf, readValues, type Values } from "../../../sops/values-file.js";
import { ENVIRONMENT, REPOSITORY, withoutSops } from "../../../test/workspace.js";
import { attackLines } from "./attack-lines.js";
import { toEntries } from "./changes.js";
import { typeErrors } from "./check-generator.js";
import { decryptGenerator, GENERATED_LIST, HAND_LIST, runGenerator } from "./run.js";

describe("the example list", { skip: withoutSops }, () => {
  let paths: Paths;
  let list: BannedList;
  let values: Values;
  let matcher: Matcher;
  before(async () => {
    Object.assign(process.env, ENVIRONMENT);
    paths = findPaths(REPOSITORY);
    await runGenerator(paths, false, async (made) => {
      list = made;
    });
    // From the file that is deployed, not from the generator.
    values = await readValues(paths.root, paths.values);
    const entries = [HAND_LIST, GENERATED_LIST].flatMap((name) => entriesOf(values, name));
    matcher = new Matcher(
      entries.map((entry) =>
        typeof entry === "string"
          ? { value: bytes(entry), mode: "word" }
          : { value: bytes(entry.value), mode: entry.mode as MatchMode },
      ),
    );
  });

  const kills = (line: string) => matcher.match(shellLine(line)).kind === "banned";

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

  test("hits at least 95 of 100 command lines that run miners", (t) => {
    const lines = attackLines();
    const hit = lines.filter((line) => kills(line)).length;
    t.diagnostic(`${hit} of ${lines.length}`);
    assert.ok(hit / lines.length >= 0.95, `${hit} of ${lines.length}`);
  });

  test("hits none of at least 50,000 benign lines", (t) => {
    const lines = benignLines();
    assert.ok(lines.length >= 50_000);
    const killed = lines.filter(({ text }) => kills(text));
    t.diagnostic(`${killed.length} of ${lines.length}`);
    assert.deepEqual(
      killed.map(({ place }) => place),
      [],
    );
  });
});
