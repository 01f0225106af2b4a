// How long reloads of a large list keep what waits for the agent: a probe that is asked again and again, and the agent's own
// measure of its loop.
//
//   node test/dist/bench/reload.js [strings|objects] [how many strings] [reloads]
import { readFileSync, writeFileSync } from "node:fs";
import { randomString, TestAgent } from "../lib/agent.js";
import { Workshop } from "../lib/progs.js";

const [shape = "objects", count = "100000", reloads = "50"] = process.argv.slice(2);
const shop = new Workshop();
const configFile = `${shop.directory}/list.json`;
const prefix = randomString();

/** Made ahead: this process is to be quick while it asks. */
const files = [0, 1].map((generation) => {
  const strings = Array.from({ length: Number(count) }, (_, i) => {
    const value = `${prefix}-${generation}-${i}`;
    return shape === "objects" ? { value, mode: "word", note: "why" } : value;
  });
  return Buffer.from(JSON.stringify({ bannedCommandStrings: strings }));
});
const write = (generation: number) => writeFileSync(configFile, files[generation % 2]!);

function residentMiB(pid: number, field: "VmRSS" | "VmHWM"): number {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  return Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(status)![1]) / 1024;
}

write(0);
const startMs = performance.now();
const agent = await TestAgent.start({ bannedCommandStrings: [] }, [], { configFile });
try {
  await agent.untilReady();
  const show = (what: string, value: number, unit: string) => console.log(`${what}: ${value.toFixed(1)} ${unit}`);
  show("start to ready", performance.now() - startMs, "ms");
  show("resident after the start", residentMiB(agent.process.pid!, "VmRSS"), "MiB");
  const waits: number[] = [];
  const done = () => agent.lines.filter(({ event }) => event === "Config reloaded").length;
  for (let i = 1; i <= Number(reloads); i++) {
    write(i);
    while (done() < i) {
      const asked = performance.now();
      await agent.readiness();
      waits.push(performance.now() - asked);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
  waits.sort((a, b) => a - b);
  const at = (share: number) => waits[Math.min(waits.length - 1, Math.floor(waits.length * share))] ?? 0;
  console.log(`${reloads} reloads of ${count} strings as ${shape}, ${waits.length} probes`);
  show("a probe waits, median", at(0.5), "ms");
  show("p99", at(0.99), "ms");
  show("longest", at(1), "ms");
  for (const stat of ["max", "p99"] as const) {
    show(
      `event_loop_delay_seconds ${stat}`,
      (await agent.metric(`event_loop_delay_seconds{stat="${stat}"}`)) * 1000,
      "ms",
    );
  }
  show("resident at the end", residentMiB(agent.process.pid!, "VmRSS"), "MiB");
  show("most", residentMiB(agent.process.pid!, "VmHWM"), "MiB");
} finally {
  await agent.stop();
  shop.remove();
}
