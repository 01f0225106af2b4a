// The lists of every scenario, as the chart writes them, asked by `cryptnono check`.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { CHARTS, HELM } from "./helm.js";

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

describe("the lists of", { skip }, () => {
  const folder = join(CHARTS, "cryptnono/ci");
  for (const name of readdirSync(folder).filter((file) => file !== "switched-off-values.yaml")) {
    it(`${name} have no error`, () => {
      const { status, stdout, stderr } = checkLists(join(folder, name));
      assert.equal(status, 0, stdout + stderr);
      assert.match(stdout, /^\d+ strings, \d+ patterns: 0 errors/m);
    });
  }

  it("values with a pattern that matches no line do not pass, and the place is named", () => {
    const configs = { mine: { bannedCommandStrings: ["a-word-of-mine"], allowedCommandPatterns: ["git clone$"] } };
    const values = JSON.stringify({ detectors: { execwhacker: { configs } } });
    const { status, stdout } = checkLists("-", values);
    assert.equal(status, 3);
    assert.match(stdout, /^error pattern mine\[0\]: no command line is of this form \[never-matches\]$/m);
    assert.equal(checkLists("-", values, ["--json"]).stdout[0], "{");
  });
});
