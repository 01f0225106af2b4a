// `make bench`: speed and memory, side by side in one run. `--json` prints the results as data; words are parts, the others are left out.
import { cpus, loadavg, release, totalmem } from "node:os";
import { measureAgent } from "./agent-cost.js";
import { measureAllow } from "./allow-walk.js";
import { measureBeside } from "./beside-cost.js";
import { measureCandidate } from "./candidate-cost.js";
import { measureExecLoop } from "./exec-loop.js";
import { measureFlow } from "./flow-cost.js";
import { measureMonero } from "./monero-cost.js";
import { measureNames } from "./names-cost.js";
import { formatResults, type Result } from "./result.js";
import { measureScopes } from "./scope-cost.js";
import { measureSearch } from "./search-time.js";
import { measureSwitches } from "./switch-cost.js";

const machine = {
  date: new Date().toISOString(),
  cpu: cpus()[0]?.model ?? "unknown",
  cpus: cpus().length,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  kernel: release(),
  node: process.version,
  loadBefore: loadavg()[0],
};
const only = process.argv.slice(2).filter((word) => !word.startsWith("--"));
const PARTS: Readonly<Record<string, () => readonly Result[] | Promise<readonly Result[]>>> = {
  search: measureSearch,
  allow: measureAllow,
  candidate: measureCandidate,
  scopes: measureScopes,
  beside: measureBeside,
  exec: measureExecLoop,
  agent: measureAgent,
  flow: measureFlow,
  names: measureNames,
  switches: measureSwitches,
  monero: measureMonero,
};
const results: Result[] = [];
for (const [part, measure] of Object.entries(PARTS))
  if (only.length === 0 || only.includes(part)) results.push(...(await measure()));
if (process.argv.includes("--json")) process.stdout.write(`${JSON.stringify({ machine, results }, null, 2)}\n`);
else {
  const { date, cpu, kernel, node, memoryGiB, loadBefore } = machine;
  process.stdout.write(
    `${date}, ${machine.cpus} x ${cpu}, ${memoryGiB} GiB, Linux ${kernel}, Node ${node}, load before ${loadBefore?.toFixed(1)}\n\n`,
  );
  process.stdout.write(`${formatResults(results)}\n`);
}
