import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ConfigError } from "./config-error.js";
import { loadConfig } from "./load.js";

const folder = mkdtempSync(join(tmpdir(), "config-load-"));
test.after(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

function refusal(files: readonly string[]): ConfigError {
  try {
    loadConfig(files, { defaultMode: "enforce" });
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error;
  }
  assert.fail("accepted");
}

test("files are read and merged", () => {
  const a = write("a.json", '{"bannedCommandStrings": ["x"]}');
  const b = write("b.json", '{"allowedCommandPatterns": ["y"], "mode": "audit"}');
  const rules = loadConfig([a, b], { defaultMode: "enforce" });
  assert.deepEqual(
    rules.strings.map(({ list, index, action }) => ({ list, index, action })),
    [{ list: "a", index: 0, action: "enforce" }],
  );
  assert.deepEqual(rules.allow, [{ source: "y", list: "b", index: 0 }]);
});

test("a missing file, a directory, a device and a faulty file are all told in one error", () => {
  const faulty = write("faulty.json", '{"mode": 1, "bannedCommandStrings": [""]}');
  const { problems, message } = refusal([join(folder, "none.json"), folder, "/dev/zero", faulty, `${faulty}/x`]);
  assert.deepEqual(
    problems.map(({ got }) => got),
    [
      "no such file",
      "a directory",
      "a device",
      "a number",
      "an empty string",
      "a path through something that is not a directory",
    ],
  );
  assert.match(message, /^read config: 6 problems\n/);
});

test("no banned string in all files together is an error", () => {
  const empty = write("empty.json", "{}");
  assert.match(refusal([empty]).message, /at least one banned string .* got none\n {2}hint: /);
  assert.match(refusal([]).message, /got no file/);
});

test("an error of reading that has no code is not taken for a config fault", () => {
  const readFile = (): Uint8Array => {
    throw new TypeError("a fault of ours");
  };
  assert.throws(() => loadConfig(["f"], { defaultMode: "enforce", readFile }), TypeError);
});
