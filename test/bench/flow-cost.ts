// What the network guard costs a connect, with lists of several sizes, in turns: none, an agent with an empty list, with a full one, with
// the scan rule and with a budget. And how long it takes to start with such a list, and the memory that it keeps.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { FlowAgent, inNetwork, Lists } from "../lib/flow-agent.js";
import { prog } from "../lib/progs.js";
import type { Result } from "./result.js";
import { median } from "./statistics.js";

const ROUNDS = 3;
const SIZES = [0, 1000, 100_000] as const;
/** What test/progs/connect-cost.c is asked for, and how often. */
const CONNECTS = [
  ["udp4", "UDP, one IPv4 address", 80_000],
  ["udp6", "UDP, ::1", 80_000],
  ["random4", "UDP, an IPv4 address at random each time", 80_000],
  ["tcp", "TCP to a listener, and close", 4000],
  ["public", "TCP to a public address that refuses", 8000],
] as const;

export async function measureFlow(): Promise<Result[]> {
  const lists = new Lists();
  const files = SIZES.map((size) => lists.write(`list-${size}`, networks(size)));
  const guard = (i: number) => [`banned_file_globs=${files[i]}`, "unique_destinations_threshold=0"];
  const modes: readonly (readonly [name: string, settings: readonly string[] | null, size: number | null])[] = [
    ["no agent", null, null],
    ...SIZES.map((size, i) => [`list of ${size.toLocaleString("en-US")}`, guard(i), size] as const),
    ["list of 100,000, scan rule", [...guard(2).slice(0, 1), "unique_destinations_threshold=15"], null],
    ["list of 100,000, budget", [...guard(2), "egress_per_pod=200", "egress_per_node=1000"], null],
  ];
  const times = new Map<string, number[]>();
  const note = (name: string, value: number) => times.set(name, [...(times.get(name) ?? []), value]);
  try {
    for (let round = 0; round < ROUNDS; round++) {
      for (const [mode, settings, size] of modes) {
        const startMs = performance.now();
        const agent =
          settings === null ? null : await FlowAgent.start(settings.map((setting) => `--FlowKiller.${setting}`));
        try {
          if (agent !== null && size !== null) {
            note(`start\0${size}`, performance.now() - startMs);
            note(`memory\0${size}`, residentMiB(agent.process.pid!));
          }
          for (const [what, , count] of CONNECTS) note(`${what}\0${mode}`, await costOf(what, count));
        } finally {
          await agent?.stop();
        }
      }
    }
  } finally {
    lists.remove();
  }
  const result = (key: string, name: string, unit: string, more: Partial<Result> = {}): Result => {
    const all = times.get(key)!;
    return { name, median: median(all), best: Math.min(...all), unit, ...more };
  };
  return [
    ...CONNECTS.flatMap(([what, title]) =>
      modes.map(([mode]) => result(`${what}\0${mode}`, `connect: ${title}; ${mode}`, "ns")),
    ),
    ...SIZES.flatMap((size) => [
      result(`start\0${size}`, `flowkiller: from start to guarding, ${size.toLocaleString("en-US")} networks`, "ms"),
      result(`memory\0${size}`, `flowkiller: resident after start, ${size.toLocaleString("en-US")} networks`, "MiB"),
    ]),
  ];
}

/** A fifth IPv6, two fifths IPv4 anywhere, two fifths single ports of addresses that are asked for at random, which thus find an entry. */
function networks(count: number): string {
  let state = 1;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const octets = () => `${random(256)}.${random(256)}`;
  const lines = Array.from({ length: count }, (_, i) => {
    if (i % 5 === 0) return `2001:db8:${random(65536).toString(16)}:${random(65536).toString(16)}::/64`;
    return i % 5 < 3 ? `${11 + random(100)}.${random(256)}.${octets()}` : `198.${18 + random(2)}.${octets()}:3333`;
  });
  return `${lines.join("\n")}\n`;
}

/** Nanoseconds for one. */
async function costOf(what: string, count: number): Promise<number> {
  if (what !== "public") return Number(execFileSync(prog("connect-cost"), [what, String(count)], { encoding: "utf8" }));
  // In a network of its own, where that address is the machine's.
  const { lines } = await inNetwork(`${prog("connect-cost")} ${what} ${count}`);
  return Number(lines[0]);
}

function residentMiB(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
}
