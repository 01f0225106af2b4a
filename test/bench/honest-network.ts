// What the egress budget and the scan rule do to honest work that reaches for many public hosts: in turns, so that what else the machine
// does meets all alike. `node test/dist/bench/honest-network.js [ROUNDS]`
import { FlowAgent, Lists } from "../lib/flow-agent.js";
import { doHonestWork, HONEST_WORK, type HonestResult, missingPrograms } from "../lib/honest-work.js";

const MODES: readonly (readonly [name: string, settings: readonly string[] | null])[] = [
  ["no agent", null],
  ["egress_per_pod 200", ["unique_destinations_threshold=0", "egress_per_pod=200", "egress_per_node=1000"]],
  ["egress_per_pod 30", ["unique_destinations_threshold=0", "egress_per_pod=30"]],
  ["the scan rule at 15", []],
];

const rounds = Number(process.argv[2] ?? 3);
const missing = missingPrograms();
if (missing.length > 0) process.stdout.write(`not installed: ${missing.join(", ")}\n`);
const works = HONEST_WORK.filter(({ program }) => !missing.includes(program));
const lists = new Lists();
const results = new Map<string, HonestResult[]>();
try {
  for (let round = 0; round < rounds; round++) {
    for (const [mode, settings] of MODES) {
      const agent =
        settings === null ? null : await FlowAgent.start(settings.map((setting) => `--FlowKiller.${setting}`));
      try {
        const { done } = await doHonestWork(lists, works);
        for (const [name, result] of done) {
          const key = `${name}\0${mode}`;
          results.set(key, [...(results.get(key) ?? []), result]);
        }
      } finally {
        await agent?.stop();
      }
    }
  }
} finally {
  lists.remove();
}

process.stdout.write(`| work, and hosts | ${MODES.map(([mode]) => mode).join(" | ")} |\n`);
process.stdout.write(`| --- |${" --- |".repeat(MODES.length)}\n`);
for (const { name, hosts, parts } of works) {
  const cells = MODES.map(([mode]) => cellOf(results.get(`${name}\0${mode}`)!, parts));
  process.stdout.write(`| ${name}, ${hosts} | ${cells.join(" | ")} |\n`);
}

function cellOf(of: readonly HonestResult[], all: number): string {
  const seconds = of.map((result) => result.seconds.toFixed(1)).join(", ");
  const killed = of.filter(({ wasKilled }) => wasKilled).length;
  const whole = of.filter(({ parts }) => parts === all).length;
  const partly = `${of.map(({ parts }) => parts).join(", ")} of ${all}`;
  return `${seconds} s; ${whole === of.length ? "whole" : partly}${killed > 0 ? `; killed ${killed} of ${of.length} times` : ""}`;
}
