// Ways in that nobody opened: signals and the environment, as Node understands them, and places with odd names.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { ROOT, randomString, run, TestAgent } from "../lib/agent.js";

describe("SIGUSR1", () => {
  test("opens no debugger: nothing listens that did not before, and the agent goes on guarding", async () => {
    const banned = randomString();
    const agent = await TestAgent.start({ bannedCommandStrings: [banned] });
    try {
      const before = listening(agent.process.pid!);
      assert.equal(before.length, 2); // metrics and health: the count does see sockets
      for (let i = 0; i < 3; i++) agent.process.kill("SIGUSR1");
      // The debugger's thread says on standard error that it listens.
      await agent.settle();
      assert.equal((await run("/bin/true", [banned])).signal, "SIGKILL");
      assert.deepEqual(listening(agent.process.pid!), before);
      assert.doesNotMatch(agent.stderr, /debugger/i);
    } finally {
      await agent.stop();
    }
  });
});

test("a checkout in a folder with a space and a per cent sign finds its object and its addon", async () => {
  const folder = join(mkdtempSync(join(tmpdir(), "cryptnono doors ")), "100%25 of #it?");
  try {
    mkdirSync(folder);
    for (const part of ["bin", "build/agent", "build/native", "build/bpf"])
      cpSync(join(ROOT, part), join(folder, part), { recursive: true });
    const banned = randomString();
    const agent = await TestAgent.start({ bannedCommandStrings: [banned] }, [], { root: folder });
    try {
      assert.equal((await run("/bin/true", [banned])).signal, "SIGKILL");
    } finally {
      await agent.stop();
    }
  } finally {
    rmSync(join(folder, ".."), { recursive: true });
  }
});

test("an environment that opens Node's debugger ends the start, and says which variable", () => {
  const env = { ...process.env, NODE_OPTIONS: "--inspect=127.0.0.1:0" };
  const { status, stderr } = spawnSync(join(ROOT, "bin/cryptnono"), ["execwhacker"], { env, encoding: "utf8" });
  assert.equal(status, 1);
  assert.match(stderr, /cryptnono: start: NODE_OPTIONS is set\n {2}unset it/);
});

/** The inodes of the TCP sockets that a process listens on. */
function listening(pid: number): string[] {
  const own = new Set(
    readdirSync(`/proc/${pid}/fd`).map((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`);
      } catch {
        return ""; // closed meanwhile
      }
    }),
  );
  return ["tcp", "tcp6"].flatMap((table) =>
    readFileSync(`/proc/net/${table}`, "utf8")
      .split("\n")
      .map((row) => row.trim().split(/\s+/))
      .filter(([, , , state, , , , , , inode]) => state === "0A" && own.has(`socket:[${inode}]`))
      .map((columns) => columns[9]!),
  );
}
