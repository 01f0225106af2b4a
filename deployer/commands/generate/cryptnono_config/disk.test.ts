// What the command and its sops write to disk, by the kernel's own account.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { packageFile } from "../../../generator/package-file.js";
import { listing, withoutSops, workspace } from "../../../test/workspace.js";

const withoutStrace =
  spawnSync("strace", ["-V"]).status === 0 ? false : "strace is not installed, and nothing else sees every write";

test("the only file that is opened for writing is a copy of the ciphertext", {
  skip: withoutSops || withoutStrace,
}, () => {
  const made = workspace();
  try {
    made.setGenerator(listing(["sentinel-plaintext-one", "sentinel-plaintext-two"]));
    const trace = join(made.root, "trace");
    const calls =
      "trace=open,openat,openat2,creat,memfd_create,mknod,mknodat,link,linkat,symlink,symlinkat,rename,renameat,renameat2";
    const command = [process.execPath, packageFile("bin/deployer"), "generate", "cryptnono-secret-config"];
    const { status, stderr } = made.tool("strace", ["-f", "-qq", "-s", "4096", "-e", calls, "-o", trace, ...command]);
    assert.equal(status, 0, stderr);
    const opened = readFileSync(trace, "utf8")
      .split("\n")
      .filter((call) => !/^\d+ +open(at2?)?\(/.test(call) || /O_(WRONLY|RDWR|CREAT)/.test(call))
      .filter((call) => /^\d+ +[a-z0-9]+\(/.test(call) && !/"\/dev\/(null|tty)"/.test(call) && !/= -1 /.test(call));
    assert.ok(opened.length >= 3, "the trace has the copy's creation, its editing by sops and the rename");
    for (const call of opened) {
      assert.match(
        basename(/"([^"]*)"/.exec(call)?.[1] ?? call),
        /^\.enc-cryptnono\.secret\.values\.\d+-[0-9a-f]+\.tmp\.yaml$/,
        call,
      );
    }
  } finally {
    made.remove();
  }
});
