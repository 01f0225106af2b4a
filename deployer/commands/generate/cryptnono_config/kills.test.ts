// Killed at any moment, the command leaves the old file or the new one, whole, and plaintext nowhere.
// Six are each way of killing it, at each of two moments.
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { rounds } from "@cryptnono/matcher/test/rounds";
import { listing, type Workspace, withoutSops, workspace } from "../../../test/workspace.js";

const KILLS = rounds(6);
const COMMAND = ["generate", "cryptnono-secret-config"];
const SENTINEL = "sentinel-plaintext";
const STRINGS = Array.from({ length: 300 }, (_, i) => `${SENTINEL}-${i}`);

describe(`killed ${KILLS} times`, { skip: withoutSops }, () => {
  let made: Workspace;
  before(() => {
    made = workspace();
    // Every run has another list, so that every run gets as far as writing.
    made.setGenerator(
      listing(STRINGS).replace(
        '"a test")',
        '"a test").concat(byHand(["sentinel-plaintext-run-" + process.env["RUN"]], "run"))',
      ),
    );
    assert.equal(made.command(COMMAND, { RUN: "first" }).status, 0);
  });
  after(() => made.remove());

  test("at random moments, it leaves a whole file and no plaintext", { timeout: 60_000 + KILLS * 5_000 }, async (t) => {
    const started = performance.now();
    assert.equal(made.command(COMMAND, { RUN: "timed" }).status, 0);
    let durationMs = performance.now() - started;
    const counts = { interrupted: 0, replaced: 0 };
    for (let run = 0; run < KILLS; run++) {
      const old = readFileSync(made.values);
      const startedRun = performance.now();
      const child = made.start(COMMAND, { RUN: String(run) });
      const ended = once(child, "exit");
      // Every second run is killed while it writes: at a random moment after the copy of the ciphertext has appeared.
      if (run % 2 === 0) await Promise.race([ended, wait(Math.random() * durationMs * 1.05)]);
      else if (await copyAppears(made, child)) await Promise.race([ended, wait(Math.random() * durationMs * 0.3)]);
      // In turn: the deployer and its sops together, the deployer alone, and asked politely.
      if (child.exitCode === null && child.signalCode === null) {
        if (run % 3 === 0) process.kill(-child.pid!, "SIGKILL");
        else child.kill(run % 3 === 1 ? "SIGKILL" : "SIGTERM");
      }
      await ended;
      await groupEnded(child.pid!);
      // One that was too fast to be killed says how long the machine takes now: others may have been at work on it before.
      if (child.signalCode !== null) counts.interrupted += 1;
      else durationMs = Math.min(durationMs, performance.now() - startedRun);
      assert.deepEqual(made.filesWith([SENTINEL]), [], `run ${run}`);
      const now = readFileSync(made.values);
      if (!now.equals(old)) {
        counts.replaced += 1;
        assert.match(JSON.stringify(made.decrypted()), new RegExp(`${SENTINEL}-run-${run}"`));
      }
    }
    assert.equal(made.command(COMMAND, { RUN: "last" }).status, 0);
    assert.match(JSON.stringify(made.decrypted()), new RegExp(`${SENTINEL}-run-last"`));
    assert.ok(counts.interrupted >= KILLS / 4, "too few runs were still going when they were killed");
    t.diagnostic(`${counts.interrupted} of ${KILLS} killed while at work, ${counts.replaced} had replaced the file`);
  });
});

async function copyAppears({ values }: Workspace, child: ChildProcess): Promise<boolean> {
  while (child.exitCode === null) {
    if (readdirSync(dirname(values)).some((name) => name.includes(`.${child.pid}-`))) return true;
    await wait(1);
  }
  return false;
}

// What a killed deployer leaves running: sops, which ends by itself once its pipes are closed.
async function groupEnded(pid: number): Promise<void> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    try {
      process.kill(-pid, 0);
    } catch {
      return;
    }
    assert.ok(performance.now() < deadline, "a child of the killed deployer goes on for a minute");
    await wait(5);
  }
}
