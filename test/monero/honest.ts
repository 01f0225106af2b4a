// Honest programs under every rule, enforced: each runs for some seconds, and must live.
// node test/dist/monero/honest.js SECONDS 'COMMAND' ['COMMAND'...]; needs root.
import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { MoneroAgent } from "../lib/monero-agent.js";

const [seconds, ...commands] = process.argv.slice(2);
const agent = await MoneroAgent.start(["--four-modes", "enforce", "--memory", "enforce", "--memory-every", "5"]);
console.log("| program | outcome | samples with a directed mode |");
console.log("| --- | --- | --- |");
for (const command of commands) {
  const before = await agent.metric('samples_total{rounding="directed"}');
  // A group of its own, so that all of it ends.
  const child = spawn("/bin/sh", ["-c", command], { stdio: "ignore", detached: true });
  const ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve(signal ?? `status ${code}`)));
  await Promise.race([ended, sleep(Number(seconds) * 1000, null, { ref: false })]);
  try {
    process.kill(-child.pid!, "SIGKILL");
  } catch {
    // It has ended.
  }
  const killed = agent.actions("killed").map((line) => `${line["rule"]} (${line["comm"]})`);
  const directed = (await agent.metric('samples_total{rounding="directed"}')) - before;
  console.log(`| ${command} | ${killed.length === 0 ? "lives" : `KILLED: ${killed.join(", ")}`} | ${directed} |`);
  agent.lines.length = 0;
}
await agent.stop();
