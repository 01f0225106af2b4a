// A reload beside everything else that the agent has to do.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { randomString, run, TestAgent } from "../lib/agent.js";

test("while a large list is loaded, probes are answered and kills are told", async () => {
  const folder = mkdtempSync(join(tmpdir(), "cryptnono-reload-"));
  const configFile = join(folder, "list.json");
  const [always, prefix] = [randomString(), randomString("many")];
  const write = (generation: number) => {
    const many = Array.from({ length: 30_000 }, (_, i) => ({ value: `${prefix}-${generation}-${i}`, note: "x" }));
    writeFileSync(configFile, JSON.stringify({ bannedCommandStrings: [{ value: always }, ...many] }));
  };
  write(0);
  const agent = await TestAgent.start({ bannedCommandStrings: [] }, [], { configFile });
  try {
    const reloads = () => agent.events("Config reloaded").length;
    const start = performance.now();
    write(1);
    agent.process.kill("SIGHUP");
    let longestMs = 0;
    let told = 0;
    while (reloads() === 0) {
      const asked = performance.now();
      assert.equal((await agent.readiness()).status > 0, true);
      longestMs = Math.max(longestMs, performance.now() - asked);
      const { pid, signal } = await run("/bin/true", [always]);
      assert.equal(signal, "SIGKILL");
      await agent.linesOf(pid);
      if (reloads() === 0) told++;
    }
    const elapsedMs = performance.now() - start;
    // In one piece, the load is the longest answer, and nothing is told before it ends.
    assert.ok(longestMs < elapsedMs / 2, `${longestMs} of ${elapsedMs} ms`);
    assert.ok(told > 2, `${told} told`);
    assert.equal((await run("/bin/true", [`${prefix}-1-29999`])).signal, "SIGKILL");
  } finally {
    await agent.stop();
    rmSync(folder, { recursive: true });
  }
});
