// The support chart with its encrypted list, by the very lines of docs/howto/install.md.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { after, describe, it } from "node:test";
import { CHARTS, HELM, type KubernetesObject, parseYaml } from "./helm.js";

const root = dirname(CHARTS);
const sops = [...(process.env["PATH"] ?? "").split(delimiter), join(root, "build/tools")]
  .map((dir) => join(dir, "sops"))
  .find((file) => existsSync(file));
const skip =
  HELM === undefined
    ? "no helm: run test/cluster/install-tools charts"
    : sops === undefined
      ? "no sops: run make packages, or put it in PATH"
      : false;

describe("the documented deploy command", { skip }, () => {
  const documented = readFileSync(join(root, "docs/howto/install.md"), "utf8").match(
    /^ {4}helm .* helm-charts\/support.*$/gm,
  )!;

  it("is two lines", () => assert.equal(documented.length, 2));

  it("gives helm the list in clear beside the test string, and the chart takes it", () => {
    const script = documented
      .join("\n")
      .replace("helm upgrade --install", "helm template")
      .replace("--create-namespace", "");
    // On a copy: the first line packs the chart anew.
    const copy = mkdtempSync(join(tmpdir(), "cryptnono-deploy-"));
    after(() => rmSync(copy, { recursive: true }));
    cpSync(CHARTS, join(copy, "helm-charts"), { recursive: true });
    const rendered = execFileSync("bash", ["-euo", "pipefail", "-c", script], {
      cwd: copy,
      encoding: "utf8",
      maxBuffer: 2 ** 26,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...process.env,
        PATH: [dirname(HELM!), dirname(sops!), process.env["PATH"]].join(delimiter),
        SOPS_AGE_KEY_FILE: process.env["SOPS_AGE_KEY_FILE"] ?? join(root, "deployer/example-age-key.txt"),
      },
    }).replace(/^.*?(?=---\n# Source)/s, "");
    const secret = parseYaml<KubernetesObject>(rendered).find(({ kind }) => kind === "Secret")!["data"] as Record<
      string,
      string
    >;
    const strings = (name: string) =>
      (JSON.parse(Buffer.from(secret[name]!, "base64").toString()) as { bannedCommandStrings: unknown[] })
        .bannedCommandStrings;
    assert.deepEqual(Object.keys(secret).sort(), [
      "default-test.json",
      "encrypted-01.json",
      "encrypted-02.json",
      "unencrypted-test-01.json",
    ]);
    assert.equal(strings("unencrypted-test-01.json").length, 1);
    assert.ok(strings("encrypted-02.json").length > 1000);
    assert.ok(!rendered.includes("ENC["), "nothing is left encrypted");
  });
});
