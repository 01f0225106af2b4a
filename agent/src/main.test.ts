import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { execwhackerCommand } from "./detectors/execwhacker/command.js";
import { mergeRules, parseConfigFile } from "./detectors/execwhacker/config/index.js";
import { execwhackerTools } from "./detectors/execwhacker/tools/commands.js";
import { explanationOf } from "./detectors/execwhacker/tools/explain.js";
import { readTyped } from "./detectors/execwhacker/tools/read-line.js";
import { flowkillerCommand } from "./detectors/flowkiller/command.js";
import { flowkillerTools } from "./detectors/flowkiller/tools/commands.js";
import { moneroCommand, moneroTools } from "./detectors/monero/command.js";
import { commands } from "./run/command.js";

const MAIN = fileURLToPath(new URL("./main.js", import.meta.url));
const page = readFileSync(new URL("../../../docs/reference/command-line.md", import.meta.url), "utf8");

const cryptnono = (...args: string[]) => spawnSync(process.execPath, [MAIN, ...args], { encoding: "utf8", input: "" });

/** The rows of a help text's options: name and description, unwrapped. */
function helpRows(help: string): [name: string, text: string][] {
  const lines = help.slice(help.indexOf("\nOptions:\n")).split("\n").slice(2);
  const rows: [string, string][] = [];
  for (const line of lines) {
    const [, name, text] = /^ {2}(\S.*?)(?: {2,}(.*))?$/.exec(line) ?? [];
    if (name !== undefined) rows.push([name, text ?? ""]);
    else if (/^ {3,}/.test(line)) rows.at(-1)![1] += ` ${line.trim()}`;
    else break;
  }
  return rows;
}

/** Settings that several commands take stand with the one that they are of. */
const SETTING = /^\| `--FlowKiller\./;
const SETTINGS = "| `--FlowKiller.SETTING <value>` | as of `flowkiller` |";

test("the reference page has the commands and flags of the help texts", () => {
  const expected: string[] = [];
  const program = commands(
    [execwhackerCommand, flowkillerCommand, moneroCommand],
    [...execwhackerTools, ...flowkillerTools, ...moneroTools],
  );
  // As the program has it, which says that these are its commands.
  assert.equal(cryptnono("--help").stdout, program.helpInformation());
  for (const command of program.commands) {
    const name = command.name();
    expected.push(`## cryptnono ${name}`);
    const rows = helpRows(command.helpInformation())
      .filter(([flag]) => !flag.startsWith("-h,"))
      .map(([flag, text]) => `| \`${flag}\` | ${text.trim()} |`)
      .map((row) => (name !== "flowkiller" && SETTING.test(row) ? SETTINGS : row));
    expected.push(...rows.filter((row, i) => row !== SETTINGS || rows[i - 1] !== SETTINGS));
  }
  assert.ok(expected.length > 12);
  assert.deepEqual(page.match(/^## cryptnono .*|^\| `--.*/gm), expected);
});

test("the README's config spares a clone and its helpers, and no more", async () => {
  const readme = readFileSync(new URL("../../../README.md", import.meta.url), "utf8");
  const example = JSON.parse(/^ {4}\{\n {6}"bannedCommandStrings"(?:.*\n)*?^ {4}\}$/m.exec(readme)![0]) as object;
  const folder = mkdtempSync(join(tmpdir(), "readme-"));
  try {
    const file = join(folder, "lists.json");
    const text = JSON.stringify({ ...example, mode: "enforce" });
    writeFileSync(file, text);
    const rules = mergeRules([parseConfigFile(file, Buffer.from(text))], "enforce");
    const verdict = async (line: string) => (await explanationOf(rules, readTyped(Buffer.from(line)))).sentence;
    // The command says it first of all.
    const line = "/opt/conda/bin/git clone https://host.example/a-banned-string";
    const { stdout } = spawnSync(process.execPath, [MAIN, "explain", "--config", file], {
      encoding: "utf8",
      input: line,
    });
    assert.equal(stdout.split("\n")[0], await verdict(line));
    for (const line of [
      "/opt/conda/bin/git clone https://host.example/a-banned-string",
      "/opt/conda/libexec/git-core/git remote-https origin https://host.example/a-banned-string",
      "/opt/conda/libexec/git-core/git-remote-https origin https://host.example/a-banned-string",
    ])
      assert.match(await verdict(line), /^spared: lists\[0\] .* allow pattern lists\[0\]/, line);
    for (const line of [
      "/usr/bin/git clone https://host.example/a-banned-string",
      "/opt/conda/bin/git clone 'x; a-banned-string'",
      "/opt/conda/bin/git-evil a-banned-string",
      "/opt/conda/bin/python3 --a-flag",
    ])
      assert.match(await verdict(line), /^would be killed: /, line);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a number out of its range ends the start with the range, before anything is read", () => {
  const { status, stderr } = cryptnono("execwhacker", "--config", "/none", "--scan-existing", "2147484");
  assert.equal(status, 1);
  assert.match(stderr, /^cryptnono: option '--scan-existing <seconds>' .* from 1 to 2147483\.\n/);
});

test("--version says the package's version alone", () => {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  assert.equal(cryptnono("--version").stdout, `${version}\n`);
});
