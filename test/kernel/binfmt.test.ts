// Programs of a format that the machine registered with an interpreter, as emulators of other processors are.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { randomString, TestAgent } from "../lib/agent.js";
import { launch, Workshop } from "../lib/progs.js";

const FORMATS = "/proc/sys/fs/binfmt_misc";
const shop = new Workshop();
const banned = randomString();
const program = join(shop.directory, "program");
const interpreter = join(shop.directory, "interpreter");
let agent: TestAgent;

before(async () => {
  if (!existsSync(join(FORMATS, "register"))) execFileSync("mount", ["-t", "binfmt_misc", "none", FORMATS]);
  writeFileSync(program, "\x7fCNO and more");
  chmodSync(program, 0o755);
  shop.victim("interpreter", "print-arguments");
  agent = await TestAgent.start({
    bannedCommandStrings: [banned],
    allowedCommandPatterns: [`${program} allowed ${banned}$`],
  });
});
after(async () => {
  await agent?.stop();
  shop.remove();
});

for (const flags of ["", "P", "O", "PO"]) {
  describe(`with flags «${flags}»`, () => {
    const name = `cn-test-${process.pid}`;
    before(() => writeFileSync(join(FORMATS, "register"), `:${name}:M::\\x7fCNO::${interpreter}:${flags}`));
    after(() => writeFileSync(join(FORMATS, name), "-1"));

    test("what a pattern allows runs, whatever argv[0] is", async () => {
      for (const argv0 of ["program", "", banned.toUpperCase().slice(0, 5), "x".repeat(5000)]) {
        const ended = await launch("plain", [program, argv0, "allowed", banned]);
        assert.equal(ended.signal, null, argv0);
        assert.match(ended.stdout.toString(), new RegExp(`allowed\n${banned}\n$`));
        const [line] = await agent.linesOf(ended.pid);
        assert.deepEqual([line?.action, line?.cmdline], ["spared", `${program} allowed ${banned}`.toLowerCase()]);
      }
    });

    test("what none allows dies, and an argv[0] saves nothing", async () => {
      for (const argv0 of ["program", "allowed", `allowed ${banned}`]) {
        const ended = await launch("plain", [program, argv0, banned]);
        assert.deepEqual([ended.signal, ended.stdout.length], ["SIGKILL", 0]);
        const [line] = await agent.linesOf(ended.pid);
        assert.deepEqual([line?.action, line?.cmdline], ["killed", `${program} ${banned}`.toLowerCase()]);
      }
    });
  });
}
