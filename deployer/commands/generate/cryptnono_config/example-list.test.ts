// The repository's own list: what it hits, what it spares, and that the values file is what the generator makes.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { before, describe, test } from "node:test";
import { benignLines } from "../../../generator/benign-lines.js";
import { packageFile } from "../../../generator/package-file.js";
import { shellSplit } from "../../../generator/shell-split.js";
import { commandLine, StringIndex } from "../../../generator/string-index.js";
import type { BannedList } from "../../../generator/types.js";
import { findPaths, type Paths } from "../../../paths.js";
import { entriesOf, readValues } from "../../../sops/values-file.js";
import { ENVIRONMENT, REPOSITORY, withoutSops } from "../../../test/workspace.js";
import { typeErrors } from "./check-generator.js";
import { decryptGenerator, GENERATED_LIST, HAND_LIST, runGenerator } from "./run.js";

describe("the example list", { skip: withoutSops }, () => {
  let paths: Paths;
  let list: BannedList;
  let index: StringIndex;
  before(async () => {
    Object.assign(process.env, ENVIRONMENT);
    paths = findPaths(REPOSITORY);
    await runGenerator(paths, false, async (made) => {
      list = made;
    });
    // From the file that is deployed, not from the generator.
    const values = await readValues(paths.root, paths.values);
    index = new StringIndex(
      [HAND_LIST, GENERATED_LIST].flatMap((name) =>
        entriesOf(values, name).map((entry) =>
          typeof entry === "string"
            ? { value: entry, mode: "word" as const }
            : { value: entry.value, mode: entry.mode as "anywhere" },
        ),
      ),
    );
  });

  test("is what the generator makes", () => {
    const { status, stdout } = spawnSync(
      process.execPath,
      [packageFile("bin/deployer"), "generate", "cryptnono-secret-config", "--dry-run"],
      {
        cwd: REPOSITORY,
        env: ENVIRONMENT,
        encoding: "utf8",
      },
    );
    assert.equal(status, 0, stdout);
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
    const file = packageFile("commands/generate/cryptnono_config/fixtures/attack-command-lines.jsonl");
    const lines = readFileSync(file, "utf8")
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { cmdline: string }).cmdline);
    const hit = lines.filter((line) => index.banning(commandLine(shellSplit(line))).length > 0).length;
    t.diagnostic(`${hit} of ${lines.length}`);
    assert.ok(hit / lines.length >= 0.95, `${hit} of ${lines.length}`);
  });

  test("hits none of at least 50,000 benign lines", (t) => {
    const lines = benignLines();
    assert.ok(lines.length >= 50_000);
    const killed = lines.filter(({ text }) => index.banning(commandLine(shellSplit(text))).length > 0);
    t.diagnostic(`${killed.length} of ${lines.length}`);
    assert.deepEqual(
      killed.map(({ place }) => place),
      [],
    );
  });
});
