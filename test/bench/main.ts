// `make bench`: speed and memory, side by side in one run. `--json` prints the results as data.
import { cpus, loadavg, release, totalmem } from "node:os";
import { measureAgent } from "./agent-cost.js";
import { measureAllow } from "./allow-walk.js";
import { measureCandidate } from "./candidate-cost.js";
import { measureExecLoop } from "./exec-loop.js";
import { formatResults } from "./result.js";
import { measureSearch } from "./search-time.js";

const machine = {
  date: new Date().toISOString(),
  cpu: cpus()[0]?.model ?? "unknown",
  cpus: cpus().length,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  kernel: release(),
  node: process.version,
  loadBefore: loadavg()[0],
};
const results = [
  ...measureSearch(),
  ...measureAllow(),
  ...measureCandidate(),
  ...measureExecLoop(),
  ...(await measureAgent()),
];
if (process.argv.includes("--json")) process.stdout.write(`${JSON.stringify({ machine, results }, null, 2)}\n`);
else {
  const { date, cpu, kernel, node, memoryGiB, loadBefore } = machine;
  process.stdout.write(
    `${date}, ${machine.cpus} x ${cpu}, ${memoryGiB} GiB, Linux ${kernel}, Node ${node}, load before ${loadBefore?.toFixed(1)}\n\n`,
  );
  process.stdout.write(`${formatResults(results)}\n`);
}
