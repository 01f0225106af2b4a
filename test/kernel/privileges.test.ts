// Each detector guards with the capabilities that the chart gives it, and with nothing else.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { ROOT, randomString } from "../lib/agent.js";
import { launch } from "../lib/progs.js";

interface Line {
  readonly event?: string;
  readonly action?: string;
  readonly pid?: number;
}

/** helm-charts/cryptnono/templates: what the containers may do. */
const CAPABILITIES = {
  execwhacker: ["bpf", "perfmon", "sys_ptrace", "kill"],
  monero: ["bpf", "perfmon", "sys_ptrace", "kill"],
  flowkiller: ["bpf", "perfmon", "net_admin", "kill"],
};

/** The lines of a detector that may do so much, from «Guarding» on. */
async function start(
  t: TestContext,
  detector: keyof typeof CAPABILITIES,
  ...flags: string[]
): Promise<AsyncIterator<Line>> {
  const bounding = ["-all", ...CAPABILITIES[detector].map((name) => `+${name}`)].join(",");
  const child = spawn(
    "setpriv",
    [
      `--bounding-set=${bounding}`,
      "--inh-caps=-all",
      join(ROOT, "bin/cryptnono"),
      detector,
      "--scope-pid",
      String(process.pid),
      ...flags,
    ],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  const ended = once(child, "close");
  t.after(async () => {
    child.kill("SIGTERM");
    await ended;
  });
  let errors = "";
  child.stderr.on("data", (text) => {
    errors += text;
  });
  const lines = linesOf(child.stdout);
  for (let next = await lines.next(); ; next = await lines.next()) {
    assert.ok(!next.done, errors);
    if (next.value.event === "Guarding") return lines;
  }
}

async function* linesOf(stdout: NodeJS.ReadableStream): AsyncGenerator<Line> {
  for await (const line of createInterface({ input: stdout })) yield JSON.parse(line) as Line;
}

test("execwhacker guards and kills", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "cryptnono-test-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const banned = randomString();
  const config = join(directory, "config.json");
  writeFileSync(config, JSON.stringify({ bannedCommandStrings: [banned] }));
  const lines = await start(t, "execwhacker", "--config", config, "--scan-existing", "0");
  const ended = await launch("plain", ["/bin/echo", "echo", banned]);
  assert.deepEqual([ended.signal, ended.stdout.length], ["SIGKILL", 0]);
  for (let next = await lines.next(); ; next = await lines.next()) {
    assert.ok(!next.done, "the log ended");
    if (next.value.pid === ended.pid && next.value.action === "killed") return;
  }
});

for (const detector of ["monero", "flowkiller"] as const)
  test(`${detector} guards`, async (t) => {
    await start(t, detector);
  });
