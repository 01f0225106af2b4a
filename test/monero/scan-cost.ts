// What the memory scan costs: the CPU time of an agent with it and of one without, beside so many processes that sleep and some that burn;
// its searches' processes, and the most in any ten seconds. By a cgroup's own count, to the microsecond.
// node test/dist/monero/scan-cost.js [PROCESSES] [BURNING] [SECONDS]; needs root and cgroup v2. Burning ones run at the lowest priority.
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { cgroup2Mount } from "../lib/cgroups.js";
import { MoneroAgent } from "../lib/monero-agent.js";

const [processes = 200, burning = 8, seconds = 60] = process.argv.slice(2).map(Number);
const IDLE =
  "const { createHash } = require('crypto'); setInterval(() => createHash('sha256').update('x').digest(), 500)";
const BURN = "for (;;) require('crypto').createHash('sha256').update('x'.repeat(1000)).digest()";
const WINDOW_SECONDS = 10;
const cgroup = `${cgroup2Mount()}/scan-cost-${process.pid}`;
mkdirSync(cgroup);

const children = Array.from({ length: processes }, (_, i) =>
  i < burning
    ? spawn("nice", ["-n", "19", process.execPath, "-e", BURN], { stdio: "ignore" })
    : i % 4 === 0
      ? spawn(process.execPath, ["--max-old-space-size=32", "-e", IDLE], { stdio: "ignore" })
      : spawn("sleep", ["3600"], { stdio: "ignore" }),
);
try {
  await sleep(5000);
  console.log(
    `| ${processes} processes, ${burning} of them burning | CPU ms in ${seconds} s | of a processor | most in 10 s | searched |`,
  );
  console.log("| --- | --- | --- | --- | --- |");
  for (const memory of ["off", "audit"]) {
    const agent = await MoneroAgent.start(["--memory", memory, "--memory-percent", "1", "--ticks", "0"]);
    writeFileSync(`${cgroup}/cgroup.procs`, String(agent.process.pid));
    // Its start is not the scan's; the first window has the first look into each.
    await sleep(3000);
    for (const window of ["first", "then"]) {
      const before = await takeStock(agent);
      // Each second: the worst window may begin at any.
      const readings = [cpuMs()];
      for (let i = 0; i < seconds; i++) {
        await sleep(1000);
        readings.push(cpuMs());
      }
      const after = await takeStock(agent);
      const used = readings.at(-1)! - readings[0]!;
      const most = Math.max(...readings.slice(WINDOW_SECONDS).map((ms, i) => ms - readings[i]!));
      const share = ((used / seconds / 1000) * 100).toFixed(2);
      const mostShare = ((most / WINDOW_SECONDS / 1000) * 100).toFixed(2);
      const mib = ((after.bytes - before.bytes) / 2 ** 20).toFixed(0);
      const searching = (after.seconds - before.seconds).toFixed(2);
      console.log(
        `| --memory ${memory}, ${window} | ${used.toFixed(0)} | ${share} % | ${mostShare} % | ${mib} MiB in ${searching} s |`,
      );
    }
    await agent.stop();
  }
} finally {
  for (const child of children) child.kill("SIGKILL");
  rmdirSync(cgroup);
}

async function takeStock(agent: MoneroAgent): Promise<{ bytes: number; seconds: number }> {
  return {
    bytes: await agent.metric("memory_searched_bytes_total"),
    seconds: await agent.metric("memory_search_seconds_total"),
  };
}

/** Of the agent, with all of its threads and of its children, living or not. */
function cpuMs(): number {
  return Number(/^usage_usec (\d+)$/m.exec(readFileSync(`${cgroup}/cpu.stat`, "latin1"))?.[1]) / 1000;
}
