import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { agentPod, fakeApi } from "../fixtures/fake-api.js";
import { someSighting } from "../fixtures/sightings.js";
import { isChosen, sinceOf } from "./choose.js";
import { compactLine } from "./compact-line.js";

const PLAIN = { isColoured: false, showStrings: false, columns: null };

test("a process is one line, with its string masked", () => {
  assert.equal(
    compactLine(someSighting(), PLAIN),
    "11-25 10:00:00  killed      hub/jupyter-ada  list-01[17]  /usr/bin/sh -c 'echo zz•••zz'",
  );
  assert.match(compactLine(someSighting(), { ...PLAIN, showStrings: true }), /zz-banned-zz/);
});

test("nothing in a line is obeyed by a terminal, and one line stays one", () => {
  const hostile = "\u001b]0;x\u0007\r\n\u202e\u009b31m";
  const line = compactLine(someSighting({ cmdline: hostile, pod: hostile, rule: hostile, matched: null }), PLAIN);
  assert.ok(!/[\p{C}]/u.test(line));
});

test("colour changes no text, and a narrow terminal cuts it", () => {
  const coloured = compactLine(someSighting(), { ...PLAIN, isColoured: true });
  assert.equal(coloured.replaceAll(/\u001b\[[\d;]*m/g, ""), compactLine(someSighting(), PLAIN));
  assert.equal([...compactLine(someSighting(), { ...PLAIN, columns: 40 })].length, 40);
});

test("filters and times choose", () => {
  const all = { since: null, action: [], namespace: [], pod: [], detector: [] };
  assert.ok(isChosen(someSighting(), all));
  assert.ok(!isChosen(someSighting(), { ...all, action: ["spared"] }));
  assert.ok(isChosen(someSighting(), { ...all, namespace: ["x", "hub"] }));
  assert.ok(!isChosen(someSighting({ pod: null }), { ...all, pod: ["jupyter-ada"] }));
  assert.ok(!isChosen(someSighting(), { ...all, since: sinceOf("2026-11-25T10:00:01", 0) }));
  assert.equal(sinceOf("2h", 7_200_000), 0);
  for (const text of ["yesterday", "", "1w", "2026"]) assert.throws(() => sinceOf(text, 0), /expected a time/);
});

test("the agents of a cluster are watched, each process is one line, and what is older than --since is left out", async (t) => {
  const api = await fakeApi();
  t.after(() => api.close());
  const folder = mkdtempSync(join(tmpdir(), "cryptnono-watch-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const kubeconfig = join(folder, "config");
  writeFileSync(kubeconfig, api.config.exportConfig());
  const write = (node: string, pid: number, timestamp: string) => {
    const fields = { source: "execwhacker.bpf", action: "killed", event: "Killed process", start_time: "now" };
    const line = JSON.stringify({ pid, cmdline: `/bin/x ${pid}`, matched: "x", ...fields, timestamp });
    api.write(`cryptnono-${node}`, "execwhacker", line, timestamp);
  };
  for (const node of ["node-1", "node-2"]) api.put(agentPod(node));
  write("node-1", 1, "2026-11-25T09:00:00Z");
  write("node-1", 2, "2026-11-25T11:00:00Z");
  const args = ["watch", "--kubernetes", "--agent-namespace", "support", "--since", "2026-11-25T10:00", "--json"];
  const main = fileURLToPath(new URL("../main.js", import.meta.url));
  const child = spawn(process.execPath, [main, ...args], { env: { ...process.env, KUBECONFIG: kubeconfig } });
  t.after(() => child.kill("SIGKILL"));
  let [out, err] = ["", ""];
  child.stdout.on("data", (text) => {
    out += text;
  });
  child.stderr.on("data", (text) => {
    err += text;
  });
  const pids = () =>
    out
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line).pid);
  const until = async (count: number) => {
    for (let i = 0; i < 6000 && pids().length < count; i++) {
      assert.equal(child.exitCode, null, err);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  await until(1);
  // The log is taken up again, from a whole second on: nothing is said twice.
  api.cut();
  write("node-2", 3, "2026-11-25T11:00:01Z");
  await until(2);
  write("node-1", 4, "2026-11-25T11:00:02Z");
  await until(3);
  child.kill("SIGTERM");
  const [status] = await once(child, "close");
  assert.deepEqual([pids().toSorted(), status], [[2, 3, 4], 0]);
  assert.match(err, /^(cryptnono: watch pods in support: .*; tried again\n)*$/);
});

test("with --no-follow the logs as they are now are printed, those before a start too, and it ends", async (t) => {
  const api = await fakeApi();
  t.after(() => api.close());
  const folder = mkdtempSync(join(tmpdir(), "cryptnono-watch-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const kubeconfig = join(folder, "config");
  writeFileSync(kubeconfig, api.config.exportConfig());
  api.put(agentPod("node-1"));
  const write = (pid: number, timestamp: string) => {
    const fields = { source: "execwhacker.bpf", action: "killed", event: "Killed process", start_time: "now" };
    api.write(
      "cryptnono-node-1",
      "execwhacker",
      JSON.stringify({ pid, cmdline: "x", ...fields, timestamp }),
      timestamp,
    );
  };
  write(1, "2026-11-25T09:00:00Z");
  write(2, "2026-11-25T11:00:00Z");
  api.restart("cryptnono-node-1", "execwhacker");
  write(3, "2026-11-25T12:00:00Z");
  const args = [
    "watch",
    "--kubernetes",
    "--no-follow",
    "--agent-namespace",
    "support",
    "--since",
    "2026-11-25T10:00",
    "--json",
  ];
  const main = fileURLToPath(new URL("../main.js", import.meta.url));
  const child = spawn(process.execPath, [main, ...args], { env: { ...process.env, KUBECONFIG: kubeconfig } });
  t.after(() => child.kill("SIGKILL"));
  let out = "";
  child.stdout.on("data", (text) => {
    out += text;
  });
  const [status] = await once(child, "close");
  const pids = out
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { pid: number }).pid);
  assert.deepEqual([pids, status], [[2, 3], 0]);
});
