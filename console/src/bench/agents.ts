// A thousand agents that write lines at once, behind a fake Kubernetes API: node console/dist/src/bench/agents.js [AGENTS] [LINES]
import { fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { KubeConfig } from "@kubernetes/client-node";
import { agentPod, fakeApi } from "../fixtures/fake-api.js";
import { createKeeper } from "../keep/keeper.js";
import { DAY_MS } from "../keep/store.js";
import { followPods } from "../read/kubernetes/follow-pods.js";
import { someKill } from "./some-kill.js";

const agents = Number(process.argv[2] ?? 1000);
const lines = Number(process.argv[3] ?? 50);

if (process.argv[4] === "api") await serve();
else await measure();

/** In a process of its own: its work is not the console's. */
async function serve(): Promise<void> {
  const api = await fakeApi();
  for (let i = 0; i < agents; i++) api.put(agentPod(`node-${i}`));
  process.send!({ server: api.config.getCurrentCluster()!.server });
  process.on("message", () => {
    for (let line = 0; line < lines; line++) {
      for (let i = 0; i < agents; i++) {
        const { pid, cmdline, matched, rule, startTime, pod, namespace } = someKill(line * agents + i, 0);
        const labels = { "io.kubernetes.pod.name": pod, "io.kubernetes.pod.namespace": namespace };
        const text = {
          pid,
          cmdline,
          matched,
          source: "execwhacker.bpf",
          labels,
          action: "killed",
          event: "Killed process",
          timestamp: new Date().toISOString(),
          rule,
          start_time: startTime,
        };
        api.write(`cryptnono-node-${i}`, "execwhacker", JSON.stringify(text));
      }
    }
  });
}

async function measure(): Promise<void> {
  const child = fork(fileURLToPath(import.meta.url), [String(agents), String(lines), "api"]);
  const { server } = await new Promise<{ server: string }>((resolve) =>
    child.once("message", (message) => resolve(message as { server: string })),
  );
  const config = new KubeConfig();
  config.loadFromClusterAndUser({ name: "fake", server, skipTLSVerify: true }, { name: "nobody" });
  const dir = mkdtempSync(join(tmpdir(), "console-bench-"));
  const keeper = createKeeper({
    file: join(dir, "console.sqlite"),
    bounds: { maxAgeMs: 3650 * DAY_MS, maxBytes: 1e12 },
    warn: (text) => process.stderr.write(`${text}\n`),
  });
  const logs = await followPods({
    config,
    namespace: "support",
    selector: "",
    keeper,
    warn: (text) => process.stderr.write(`${text}\n`),
  });
  const wait = async (isSo: () => boolean) => {
    while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  await wait(() => logs.coverage().agents.length === agents);
  await new Promise((resolve) => setTimeout(resolve, 3000));
  const idle = process.memoryUsage().rss;
  const cpu = process.cpuUsage();
  const begun = performance.now();
  let most = 0;
  const looks = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss);
  }, 50);
  child.send("go");
  await wait(() => keeper.state.rows === agents * lines);
  const seconds = (performance.now() - begun) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  clearInterval(looks);
  const { counts } = logs.coverage();
  const mib = (bytes: number) => Math.round(bytes / 1048576);
  process.stdout.write(
    "| agents | lines | lost | lines a second | CPU a line, µs | memory idle, MiB | at most, MiB |\n| --- | --- | --- | --- | --- | --- | --- |\n",
  );
  process.stdout.write(
    `| ${agents} | ${counts.lines} | ${agents * lines - keeper.state.rows} | ${Math.round((agents * lines) / seconds)} | ${Math.round((user + system) / (agents * lines))} | ${mib(idle)} | ${mib(most)} |\n`,
  );
  await logs.stop();
  keeper.close();
  child.kill();
  rmSync(dir, { recursive: true });
}
