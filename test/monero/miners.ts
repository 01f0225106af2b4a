// Real RandomX under the detector: how long each way to compute it lives. Offline, seconds long, killed by nobody else.
// node test/dist/monero/miners.js [RUNS]; needs root and Debian's librandomx-dev; test/monero/README.md has the rest.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../lib/agent.js";
import { MoneroAgent } from "../lib/monero-agent.js";

const RUNS = Number(process.argv[2] ?? 10);
const BUILT = join(ROOT, "build/monero");
const SOURCES = join(ROOT, "test/monero");
/** A Python with the packages randomx and cyrx. */
const PYTHON = process.env["RANDOMX_PYTHON"];
/** rx.c with a RandomX that hide-constants.py has changed. */
const HIDDEN = process.env["HIDDEN_RANDOMX"];
const SECONDS = "40";

mkdirSync(BUILT, { recursive: true });
const rx = build("rx", ["rx.c", "-lrandomx", "-lstdc++", "-lm", "-lpthread"]);
const memfd = pack();

interface Case {
  readonly name: string;
  readonly command: readonly string[];
  /** Runs meanwhile. */
  readonly beside?: readonly string[];
}

const CASES: readonly Case[] = [
  { name: "librandomx, JIT, one thread", command: [rx, "jit", "1", SECONDS] },
  { name: "librandomx, JIT, two threads", command: [rx, "jit", "2", SECONDS] },
  { name: "librandomx, interpreter", command: [rx, "int", "1", SECONDS] },
  {
    name: "nice 19 beside two hogs",
    command: ["nice", "-n", "19", rx, "jit", "1", SECONDS],
    beside: ["sh", "-c", "(while :; do :; done) & while :; do :; done"],
  },
  { name: "sleeping 20 ms after each hash", command: [rx, "jit", "1", SECONDS, "20000"] },
  { name: "sleeping 500 ms after each hash", command: [rx, "jit", "1", SECONDS, "500000"] },
  { name: "yielding after each hash", command: [rx, "jit", "1", SECONDS, "0", "yield"] },
  { name: "packed, executed from a memfd", command: [memfd, "jit", "1", SECONDS] },
  ...(HIDDEN === undefined
    ? []
    : ["jit", "int"].map((way) => ({
        name: `constants made at run time by XOR, ${way}`,
        command: [HIDDEN, way, "1", SECONDS],
      }))),
  ...(PYTHON === undefined
    ? []
    : [
        { name: "Python, randomx", command: [PYTHON, join(SOURCES, "randomx-loop.py"), "randomx", SECONDS] },
        { name: "Python, cyrx", command: [PYTHON, join(SOURCES, "randomx-loop.py"), "cyrx", SECONDS] },
      ]),
];

const agent = await MoneroAgent.start(["--memory", "off", ...process.argv.slice(3)]);
console.log("| program | killed | seconds of life, median / worst | seconds of CPU, median / worst | rule |");
console.log("| --- | --- | --- | --- | --- |");
for (const one of CASES) await measure(one);
await agent.stop();

async function measure({ name, command, beside }: Case): Promise<void> {
  const hogs = beside === undefined ? null : spawn(beside[0]!, beside.slice(1), { stdio: "ignore", detached: true });
  const ages: number[] = [];
  const cpus: number[] = [];
  const rules = new Set<string>();
  for (let i = 0; i < RUNS; i++) {
    const child = spawn(command[0]!, command.slice(1), { stdio: "ignore" });
    const signal = await new Promise((resolve) => child.once("exit", (_, signal) => resolve(signal)));
    if (signal !== "SIGKILL") continue;
    const line = await agent.lineOf("killed", child.pid!);
    ages.push(line["age_seconds"] as number);
    cpus.push(line["cpu_seconds"] as number);
    const constants = line["constants"];
    rules.add(`${line["rule"]}: ${typeof constants === "object" ? JSON.stringify(constants) : (constants ?? "")}`);
  }
  if (hogs !== null) process.kill(-hogs.pid!, "SIGKILL");
  console.log(`| ${name} | ${ages.length}/${RUNS} | ${show(ages)} | ${show(cpus)} | ${[...rules].join("; ")} |`);
}

function show(values: number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const median = sorted[sorted.length >> 1];
  return median === undefined ? "-" : `${median.toFixed(2)} / ${sorted.at(-1)!.toFixed(2)}`;
}

function build(name: string, how: readonly string[]): string {
  const out = join(BUILT, name);
  execFileSync("gcc", [
    "-O2",
    "-o",
    out,
    ...how.map((word) => (/\.(c|o)$/.test(word) && !word.startsWith("/") ? join(SOURCES, word) : word)),
  ]);
  return out;
}

/** The program XORed with a key that rolls, and what unpacks it. */
function pack(): string {
  const program = readFileSync(rx);
  let key = 0x9d;
  const packed = program.map((byte) => {
    const hidden = byte ^ key;
    key = (key * 5 + 113) & 255;
    return hidden;
  });
  writeFileSync(join(BUILT, "packed.bin"), packed);
  execFileSync("ld", ["-r", "-b", "binary", "-o", "packed.o", "packed.bin"], { cwd: BUILT });
  return build("unpack-memfd", ["unpack-memfd.c", join(BUILT, "packed.o")]);
}
