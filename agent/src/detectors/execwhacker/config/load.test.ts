import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ConfigError } from "../../../config/index.js";
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

test("a pipe, a socket and a device are refused, and none of them is waited for", async () => {
  const [pipe, socket] = [join(folder, "pipe"), join(folder, "socket")];
  execFileSync("mkfifo", [pipe]);
  const server = createServer().listen(socket);
  await once(server, "listening");
  try {
    const { problems } = refusal([pipe, socket, "/dev/null", "/dev/stdin/x", "/proc/self/mem"]);
    assert.deepEqual(
      problems.slice(0, 3).map(({ got }) => got),
      ["a pipe", "a socket", "a device"],
    );
    assert.ok(problems.slice(0, 3).every(({ hint }) => /regular file/.test(hint ?? "")));
    assert.equal(problems.length, 5);
  } finally {
    server.close();
  }
});

test("a file is read to its end, whatever size it tells", () => {
  const text = `{"bannedCommandStrings": ["${"x".repeat(500)}"]${" ".repeat(50_000)}}`;
  assert.equal(loadConfig([write("long.json", text)], { defaultMode: "enforce" }).strings.length, 1);
  // Files of /proc tell 0 bytes.
  assert.match(refusal(["/proc/self/status"]).message, /a JSON value, got another character/);
});

test("a file above the limit is refused unread", () => {
  const large = join(folder, "large.json");
  truncateSync(write("large.json", ""), 64 * 1024 * 1024 + 1);
  assert.match(refusal([large]).message, /got more than 67108864 bytes/);
});

test("files whose lists are all empty are rules that ban nothing; no file is an error", () => {
  const rules = loadConfig([write("a0.json", "{}"), write("b0.json", "null")], { defaultMode: "enforce" });
  assert.deepEqual(rules, { strings: [], allow: [], allowSets: [] });
  assert.match(refusal([]).message, /at least one file, got none\n {2}hint: /);
});

test("more problems than one call takes arguments are told", () => {
  const many = write("many.json", `{"bannedCommandStrings": [${Array(200_000).fill("0").join(",")}]}`);
  assert.equal(refusal([many]).problems.length, 200_000);
});

test("an error of reading that has no code is not taken for a config fault", () => {
  const readFile = (): Uint8Array => {
    throw new TypeError("a fault of ours");
  };
  assert.throws(() => loadConfig(["f"], { defaultMode: "enforce", readFile }), TypeError);
});
