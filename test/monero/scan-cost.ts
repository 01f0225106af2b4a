// What the memory scan costs: the CPU time of an agent with it and of one without, beside so many processes that sleep and some that burn.
// node test/dist/monero/scan-cost.js [PROCESSES] [BURNING] [SECONDS]; needs root. Burning ones run at the lowest priority.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { MoneroAgent } from "../lib/monero-agent.js";

const [processes = 200, burning = 8, seconds = 60] = process.argv.slice(2).map(Number);
const IDLE =
  "const { createHash } = require('crypto'); setInterval(() => createHash('sha256').update('x').digest(), 500)";
const BURN = "for (;;) require('crypto').createHash('sha256').update('x'.repeat(1000)).digest()";
/** USER_HZ is 100 on every architecture Node runs on (linux include/asm-generic/param.h). */
const MS_PER_TICK = 10;

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
    `| ${processes} processes, ${burning} of them burning | CPU ms in ${seconds} s | of a processor | searched |`,
  );
  console.log("| --- | --- | --- | --- |");
  for (const memory of ["off", "audit"]) {
    const agent = await MoneroAgent.start(["--memory", memory, "--memory-percent", "1", "--ticks", "0"]);
    // Its start is not the scan's; the first window has the first look into each.
    await sleep(3000);
    for (const window of ["first", "then"]) {
      const before = await takeStock(agent);
      await sleep(seconds * 1000);
      const after = await takeStock(agent);
      const used = after.ms - before.ms;
      const share = ((used / seconds / 1000) * 100).toFixed(2);
      const mib = ((after.bytes - before.bytes) / 2 ** 20).toFixed(0);
      const searching = (after.seconds - before.seconds).toFixed(2);
      console.log(`| --memory ${memory}, ${window} | ${used} | ${share} % | ${mib} MiB in ${searching} s |`);
    }
    await agent.stop();
  }
} finally {
  for (const child of children) child.kill("SIGKILL");
}

async function takeStock(agent: MoneroAgent): Promise<{ ms: number; bytes: number; seconds: number }> {
  return {
    bytes: await agent.metric("memory_searched_bytes_total"),
    seconds: await agent.metric("memory_search_seconds_total"),
    ms: cpuMs(agent.process.pid!),
  };
}

/** Of a process with all of its threads, and of its children that have ended: the searches. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1")
    .replace(/^.*\) /s, "")
    .split(" ");
  return [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0) * MS_PER_TICK;
}
