// The lists of every scenario, as the chart writes them, asked as `cryptnono check` does; and by check-lists.mjs itself.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { check } from "@cryptnono/agent/detectors/execwhacker/tools/check";
import { CHARTS, HELM, render, scenario } from "./helm.js";

const root = dirname(CHARTS);
const skip =
  HELM === undefined
    ? "no helm: run test/cluster/install-tools charts"
    : existsSync(join(root, "build/agent/cryptnono.mjs"))
      ? false
      : "the agent is not bundled: run make build";

function checkLists(values: string, input = "", flags: readonly string[] = []) {
  const chart = [join(CHARTS, "cryptnono"), "-n", "support", "-f", values];
  const rendered = execFileSync(HELM!, ["template", "support", ...chart], { input, encoding: "utf8" });
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(CHARTS, "check-lists.mjs"), ...flags], {
    input: rendered,
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

/** What the command says of a scenario's lists, without a process. */
function checkHere(name: string) {
  const lists = render(scenario(name)).find(
    ({ kind, metadata }) => kind === "Secret" && /-execwhacker$/.test(metadata.name),
  );
  const files = Object.entries(lists!["data"] as Record<string, string>);
  assert.ok(files.length > 0);
  const folder = mkdtempSync(join(tmpdir(), "cryptnono-lists-"));
  try {
    const paths = files.map(([file, data]) => {
      writeFileSync(join(folder, file), Buffer.from(data, "base64"));
      return join(folder, file);
    });
    const isCandidate = (file: string) => file.endsWith(".candidate.json");
    let text = "";
    const status = check(
      {
        config: paths.filter((file) => !isCandidate(file)),
        candidate: paths.filter(isCandidate),
        mode: "enforce",
        allowAcrossLists: false,
        benign: [],
        failOn: "error",
        json: false,
        showStrings: false,
      },
      (part) => {
        text += part;
      },
    );
    return { status, text };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("the lists of", { skip }, () => {
  const folder = join(CHARTS, "cryptnono/ci");
  for (const name of readdirSync(folder).filter((file) => file !== "switched-off-values.yaml")) {
    it(`${name} have no error`, () => {
      const { status, text } = checkHere(name.replace("-values.yaml", ""));
      assert.equal(status, 0, text);
      assert.match(text, /^\d+ strings, \d+ patterns: 0 errors/m);
    });
  }

  it("values with a pattern that matches no line do not pass, and the place is named", () => {
    const configs = { mine: { bannedCommandStrings: ["a-word-of-mine"], allowedCommandPatterns: ["git clone$"] } };
    const values = JSON.stringify({ detectors: { execwhacker: { configs } } });
    const { status, stdout } = checkLists("-", values);
    assert.equal(status, 3);
    assert.match(stdout, /^error pattern mine\[0\]: no command line is of this form \[never-matches\]$/m);
    assert.equal(checkLists("-", values, ["--json"]).stdout[0], "{");
    const { status: ofAll, stdout: said } = checkLists(join(folder, "all-settings-values.yaml"));
    assert.deepEqual([ofAll, said], [0, checkHere("all-settings").text]);
  });
});
