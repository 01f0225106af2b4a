// The allow patterns of public deployments, beside the lists that they are beside there: the chart's own Secret, asked by the
// agent's explain with the path that a shell finds. docs/howto/upgrade-from-bcc.md has the same rows in words.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { mergeRules, openPatterns, parseConfigFile } from "@cryptnono/agent/detectors/execwhacker/config/index";
import { explanationOf } from "@cryptnono/agent/detectors/execwhacker/tools/explain";
import { readTyped } from "@cryptnono/agent/detectors/execwhacker/tools/read-line";
import { CHARTS, find, HELM, notes, render } from "./helm.js";

const root = dirname(CHARTS);
const skip =
  HELM === undefined
    ? "no helm: run test/cluster/install-tools charts"
    : existsSync(join(root, "build/agent/cryptnono.mjs"))
      ? false
      : "the agent is not bundled: run make build";

/** What becomes of `line`, which goes through a pipe: on a command line it could be judged itself. */
async function explained(configs: Record<string, unknown>, line: string): Promise<string> {
  const files = Object.entries(filesOf(configs)).map(([name, content]) =>
    parseConfigFile(name, Buffer.from(content, "base64")),
  );
  const { sentence } = await explanationOf(mergeRules(files, "enforce"), readTyped(Buffer.from(line)));
  return sentence.replace(/[ :].*/s, "");
}

/** The chart's own Secret. */
function filesOf(configs: Record<string, unknown>): Record<string, string> {
  return find(render({ detectors: { execwhacker: { configs } } }), "Secret")["data"] as Record<string, string>;
}

/** The same by the command. */
function explain(configs: Record<string, unknown>, line: string, flags: readonly string[] = []): string {
  const data = filesOf(configs);
  const folder = mkdtempSync(join(tmpdir(), "cryptnono-patterns-"));
  try {
    const files = Object.entries(data).flatMap(([name, content]) => {
      writeFileSync(join(folder, name), Buffer.from(content, "base64"));
      return ["--config", join(folder, name)];
    });
    const { status, stdout, stderr } = spawnSync(join(root, "bin/cryptnono"), ["explain", ...files, ...flags], {
      input: line,
      encoding: "utf8",
    });
    assert.ok(status === 0 || status === 3, stderr);
    return stdout.replace(/[ :].*/s, "");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const README = {
  "config-name-1": { bannedCommandStrings: ["string-1", "string-2"] },
  "config-name-2": { bannedCommandStrings: ["string-3", "string-4"], allowedCommandPatterns: ["^(/usr/bin/)?ls.*$"] },
};
const test = (pattern: string) => ({
  "default-test": { bannedCommandStrings: ["cryptnono.banned.string1"], allowedCommandPatterns: [pattern] },
  "encrypted-02": { bannedCommandStrings: ["a-miners-name"] },
});
const EXAMPLE = test(".*allowed\\s+cryptnono\\.banned\\.string1");
const MERGED = {
  noop: { bannedCommandStrings: ["thisisabannedstring"] },
  data: { bannedCommandStrings: ["a-miners-name"], allowedCommandPatterns: ["/opt/conda/bin/git clone"] },
};
const APART = {
  bans: { bannedCommandStrings: ["a-miners-name"] },
  honest: { allowedCommandPatterns: ["/opt/conda/bin/git clone"] },
};
const OWN = { "encrypted-02": { bannedCommandStrings: ["a-miners-name"] } };

const ROWS: readonly (readonly [whose: string, configs: Record<string, unknown>, line: string, verdict: string])[] = [
  ["the earlier README's", README, "/usr/bin/ls string-3", "spared"],
  ["the earlier README's", README, "/usr/bin/ls -l string-4", "spared"],
  ["the earlier README's", README, "/usr/bin/ls string-1", "would"],
  ["the earlier README's", README, "/usr/bin/cat string-3", "would"],
  ["the earlier example's", EXAMPLE, "/usr/bin/echo allowed cryptnono.banned.string1", "spared"],
  ["the earlier example's", EXAMPLE, "/usr/bin/echo allowed cryptnono.banned.string1 a-miners-name", "would"],
  ["this chart's default", OWN, "/usr/bin/echo allowed cryptnono.banned.string1", "spared"],
  ["this chart's default", OWN, "/tmp/echo allowed cryptnono.banned.string1 -o a-miners-name", "would"],
  ["this chart's default", OWN, "/tmp/echo allowed cryptnono.banned.string1 -o x", "would"],
  ["merged lists'", MERGED, "/opt/conda/bin/git clone a-miners-name", "spared"],
  ["merged lists'", MERGED, "/opt/conda/bin/git clone thisisabannedstring", "would"],
  ["a list apart from its strings'", APART, "/opt/conda/bin/git clone a-miners-name", "spared"],
];

describe("an allow pattern", { skip }, () => {
  for (const [whose, configs, line, verdict] of ROWS) {
    it(`of ${whose} lets «${line}» ${verdict === "spared" ? "run" : "die"}`, async () => {
      assert.equal(await explained(configs, line), verdict);
    });
  }

  it("of one list spares all lists' strings with allowAcrossLists, as it was", () => {
    assert.equal(explain(README, "/usr/bin/ls string-1"), "would");
    assert.equal(explain(README, "/usr/bin/ls string-1", ["--allow-across-lists"]), "spared");
  });
});

/** Patterns, and whether the chart, which sees their end alone, names one that has an end in each of its branches. */
const ENDS: readonly (readonly [pattern: string, namedAllTheSame?: boolean])[] = [
  ["/opt/tool"],
  ["/opt/tool$"],
  ["/opt/tool\\Z"],
  ["/opt/tool\\$"],
  ["/opt/tool\\\\$"],
  ["/opt/tool .*"],
  ["/opt/tool .*$"],
  ["/opt/tool .+?$"],
  ["/opt/tool( .*)?$"],
  ["/opt/tool '[^']*'$"],
  ["/opt/tool( [\\w.-]+)*$"],
  ["(/opt/a|/opt/b)$"],
  ["/opt/a|/opt/b$"],
  ["/opt/a$|/opt/b$", true],
  ["(?:/opt/a$)"],
  [".*allowed word"],
  [".*allowed word$"],
  ["/opt/tool [^ ]*$"],
  ["/opt/tool\\b"],
  ["(/opt/tool .*)$"],
  ["/opt/tool [\\s\\S]*$"],
  ["/opt/tool (.|x)*$"],
  ["/opt/tool .{0,}$"],
  ["/opt/tool .*.*$"],
  ["/opt/tool .*(a)?$"],
];

describe("patterns without an end", { skip }, () => {
  const configsOf = (patterns: readonly string[]) => ({
    strings: { bannedCommandStrings: ["a-string"] },
    allows: { allowedCommandPatterns: patterns.map((pattern) => ({ pattern, for: "all" })) },
  });
  /** In one rendering: each is named, or not, by itself. */
  const told = () => notes({ detectors: { execwhacker: { configs: configsOf(ENDS.map(([pattern]) => pattern)) } } });
  for (const [at, [pattern, namedAllTheSame = false]] of ENDS.entries()) {
    it(`are named by the notes as by the agent: ${pattern}`, () => {
      const configs = configsOf([pattern]);
      const files = Object.entries(configs).map(([name, config]) =>
        parseConfigFile(`${name}.json`, Buffer.from(JSON.stringify(config))),
      );
      const isOpen = openPatterns(mergeRules(files, "enforce")).length > 0;
      const isNamed = told().includes(`allows.allowedCommandPatterns[${at}]: ${pattern}\n`);
      assert.deepEqual([isOpen, isNamed], [isOpen, isOpen || namedAllTheSame]);
    });
  }
});
