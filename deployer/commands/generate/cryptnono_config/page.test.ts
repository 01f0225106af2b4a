// The four steps of working on the generator, typed as the page has them, and git's refusal to take the plaintext.
import assert from "node:assert/strict";
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { packageFile } from "../../../generator/package-file.js";
import { ENVIRONMENT, listing, REPOSITORY, type Workspace, withoutSops, workspace } from "../../../test/workspace.js";

const PLAIN = "deployer/commands/generate/cryptnono_config/blocklist-generator.secret.ts";
const ENCRYPTED = "deployer/commands/generate/cryptnono_config/enc-blocklist-generator.secret.ts";

describe("the page's steps", { skip: withoutSops }, () => {
  let made: Workspace;
  before(() => {
    made = workspace();
    made.setGenerator(listing(["a-string-of-the-page"]));
    cpSync(join(REPOSITORY, ".gitignore"), join(made.root, ".gitignore"));
    cpSync(packageFile("example-age-key.txt"), join(made.root, "deployer/example-age-key.txt"));
    mkdirSync(join(made.root, "bin"));
    symlinkSync(packageFile("bin/deployer"), join(made.root, "bin/deployer"));
    made.tool("git", ["init", "-q"]);
  });
  after(() => made.remove());

  const shell = (script: string) => {
    const { status, stdout, stderr } = made.tool("bash", ["-euc", script]);
    assert.equal(status, 0, stderr);
    return stdout;
  };
  const prelude = `export SOPS_AGE_KEY_FILE=deployer/example-age-key.txt PATH="$PWD/bin${delimiter}${ENVIRONMENT.PATH}"\n`;

  test("decrypt, edit, encrypt, generate", () => {
    shell(`${prelude}sops --decrypt ${ENCRYPTED} > ${PLAIN}`);
    const source = readFileSync(join(made.root, PLAIN), "utf8");
    assert.equal(source, listing(["a-string-of-the-page"]));
    // The search that other tests trust to find nothing does find plaintext.
    assert.deepEqual(made.filesWith(["a-string-of-the-page"]), [join(made.root, PLAIN)]);
    writeFileSync(join(made.root, PLAIN), source.replace("a-string-of-the-page", "an-edited-string"));
    shell(`${prelude}sops --encrypt ${PLAIN} > ${ENCRYPTED}`);
    assert.equal(
      shell(`${prelude}deployer generate cryptnono-secret-config`),
      "encrypted-02: 1 added, 0 removed, 0 kept\n",
    );
    assert.match(JSON.stringify(made.decrypted()), /an-edited-string/);
  });

  test("git ignores the plaintext and what a killed run leaves, and takes what is encrypted", () => {
    assert.ok(existsSync(join(made.root, PLAIN)));
    const ignored = (path: string) => made.tool("git", ["check-ignore", "-q", path]).status === 0;
    assert.equal(ignored(PLAIN), true);
    assert.equal(ignored("helm-charts/support/cryptnono.secret.values.yaml"), true);
    assert.equal(ignored("helm-charts/support/.enc-cryptnono.secret.values.12-ab.tmp.yaml"), true);
    assert.equal(ignored(ENCRYPTED), false);
    assert.equal(ignored("helm-charts/support/enc-cryptnono.secret.values.yaml"), false);
    assert.notEqual(made.tool("git", ["add", PLAIN]).status, 0);
    made.tool("git", ["add", "-A"]);
    const staged = made.tool("git", ["ls-files"]).stdout;
    assert.ok(staged.includes(ENCRYPTED));
    assert.ok(!staged.split("\n").includes(PLAIN));
  });
});
