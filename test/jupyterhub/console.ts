// A console that reads a log of the test's own and acts at the hub, as its command line has it.
import { spawn } from "node:child_process";
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Hub } from "./hub.js";
import { ended, until } from "./processes.js";

const PROGRAM = join(import.meta.dirname, "../../../bin/cryptnono");
const NAMESPACE = "hub";

export interface ActingConsole {
  /** Another line in the agent's log: a process of the user was killed. Resolves when the console shows it. */
  kill(user: string): Promise<void>;
  /** The text of a page. */
  page(path: string): Promise<string>;
  /** Press the button Undo of a step. */
  undo(step: string): Promise<void>;
  close(): Promise<void>;
}

export async function startConsole(dir: string, hub: Hub, changes: object): Promise<ActingConsole> {
  mkdirSync(dir, { recursive: true });
  const [log, token, act] = [join(dir, "log"), join(dir, "token"), join(dir, "act.json")];
  writeFileSync(log, "");
  writeFileSync(token, hub.token);
  const settings = { namespace: NAMESPACE, api: hub.api, tokenFile: token, steps: ["block", "stop"], ...changes };
  writeFileSync(act, JSON.stringify({ hubs: [settings] }));
  const args = ["console", "--log", log, "--data", join(dir, "data"), "--act", act, "--listen", "127.0.0.1:0"];
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ["ignore", "ignore", "pipe"] });
  let text = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  const address = () => /the console is at (\S+)/.exec(text)?.[1];
  await until("the console serves", 60, async () => {
    if (child.exitCode !== null) throw new Error(`the console ended: ${text}`);
    return address() !== undefined;
  });
  const url = address()!;
  const page = async (path: string) => (await fetch(new URL(path, url))).text();
  let pid = 1000;

  return {
    page,
    async kill(user) {
      pid++;
      const program = `/tmp/program-${pid}`;
      const line = {
        pid,
        cmdline: program,
        matched: "program",
        source: "execwhacker.bpf",
        labels: { "io.kubernetes.pod.name": `jupyter-${user}`, "io.kubernetes.pod.namespace": NAMESPACE },
        action: "killed",
        event: "Killed process",
        timestamp: new Date().toISOString(),
        start_time: new Date().toISOString(),
      };
      appendFileSync(log, `${JSON.stringify(line)}\n`);
      await until("the kill is on the page", 60, async () => (await page(`/kills?q=${pid}`)).includes(`-${pid}`));
    },
    async undo(step) {
      const rows = (await page("/actions")).split("<tr>").filter((row) => row.includes(`>${step}<`));
      const [, key] = /name="key" value="([^"]+)"/.exec(rows[0] ?? "") ?? [];
      const [, id] = /name="undo" value="(\d+)"/.exec(rows[0] ?? "") ?? [];
      const body = new URLSearchParams({ key: key ?? "", undo: id ?? "" });
      const { status } = await fetch(new URL("/actions", url), { method: "POST", redirect: "manual", body });
      if (status !== 303) throw new Error(`undo ${step}: the console answers ${status}`);
    },
    async close() {
      child.kill("SIGTERM");
      await ended(child);
    },
  };
}
